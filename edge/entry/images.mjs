// Entry of script 2: the codec module is compiled by the platform and handed to `js/codec.js` before the Rust build loads.
import "./imaging.mjs";
export { default } from "../build/index.js";
