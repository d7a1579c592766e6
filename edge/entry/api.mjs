// Entry of script 1: everything comes from the Rust build.
export { default } from "../build/index.js";
export * from "../build/index.js";
