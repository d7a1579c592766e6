// The edge's hands on the imaging module: one instance per isolate, one image at a time.
//
// The entry script puts the compiled module at `globalThis.__ferrotype_imaging`. The instance is kept from image to
// image (its code stays warm, its memory is reused) and dropped after a trap, after a broken lock, and when its
// memory, which never shrinks, has grown above a mark. Every call but `codec_acquire` takes the token that it gave:
// a request that the runtime cancelled and that comes back late finds its token stale and touches nothing.

/** A lock older than this belongs to a cancelled request: no image takes so long. */
const LOCK_MAX_MS = 60_000;

/** Bytes per read, and at most this many are probed before the whole file gets its buffer. */
const CHUNK_BYTES = 262_144;

/** What the module may take at most: its own memory limit. */
const MEMORY_MAX_BYTES = 96 * 1024 * 1024;

/** Above this the instance is not worth keeping: an isolate has 128 MB for everything in it. */
const MEMORY_KEEP_BYTES = 64 * 1024 * 1024;

const NO_MORE = 1;
const FAILED = 2;

const decoder = new TextDecoder();

/** The instance's exports, or null. */
let codec = null;
/** Largest size of the instance's memory so far. */
let peakBytes = 0;
/** Token of the holder, 0 if free. */
let holder = 0;
let acquiredAt = 0;
let lastToken = 0;

/** An error that the caller can tell by its code. */
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

/** Runs `act` on the exports; a trap costs the instance. */
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
      throw failure("image_codec_trapped", "The picture crashed the codec, so it was given up. Export it again and upload that file.");
    }
    throw error;
  }
}

/** Bytes of the instance's memory: a fresh view each time, growth detaches the old ones. */
function view(exports, pointer, length) {
  return new Uint8Array(exports.memory.buffer, pointer, length);
}

function reply(exports) {
  return decoder.decode(view(exports, exports.codec_reply_ptr(), exports.codec_reply_len()));
}

/** Passes a status on, or throws the failure behind it. */
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
  if (pointer === 0) throw failure("image_memory_exceeded", "The codec's memory is used up. Upload a smaller version.");
  view(exports, pointer, bytes.byteLength).set(bytes);
}

function takePlan(exports, plan) {
  scratch(exports, new TextEncoder().encode(plan));
  settled(exports, exports.codec_plan());
}

/** Reads up to a chunk into `buffer`, which it takes; gives the bytes read (with their buffer) and whether the stream ended. */
async function readChunk(reader, buffer) {
  const target = new Uint8Array(buffer);
  const { value, done } = reader.readAtLeast
    ? await reader.readAtLeast(target.byteLength, target)
    : await reader.read(target);
  return { bytes: value ?? new Uint8Array(), done };
}

/**
 * Takes the codec, unless another request holds it.
 * @param {number} now_ms Clock.
 * @returns {number} Token for the other calls, or 0 if busy.
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
    takePlan(exports, plan);
    // The size alone may be too much: then not a byte is read.
    settled(exports, exports.codec_probe(Math.min(size_bytes, 0xffff_ffff)));
  });
  const reader = stream.getReader({ mode: "byob" });
  try {
    await fill(token, reader, size_bytes, plan);
  } finally {
    // Also when the file is complete: nothing else of the body is wanted. A stream that failed may refuse.
    reader.cancel().catch(() => {});
  }
  guarded(token, (exports) => settled(exports, exports.codec_open()));
}

/** Gives the plan to the instance, which may be a fresh one, and reserves the input buffer in it. */
function reserve(exports, sizeBytes, plan) {
  takePlan(exports, plan);
  const pointer = exports.codec_input(sizeBytes);
  if (pointer === 0) settled(exports, FAILED);
  return pointer;
}

/** Copies `sizeBytes` from the reader into the codec's input buffer, which is reserved after a look at the first chunk. */
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
      // The heap of earlier pictures may be free and still not fit this one: what is there counts as taken.
      if (exports.memory.buffer.byteLength + estimateBytes > MEMORY_MAX_BYTES) drop();
    });
    guarded(token, (exports) => {
      if (wanted.byteLength === 0) return;
      if (at === 0) pointer = reserve(exports, sizeBytes, plan);
      view(exports, pointer + at, wanted.byteLength).set(wanted);
    });
    at += wanted.byteLength;
    if (done && at < sizeBytes) {
      throw failure("unavailable", `The file's body ended after ${at} of ${sizeBytes} bytes. Try again.`);
    }
  }
}

/**
 * Makes the next variant.
 * @param {number} token From `codec_acquire`.
 * @returns {{meta: string, bytes: Uint8Array} | null} JSON of the variant and its file, or null after the last one.
 */
export function codec_next(token) {
  return guarded(token, (exports) => {
    if (settled(exports, exports.codec_next()) === NO_MORE) return null;
    const bytes = view(exports, exports.codec_bytes_ptr(), exports.codec_bytes_len()).slice();
    return { meta: reply(exports), bytes };
  });
}

/**
 * What is known of the image.
 * @param {number} token From `codec_acquire`.
 * @returns {string} JSON of the report, with the largest memory size of this instance so far.
 */
export function codec_report(token) {
  const report = guarded(token, (exports) => {
    settled(exports, exports.codec_report());
    return JSON.parse(reply(exports));
  });
  return JSON.stringify({ ...report, peak_memory_bytes: peakBytes });
}

/**
 * Frees the image and the codec. A stale token is ignored: its codec is gone already.
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
 * Traps inside the module: what a picture that crashes the codec does.
 * @param {number} token From `codec_acquire`.
 */
export function codec_trap(token) {
  guarded(token, (exports) => exports.codec_trap());
}
