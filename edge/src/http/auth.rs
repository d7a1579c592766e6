//! From request to principal.

use shared::auth::Principal;
use shared::problem::ErrorCode;

use crate::clock;
use crate::config::Config;
use crate::error::{Error, Result};

/// The bearer token of an `Authorization` header.
fn bearer(header: Option<&str>) -> Result<&str> {
    let missing = || {
        Error::problem(
            ErrorCode::TokenMissing,
            "Send the header Authorization: Bearer <token>.",
        )
    };
    let (scheme, token) = header
        .ok_or_else(missing)?
        .split_once(' ')
        .ok_or_else(missing)?;
    if scheme.eq_ignore_ascii_case("bearer") && !token.trim().is_empty() {
        Ok(token.trim())
    } else {
        Err(missing())
    }
}

/// Who sends this `Authorization` header.
pub(crate) fn principal(config: &Config, header: Option<&str>) -> Result<Principal> {
    Ok(config.tokens.verify(bearer(header)?, clock::now())?)
}
