// sharp: `node sharp.mjs <file> <repeats> chained|separate`. Chained makes each variant from the one before.
import { readFileSync } from "node:fs";
import sharp from "sharp";
import { measure } from "./measure.mjs";
import { variants } from "./variants.mjs";

sharp.cache(false);
sharp.concurrency(1);
const file = readFileSync(process.argv[2]);

const resized = (input, { width, height, fit }) => input.resize(width, height, { fit, withoutEnlargement: true });
const encoded = (input, { quality }) => input.webp({ quality, effort: 4 }).toBuffer();

async function chained() {
  let source = { data: file, info: undefined };
  let bytes = 0;
  for (const variant of variants) {
    const input = source.info ? sharp(source.data, { raw: source.info }) : sharp(source.data).rotate();
    const made = await resized(input, variant).raw().toBuffer({ resolveWithObject: true });
    bytes += (await encoded(sharp(made.data, { raw: made.info }), variant)).byteLength;
    if (variant.fit === "inside") source = made;
  }
  return { bytes };
}

async function separate() {
  let bytes = 0;
  for (const variant of variants) bytes += (await encoded(resized(sharp(file).rotate(), variant), variant)).byteLength;
  return { bytes };
}

await measure(process.argv[4] === "separate" ? separate : chained);
