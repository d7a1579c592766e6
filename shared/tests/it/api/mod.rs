//! The contract: table, lookup, bodies and OpenAPI document.

mod conformance;
mod openapi;
mod query;
mod route;
