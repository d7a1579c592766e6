// Entry of script 2. The platform compiles the codec module, which must be available before the Rust build with `js/codec.js`
// loads.
import "./imaging.mjs";
export { default } from "../build/index.js";
