//! The contract: table, lookup, bodies and OpenAPI document.

mod conformance;
mod object;
mod openapi;
mod route;
