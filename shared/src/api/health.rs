//! Bodies of the operations that say whether the service answers.

use serde::{Deserialize, Serialize};

/// Answer of `Healthz` and `Readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Always `ok`: a part that does not answer is a problem document with status 503.
    pub state: String,
}

/// Answer of `Version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionInfo {
    /// Version of the build.
    pub version: String,
    /// Nonce of this start, as its configuration says; tells a fresh stack from a left-over one.
    pub nonce: String,
}
