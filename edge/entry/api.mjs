// Entry of script 1: the Rust build.
export { default } from "../build/index.js";
export * from "../build/index.js";
