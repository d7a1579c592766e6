// The images of the benchmark, made from one photo of the tests: mirrored tiles, so that there are no seams.
// `node images.mjs <folder>` makes the missing ones there and prints names and paths.
import { existsSync, mkdirSync } from "node:fs";
import sharp from "sharp";

const PHOTO = new URL("../../../imaging/tests/fixtures/exif-orientation/Landscape_1.jpg", import.meta.url).pathname;

async function mosaic(width, height) {
  const { data, info } = await sharp(PHOTO).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  const fold = (at, side) => (Math.floor(at / side) % 2 === 0 ? at % side : side - 1 - (at % side));
  const pixels = Buffer.alloc(width * height * 3);
  for (let y = 0; y < height; y += 1) {
    const row = fold(y, info.height) * info.width;
    for (let x = 0; x < width; x += 1) {
      const from = (row + fold(x, info.width)) * 3;
      data.copy(pixels, (y * width + x) * 3, from, from + 3);
    }
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } });
}

const jpeg = (progressive) => (image) => image.jpeg({ quality: 92, chromaSubsampling: "4:2:0", progressive });
const IMAGES = [
  ["24 MP JPEG", "24mp.jpg", 6000, 4000, jpeg(false)],
  ["12 MP JPEG", "12mp.jpg", 4000, 3000, jpeg(false)],
  ["12 MP progressive", "12mp-progressive.jpg", 4000, 3000, jpeg(true)],
  ["20 MP PNG", "20mp.png", 5477, 3652, (image) => image.png()],
  ["24 MP WebP", "24mp.webp", 6000, 4000, (image) => image.webp({ quality: 85 })],
];

const folder = process.argv[2];
mkdirSync(folder, { recursive: true });
const made = [];
for (const [name, file, width, height, encode] of IMAGES) {
  const path = `${folder}/${file}`;
  if (!existsSync(path)) await encode(await mosaic(width, height)).toFile(path);
  made.push({ name, path });
}
console.log(JSON.stringify(made));
