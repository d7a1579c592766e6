// One table: the codec against sharp, photon and Pillow on five images, four variants each.
//
// Settings, all with defaults: FERROTYPE_IMAGING_WASM (module), FERROTYPE_IMAGING_NATIVE (the `native` example, left out
// if unset), BENCH_REPEATS, BENCH_PYTHON.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const module = process.env.FERROTYPE_IMAGING_WASM ?? here("../../../edge/imaging.wasm");
const native = process.env.FERROTYPE_IMAGING_NATIVE;
const python = process.env.BENCH_PYTHON ?? "python3";
const repeats = process.env.BENCH_REPEATS ?? "5";

/** The command of each contender for a file. */
const CONTENDERS = {
  "ours, wasm": (file) => ["node", here("ours.mjs"), file, repeats, here("../../../edge/js/codec.js"), module],
  "ours, native": (file) => native && [native, file, repeats],
  "sharp, chained": (file) => ["node", here("sharp.mjs"), file, repeats, "chained"],
  "sharp, separate": (file) => ["node", here("sharp.mjs"), file, repeats, "separate"],
  "photon, lossless": (file) => ["node", here("photon.mjs"), file, repeats],
  Pillow: (file) => [python, here("pillow.py"), file, repeats],
};

function run(command) {
  if (!command) return { missing: "not built" };
  try {
    return JSON.parse(execFileSync(command[0], command.slice(1), { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }));
  } catch (error) {
    return { missing: String(error.stderr ?? error).trim().split("\n").at(-1).slice(0, 60) };
  }
}

const number = (value) => (value === undefined ? "–" : Math.round(value).toString());
const file = readFileSync(module);
console.log(`Module: ${file.byteLength} bytes, ${gzipSync(file, { level: 9 }).byteLength} gzip. Median of ${repeats} runs; CPU is user and system.\n`);
console.log("| image | by | CPU ms | wall ms | CPU ÷ sharp chained | wasm MiB | process MiB | output kB |");
console.log("|---|---|--:|--:|--:|--:|--:|--:|");
// In a process of its own: a child starts with its parent's largest memory as its own.
const images = JSON.parse(execFileSync("node", [here("images.mjs"), `${tmpdir()}/ferrotype-bench`], { encoding: "utf8" }));
for (const { name, path } of images) {
  const results = Object.entries(CONTENDERS).map(([by, command]) => [by, run(command(path))]);
  const base = results.find(([by]) => by === "sharp, chained")[1].cpu_ms;
  for (const [by, { cpu_ms, wall_ms, wasm_mib, rss_mib, bytes, missing }] of results) {
    const ratio = cpu_ms && base ? (cpu_ms / base).toFixed(2) : "–";
    const cells = missing ? [missing, "", "", "", "", ""] : [number(cpu_ms), number(wall_ms), ratio, number(wasm_mib), number(rss_mib), number(bytes && bytes / 1000)];
    console.log(`| ${[name, by, ...cells].join(" | ")} |`);
  }
}
