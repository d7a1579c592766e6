//! Linker settings of the wasm module.

/// Upper limit of the linear memory of the module. An isolate has 128 MB for everything in it. An image that needs more
/// memory than estimated makes the module trap at this limit, before the isolate is killed with all its other requests.
const MEMORY_MAX_BYTES: u32 = 96 * 1024 * 1024;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_ARCH").is_ok_and(|arch| arch == "wasm32") {
        println!("cargo:rustc-link-arg-cdylib=--max-memory={MEMORY_MAX_BYTES}");
    }
}
