//! Request bodies, within their limit.

use futures_util::StreamExt as _;
use shared::api::BODY_MAX_BYTES;
use shared::problem::ErrorCode;
use wasm_bindgen_futures::JsFuture;
use worker::js_sys::Uint8Array;
use worker::web_sys::Request;

use crate::error::{Error, Result};

/// A body that is too large is read to its end up to this size: many clients see a reset connection instead of a response that
/// comes before they have sent everything.
const DRAIN_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Reads the body of a request. The inner error refuses a body that is too large.
///
/// # Errors
/// When the connection breaks.
pub(super) async fn read(request: &Request) -> Result<Result<Vec<u8>>> {
    let mut body = Vec::new();
    if request.body().is_none() {
        return Ok(Ok(body));
    }
    let length = request
        .headers()
        .get("content-length")
        .map_err(worker::Error::from)?;
    if length
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| length <= BODY_MAX_BYTES)
    {
        // In one step, because a stream takes several turns of the event loop.
        let bytes = JsFuture::from(request.array_buffer().map_err(worker::Error::from)?).await;
        return Ok(Ok(
            Uint8Array::new(&bytes.map_err(worker::Error::from)?).to_vec()
        ));
    }
    let mut stream = worker::Request::from(<Request as Clone>::clone(request)).stream()?;
    let mut seen = 0_usize;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        seen += chunk.len();
        if seen <= BODY_MAX_BYTES {
            body.extend_from_slice(&chunk);
        } else if seen > DRAIN_MAX_BYTES {
            break;
        }
    }
    if seen > BODY_MAX_BYTES {
        let detail = format!(
            "The request body is larger than {BODY_MAX_BYTES} bytes. Upload files to the signed URL, not through the API."
        );
        return Ok(Err(Error::problem(ErrorCode::BodyTooLarge, detail)));
    }
    Ok(Ok(body))
}
