//! The contract: its table, its lookup, its bodies and its OpenAPI document.

mod conformance;
mod object;
mod openapi;
mod route;
