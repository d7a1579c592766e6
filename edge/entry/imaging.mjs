// The bundler of worker-build accepts no .wasm import but its own, so wrangler bundles this file, which imports the codec module.
import imaging from "../imaging.wasm";
globalThis.__ferrotype_imaging = imaging;
