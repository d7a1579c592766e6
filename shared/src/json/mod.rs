//! Reading the JSON of others: request bodies and settings, strictly and with errors in the contract's own words.
//!
//! serde names Rust types and positions in its errors (`invalid type: map, expected u64 at line 1 column 2`). [`read`] reads the
//! text into a tree, and the tree into a type by a deserializer of its own: each error then names the field by its path and
//! says what it must be. The same deserializer accepts every way to write an integer that JSON Schema accepts (`314`, `314.0`,
//! `3.14e2`), and an object only where the type is an object.

mod fault;
pub(crate) mod integer;
mod node;
mod reader;

use serde::de::DeserializeOwned;

pub use fault::Fault;
use node::Node;
use reader::Reader;

use crate::problem::{ErrorCode, Failure};

/// Largest integer that every reader of JSON represents exactly: 2^53 − 1 (RFC 7493, I-JSON, §2.2). Larger ones are rejected
/// where an integer is expected.
pub const INTEGER_MAX: u64 = 9_007_199_254_740_991;

/// Why a text cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    /// The text is not JSON, or is nested too deeply.
    #[error("not valid JSON: {0}")]
    Syntax(String),
    /// The text is JSON of another shape than the type.
    #[error("{0}")]
    Shape(#[from] Fault),
}

/// Reads a JSON document as `T`.
///
/// # Errors
/// [`Invalid::Syntax`] when `text` is not JSON, [`Invalid::Shape`] when it does not have the shape of `T`.
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, Invalid> {
    let tree: Node =
        serde_json::from_slice(text).map_err(|error| Invalid::Syntax(error.to_string()))?;
    Ok(T::deserialize(Reader(tree))?)
}

/// Reads the body of a request as `T`.
///
/// ```
/// use shared::api::DrainWorker;
///
/// assert_eq!(shared::json::body(br#"{"drain": true}"#), Ok(DrainWorker { drain: true }));
/// let failure = shared::json::body::<DrainWorker>(br#"{"drain": 1}"#).unwrap_err();
/// assert_eq!(failure.detail, "drain must be true or false.");
/// ```
///
/// # Errors
/// `json_invalid` when `text` is not JSON, `request_invalid` when it does not have the shape of `T`.
pub fn body<T: DeserializeOwned>(text: &[u8]) -> Result<T, Failure> {
    read(text).map_err(|error| match error {
        Invalid::Syntax(reason) => Failure::new(
            ErrorCode::JsonInvalid,
            format!("The body is not valid JSON: {reason}."),
        ),
        Invalid::Shape(fault) => Failure::new(
            ErrorCode::RequestInvalid,
            format!("{}.", fault.describe("The body")),
        ),
    })
}
