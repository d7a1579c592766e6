//! From an `Authorization` header to the caller.

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

/// The caller that an `Authorization` header identifies.
///
/// # Errors
/// `token_missing` without a bearer token, and the errors of [`shared::auth::TokenPolicy::verify`].
pub(super) fn principal(config: &Config, header: Option<&str>) -> Result<Principal> {
    Ok(config.tokens.verify(bearer(header)?, clock::now())?)
}
