//! Bodies of the health and version operations.

use serde::{Deserialize, Serialize};

/// Answer of `Healthz` and `Readyz`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Always `ok`. If a dependency is unreachable, the answer is a problem document with status 503.
    pub state: String,
}

/// Answer of `Version`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionInfo {
    /// Version of the build.
    pub version: String,
    /// Nonce from the configuration; tells a new stack from a stale one.
    pub nonce: String,
}
