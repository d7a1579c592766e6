//! The parts that only the wasm module has: its exports, and the functions of the C library that libwebp needs.

mod abi;
mod libc;
