//! Conditional and range requests: vectors of RFC 9110.

mod date;
mod select;
