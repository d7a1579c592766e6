// The wasm module through edge/js/codec.js, body streamed: `node ours.mjs <file> <repeats> <codec.js> <module.wasm>`.
import { readFileSync } from "node:fs";
import { measure } from "./measure.mjs";
import { variants } from "./variants.mjs";

const [, , path, , scriptPath, modulePath] = process.argv;
globalThis.__ferrotype_imaging = new WebAssembly.Module(readFileSync(modulePath));
const codec = await import(`data:text/javascript,${encodeURIComponent(readFileSync(scriptPath, "utf8"))}`);
const file = readFileSync(path);
const plan = JSON.stringify({ variants, pixels_max: 1e8, memory_max_bytes: 96 * 1024 * 1024 });

function stream() {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const { view } = controller.byobRequest;
      const count = Math.min(view.byteLength, file.byteLength - at);
      new Uint8Array(view.buffer, view.byteOffset, count).set(file.subarray(at, at + count));
      at += count;
      if (count === 0) controller.close();
      controller.byobRequest.respond(count);
    },
  });
}

await measure(async () => {
  const token = codec.codec_acquire(Date.now());
  try {
    await codec.codec_open(token, stream(), file.byteLength, plan);
    let bytes = 0;
    for (let made = codec.codec_next(token); made; made = codec.codec_next(token)) bytes += made.bytes.byteLength;
    return { bytes, wasm_mib: JSON.parse(codec.codec_report(token)).peak_memory_bytes / 1048576 };
  } finally {
    codec.codec_release(token);
  }
});
