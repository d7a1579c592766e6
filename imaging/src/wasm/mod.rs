//! What the wasm module has beside the codec: its exports, and the C library that libwebp needs.

mod abi;
mod libc;
