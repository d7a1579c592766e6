//! Cross-origin requests of browsers (WHATWG Fetch, "CORS protocol").

use shared::delivery::CONDITION_HEADERS;
use worker::{Headers, Response};

use crate::config::Cors;
use crate::error::Result;

/// Answers an `OPTIONS` request for a path with the methods `allowed`.
///
/// # Errors
/// When a header cannot be set.
pub(super) fn preflight(allowed: &[&str]) -> Result<Response> {
    let headers = Headers::new();
    headers.set("allow", &allowed.join(", "))?;
    headers.set("access-control-allow-methods", &allowed.join(", "))?;
    let accepted = ["authorization", "content-type", "last-event-id"];
    let accepted = [&accepted[..], &CONDITION_HEADERS].concat();
    headers.set("access-control-allow-headers", &accepted.join(", "))?;
    headers.set("access-control-max-age", "86400")?;
    Ok(Response::empty()?.with_status(204).with_headers(headers))
}

/// Lets pages of `origin` read the response, if the setting allows it. Credentials are never allowed: tokens are sent in
/// headers, and cookies have no meaning here.
///
/// # Errors
/// When a header cannot be set.
pub(super) fn allow_origin(headers: &mut Headers, cors: &Cors, origin: &str) -> worker::Result<()> {
    let allowed = match cors {
        Cors::Any => Some("*"),
        Cors::Origins(origins) => {
            headers.append("vary", "origin")?;
            origins.iter().any(|one| one == origin).then_some(origin)
        }
    };
    if let Some(allowed) = allowed {
        headers.set("access-control-allow-origin", allowed)?;
        headers.set(
            "access-control-expose-headers",
            "ETag, Last-Modified, Location, Accept-Ranges, Content-Length, Content-Range, X-Request-Id",
        )?;
    }
    Ok(())
}
