// worker-build's bundler takes no .wasm import but its own, so the codec module is imported here, by wrangler.
import imaging from "../imaging.wasm";
globalThis.__ferrotype_imaging = imaging;
