// Plays an HLS master playlist in Chromium with hls.js, to its end and on every rung, and measures when flashes are shown and
// beeps are played. Arguments: the master playlist's URL, the original's URL, and `beeps` if the video has them.
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { open } from "./chromium.mjs";

const [master, original, beeps] = process.argv.slice(2);
const require = createRequire(import.meta.url);
const library = await readFile(require.resolve("hls.js/dist/hls.min.js"));
const page = `<!doctype html><title>player</title><video id="video" playsinline crossorigin="anonymous"></video><script src="/hls.js"></script>`;

const server = createServer((request, response) => {
  const isLibrary = request.url === "/hls.js";
  response.writeHead(200, { "content-type": isLibrary ? "text/javascript" : "text/html" });
  response.end(isLibrary ? library : page);
});
await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
const origin = `http://127.0.0.1:${server.address().port}`;

const browser = await open();

/** Runs in the page: loads a source into the element, for HLS with hls.js. */
const prelude = `
  const video = document.getElementById("video");
  const errors = [];
  let hls = null;
  const once = (target, name, seconds) => new Promise((resolve, reject) => {
    target.addEventListener(name, resolve, { once: true });
    setTimeout(() => reject(new Error(name + " did not happen within " + seconds + " s at " + video.currentTime + "; " + errors.join("; "))), seconds * 1000);
  });
  const load = async (url, isHls) => {
    const ready = once(video, "loadeddata", 60);
    if (isHls) {
      hls = new Hls({ maxBufferLength: 30 });
      hls.on(Hls.Events.ERROR, (_, data) => {
        // After a switch hls.js fetches a segment whose time range is already buffered, and reports that it appended nothing.
        if (data.details === "bufferAppendNoProgress" && !data.fatal) return;
        errors.push(data.type + " " + data.details + (data.fatal ? " (fatal)" : ""));
      });
      hls.loadSource(url);
      hls.attachMedia(video);
    } else {
      video.src = url;
    }
    await ready;
  };
`;

/** Plays to the end; returns times, frames and errors. */
const playToEnd = `async ([url, isHls]) => {
  ${prelude}
  await load(url, isHls);
  const duration = video.duration;
  const steps = [];
  video.addEventListener("timeupdate", () => steps.push(video.currentTime));
  const start = video.buffered.length ? video.buffered.start(0) : null;
  const ended = once(video, "ended", 60 + duration * 4);
  video.muted = true;
  await video.play();
  await ended;
  const quality = video.getVideoPlaybackQuality();
  return { duration, end: video.currentTime, start, steps: steps.length, frames: quality.totalVideoFrames, width: video.videoWidth, height: video.videoHeight, errors };
}`;

/** Switches to every rung and returns the frame heights that were displayed. */
const switchRungs = `async ([url]) => {
  ${prelude}
  await load(url, true);
  video.muted = true;
  video.loop = true;
  await video.play();
  const rungs = [];
  for (let level = 0; level < hls.levels.length; level += 1) {
    const wanted = hls.levels[level].height;
    hls.currentLevel = level;
    await new Promise((resolve, reject) => {
      const started = performance.now();
      const look = () => {
        if (video.videoHeight === wanted && hls.currentLevel === level) resolve();
        else if (performance.now() - started > 60000) reject(new Error("level " + level + " (" + wanted + ") shows " + video.videoHeight + "; " + errors.join("; ")));
        else video.requestVideoFrameCallback(look);
      };
      look();
    });
    rungs.push(wanted);
  }
  return { rungs, errors };
}`;

/** Median time from a flash to its beep, in seconds, by the clocks of the page. */
const offset = `async ([url, isHls]) => {
  ${prelude}
  const context = new AudioContext({ sampleRate: 48000, latencyHint: "interactive" });
  const code = "registerProcessor('ear', class extends AudioWorkletProcessor { process(inputs) { const samples = inputs[0][0]; if (samples) { for (let i = 0; i < samples.length; i += 1) { const loud = Math.abs(samples[i]) > 0.2; if (loud && currentTime + i / sampleRate - (this.last ?? -1) > 0.3) this.port.postMessage(currentTime + i / sampleRate); if (loud) this.last = currentTime + i / sampleRate; } } return true; } })";
  await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
  const ear = new AudioWorkletNode(context, "ear");
  context.createMediaElementSource(video).connect(ear).connect(context.destination);
  await context.resume();
  const beepTimes = [], flashes = [];
  // Both times on the performance clock.
  ear.port.onmessage = ({ data }) => { const at = context.getOutputTimestamp(); beepTimes.push(at.performanceTime / 1000 + (data - at.contextTime)); };
  const canvas = new OffscreenCanvas(8, 8).getContext("2d", { willReadFrequently: true });
  let white = true;
  const look = (_, frame) => {
    canvas.drawImage(video, 0, 0, 8, 8);
    const pixels = canvas.getImageData(3, 1, 1, 1).data;
    const bright = pixels[0] > 128;
    if (bright && !white) flashes.push({ at: frame.expectedDisplayTime / 1000, media: frame.mediaTime });
    white = bright;
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
  await load(url, isHls);
  const ended = once(video, "ended", 120);
  await video.play();
  await ended;
  const pairs = flashes.map(({ at }) => beepTimes.map((beep) => beep - at).sort((a, b) => Math.abs(a) - Math.abs(b))[0]).filter((value) => value !== undefined);
  pairs.sort((a, b) => a - b);
  return { median: pairs[Math.floor(pairs.length / 2)] ?? null, count: pairs.length, media: flashes.map(({ media }) => media), errors };
}`;

async function run(script, ...words) {
  const tab = await browser.newPage();
  try {
    await tab.goto(origin);
    return await tab.evaluate(`(${script})(${JSON.stringify(words)})`);
  } finally {
    await tab.close();
  }
}

try {
  const result = {
    played: await run(playToEnd, master, true),
    switched: await run(switchRungs, master),
  };
  if (beeps === "beeps") {
    result.offset = { hls: await run(offset, master, true), original: await run(offset, original, false) };
  }
  console.log(JSON.stringify(result));
} finally {
  await browser.close();
  server.close();
}
