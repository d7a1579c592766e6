// Imported here and not by the build of the edge: only this script runs the codec.
import imaging from "../imaging.wasm";
globalThis.__ferrotype_imaging = imaging;
