// Calls edge/js/codec.js as the edge does: `node codec.mjs <codec.js> <module.wasm>`.
//
// Each line of stdin is a request in JSON: {"file": path, "out": folder, "plan": …, "size"?: declared length, "repeat"?: n,
// "trap"?: true}, or {"lock": true}. Each line of stdout is an answer: {"variants": […], "report": …, "ms": […]} or {"code": …, "detail": …}.

import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

const [scriptPath, modulePath] = process.argv.slice(2);
globalThis.__ferrotype_imaging = new WebAssembly.Module(readFileSync(modulePath));
// As a data URL, because Node treats a file without a package.json as CommonJS.
const script = readFileSync(scriptPath, "utf8");
const codec = await import(`data:text/javascript,${encodeURIComponent(script)}`);

/** A byte stream of a file, in chunks of the size that the reader requests. */
function stream(bytes) {
  let at = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      const view = controller.byobRequest?.view;
      const count = Math.min(view?.byteLength ?? 65_536, bytes.byteLength - at);
      if (count === 0) {
        controller.close();
        controller.byobRequest?.respond(0);
        return;
      }
      const part = bytes.subarray(at, at + count);
      at += count;
      if (view) {
        new Uint8Array(view.buffer, view.byteOffset, count).set(part);
        controller.byobRequest.respond(count);
      } else {
        controller.enqueue(part.slice());
      }
    },
  });
}

async function once(request, bytes) {
  const token = codec.codec_acquire(Date.now());
  if (token === 0) throw new Error("busy");
  try {
    if (request.trap) codec.codec_trap(token);
    await codec.codec_open(token, stream(bytes), request.size ?? bytes.byteLength, JSON.stringify(request.plan));
    const variants = [];
    for (let made = codec.codec_next(token); made !== null; made = codec.codec_next(token)) {
      const variant = JSON.parse(made.meta);
      if (request.out) writeFileSync(`${request.out}/${variant.name}.webp`, made.bytes);
      variants.push(variant);
    }
    return { variants, report: JSON.parse(codec.codec_report(token)) };
  } finally {
    codec.codec_release(token);
  }
}

/** Checks the lock over time. All results must be true. */
function lock() {
  const stale = codec.codec_acquire(1_000);
  const isBusy = codec.codec_acquire(60_999) === 0;
  const owner = codec.codec_acquire(61_001);
  let refusal = "";
  try {
    codec.codec_next(stale);
  } catch (error) {
    refusal = error.code;
  }
  codec.codec_release(stale);
  const isStillBusy = codec.codec_acquire(61_002) === 0;
  codec.codec_release(owner);
  const isFree = codec.codec_acquire(61_003) > owner;
  codec.codec_release(codec.codec_acquire(200_000));
  return { checks: [stale > 0, isBusy, owner > stale, refusal === "unavailable", isStillBusy, isFree] };
}

async function answer(request) {
  if (request.lock) return lock();
  const bytes = readFileSync(request.file);
  const ms = [];
  let result;
  for (let run = 0; run < (request.repeat ?? 1); run += 1) {
    const cpu = process.cpuUsage();
    result = await once(request, bytes);
    const { user, system } = process.cpuUsage(cpu);
    ms.push((user + system) / 1000);
  }
  return { ...result, ms };
}

for await (const line of createInterface({ input: process.stdin })) {
  let result;
  try {
    result = await answer(JSON.parse(line));
  } catch (error) {
    result = { code: error.code ?? "thrown", detail: error.detail ?? String(error.stack) };
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
