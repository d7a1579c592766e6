// The instance of the codec module: one per isolate, used for one image at a time.
//
// The entry script puts the compiled module at `globalThis.__ferrotype_imaging`. The instance is kept for the next image, so
// that its code stays compiled and its memory is reused. It is dropped after a trap, when a lock is taken over, and when its
// memory, which never shrinks, has become too large. Every function but `codec_acquire` requires the token that
// `codec_acquire` returned: a request that the runtime cancelled and later resumes has a stale token and changes nothing.

/** A lock older than this belongs to a cancelled request: no image needs so much time. */
const LOCK_MAX_MS = 60_000;

/** Bytes per read. The header is probed in the first read, before memory for the whole file is reserved. */
const CHUNK_BYTES = 262_144;

/** Most memory of the module: the limit that it is linked with. */
const MEMORY_MAX_BYTES = 96 * 1024 * 1024;

/** An instance with more memory than this is not kept: an isolate has 128 MB in total. */
const MEMORY_KEEP_BYTES = 64 * 1024 * 1024;

const NO_MORE = 1;
const FAILED = 2;

const decoder = new TextDecoder();

/** Exports of the instance, or null. */
let codec = null;
/** Largest memory of the instance so far. */
let peakBytes = 0;
/** Token of the request that uses the codec, 0 if none. */
let holder = 0;
let acquiredAt = 0;
let lastToken = 0;

/** An error with a code. */
function failure(code, detail) {
  return Object.assign(new Error(`${code}: ${detail}`), { code, detail });
}

function drop() {
  codec = null;
  peakBytes = 0;
}

function check(token) {
  if (token === 0 || token !== holder) {
    throw failure("unavailable", "The codec was taken over by another request. Try again.");
  }
}

/** Runs `act` on the exports. A trap drops the instance. */
function guarded(token, act) {
  check(token);
  try {
    codec ??= new WebAssembly.Instance(globalThis.__ferrotype_imaging, {}).exports;
    const result = act(codec);
    if (codec !== null) peakBytes = Math.max(peakBytes, codec.memory.buffer.byteLength);
    return result;
  } catch (error) {
    if (error instanceof WebAssembly.RuntimeError || error instanceof RangeError) {
      drop();
      throw failure("image_codec_trapped", "The image crashed the codec. Export it again and upload the new file.");
    }
    throw error;
  }
}

/** Bytes of the instance's memory. A new view each time, because growth detaches the old ones. */
function view(exports, pointer, length) {
  return new Uint8Array(exports.memory.buffer, pointer, length);
}

function reply(exports) {
  return decoder.decode(view(exports, exports.codec_reply_ptr(), exports.codec_reply_len()));
}

/** Returns the status, or throws the failure that it stands for. */
function settled(exports, status) {
  if (status === FAILED) {
    const { code, detail } = JSON.parse(reply(exports));
    throw failure(code, detail);
  }
  return status;
}

/** Copies bytes into the scratch buffer. */
function scratch(exports, bytes) {
  const pointer = exports.codec_scratch(bytes.byteLength);
  if (pointer === 0) throw failure("image_memory_exceeded", "The codec has no memory left. Upload a smaller version.");
  view(exports, pointer, bytes.byteLength).set(bytes);
}

function setPlan(exports, plan) {
  scratch(exports, new TextEncoder().encode(plan));
  settled(exports, exports.codec_plan());
}

/** Reads at most one chunk into `buffer`, which is detached. Returns the bytes, in a new buffer, and whether the stream ended. */
async function readChunk(reader, buffer) {
  const target = new Uint8Array(buffer);
  const { value, done } = reader.readAtLeast
    ? await reader.readAtLeast(target.byteLength, target)
    : await reader.read(target);
  return { bytes: value ?? new Uint8Array(), done };
}

/**
 * Acquires the codec, unless another request uses it.
 * @param {number} now_ms The current time.
 * @returns {number} Token for the other functions, or 0 if the codec is busy.
 */
export function codec_acquire(now_ms) {
  if (holder !== 0) {
    if (now_ms - acquiredAt < LOCK_MAX_MS) return 0;
    drop();
  }
  lastToken += 1;
  holder = lastToken;
  acquiredAt = now_ms;
  return holder;
}

/**
 * Reads a file from `stream` into the codec and decodes it.
 * @param {number} token From `codec_acquire`.
 * @param {ReadableStream} stream A byte stream.
 * @param {number} size_bytes Its length.
 * @param {string} plan JSON of the image plan.
 */
export async function codec_open(token, stream, size_bytes, plan) {
  guarded(token, (exports) => {
    setPlan(exports, plan);
    // If the size alone is too large, nothing is read.
    settled(exports, exports.codec_probe(Math.min(size_bytes, 0xffff_ffff)));
  });
  const reader = stream.getReader({ mode: "byob" });
  try {
    await fill(token, reader, size_bytes, plan);
  } finally {
    // Also after the whole file was read: nothing else of the body is needed. Fails if the stream has failed.
    reader.cancel().catch(() => {});
  }
  guarded(token, (exports) => settled(exports, exports.codec_open()));
}

/** Sets the plan of the instance, which may be a new one, and reserves the input buffer in it. */
function reserve(exports, sizeBytes, plan) {
  setPlan(exports, plan);
  const pointer = exports.codec_input(sizeBytes);
  if (pointer === 0) settled(exports, FAILED);
  return pointer;
}

/** Copies `sizeBytes` from the reader into the codec's input buffer, which is reserved after the first chunk was probed. */
async function fill(token, reader, sizeBytes, plan) {
  let buffer = new ArrayBuffer(CHUNK_BYTES);
  let pointer = 0;
  let at = 0;
  while (at < sizeBytes) {
    const { bytes, done } = await readChunk(reader, buffer);
    buffer = bytes.buffer;
    const wanted = bytes.subarray(0, sizeBytes - at);
    guarded(token, (exports) => {
      if (at > 0 || wanted.byteLength === 0) return;
      scratch(exports, wanted);
      settled(exports, exports.codec_probe(sizeBytes));
      const estimateBytes = JSON.parse(reply(exports)) ?? MEMORY_MAX_BYTES;
      // The heap of earlier images may be fragmented, so all memory of the instance counts as used.
      if (exports.memory.buffer.byteLength + estimateBytes > MEMORY_MAX_BYTES) drop();
    });
    guarded(token, (exports) => {
      if (wanted.byteLength === 0) return;
      if (at === 0) pointer = reserve(exports, sizeBytes, plan);
      view(exports, pointer + at, wanted.byteLength).set(wanted);
    });
    at += wanted.byteLength;
    if (done && at < sizeBytes) {
      throw failure("unavailable", `The file ended after ${at} of ${sizeBytes} bytes. Try again.`);
    }
  }
}

/**
 * Makes the next variant.
 * @param {number} token From `codec_acquire`.
 * @returns {{meta: string, bytes: Uint8Array} | null} The variant as JSON and its file, or null after the last one.
 */
export function codec_next(token) {
  return guarded(token, (exports) => {
    if (settled(exports, exports.codec_next()) === NO_MORE) return null;
    const bytes = view(exports, exports.codec_bytes_ptr(), exports.codec_bytes_len()).slice();
    return { meta: reply(exports), bytes };
  });
}

/**
 * The facts about the image.
 * @param {number} token From `codec_acquire`.
 * @returns {string} The report as JSON, with the largest memory of this instance so far.
 */
export function codec_report(token) {
  const report = guarded(token, (exports) => {
    settled(exports, exports.codec_report());
    return JSON.parse(reply(exports));
  });
  return JSON.stringify({ ...report, peak_memory_bytes: peakBytes });
}

/**
 * Frees the image and releases the codec. Does nothing for a stale token.
 * @param {number} token From `codec_acquire`.
 */
export function codec_release(token) {
  if (token === 0 || token !== holder) return;
  try {
    if (codec !== null) guarded(token, (exports) => exports.codec_reset());
    if (codec !== null && codec.memory.buffer.byteLength > MEMORY_KEEP_BYTES) drop();
  } finally {
    holder = 0;
  }
}

/**
 * Traps inside the module, as an image that crashes the codec does.
 * @param {number} token From `codec_acquire`.
 */
export function codec_trap(token) {
  guarded(token, (exports) => exports.codec_trap());
}
