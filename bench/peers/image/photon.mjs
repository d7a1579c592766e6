// @cf-wasm/photon: `node photon.mjs <file> <repeats>`. Chained. Its WebP is lossless; a crop to a box is stretched instead.
import { readFileSync } from "node:fs";
import { PhotonImage, resize, SamplingFilter } from "@cf-wasm/photon";
import { measure } from "./measure.mjs";
import { variants } from "./variants.mjs";

const file = readFileSync(process.argv[2]);

await measure(async () => {
  let image = PhotonImage.new_from_byteslice(file);
  let bytes = 0;
  for (const { width, height, fit } of variants) {
    const [across, down] = [width / image.get_width(), height / image.get_height()];
    const ratio = Math.min(across, down, 1);
    const side = (length, box) => (fit === "cover" ? box : Math.max(1, Math.round(length * ratio)));
    const made = resize(image, side(image.get_width(), width), side(image.get_height(), height), SamplingFilter.Lanczos3);
    bytes += made.get_bytes_webp().byteLength;
    const unused = fit === "inside" ? image : made;
    if (fit === "inside") image = made;
    unused.free();
  }
  image.free();
  return { bytes };
});
