//! Calls to Durable Objects: a request carries one ask as JSON, the response its answer.

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::{Headers, Method, Request, RequestInit, Response, Stub};

use crate::error::{Error, Result};

/// Carries the ask of a WebSocket upgrade: such a request has no body.
const ASK_HEADER: &str = "x-ask";

/// Sends `ask` to an object of the class `class`.
///
/// # Errors
/// When the object cannot be reached or answers with an error.
pub(crate) async fn ask(class: &str, object: &Stub, ask: &impl Serialize) -> Result<Response> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post)
        .with_body(Some(serde_json::to_string(ask)?.into()));
    let request = Request::new_with_init(&format!("http://{class}/"), &init)?;
    let response = object.fetch_with_request(request).await?;
    match response.status_code() {
        200 | 204 => Ok(response),
        status => Err(Error::internal(format!("{class} answered {status}"))),
    }
}

/// Opens a WebSocket to an object of the class `class` by `ask`.
///
/// # Errors
/// When the object cannot be reached or accepts no WebSocket.
pub(crate) async fn connect(
    class: &str,
    object: &Stub,
    ask: &impl Serialize,
) -> Result<worker::WebSocket> {
    let headers = Headers::new();
    headers.set("upgrade", "websocket")?;
    headers.set(ASK_HEADER, &serde_json::to_string(ask)?)?;
    let mut init = RequestInit::new();
    init.with_headers(headers);
    let request = Request::new_with_init(&format!("http://{class}/"), &init)?;
    let response = object.fetch_with_request(request).await?;
    response
        .websocket()
        .ok_or_else(|| Error::internal(format!("{class} opened no WebSocket")))
}

/// In the object: the ask that a request carries.
///
/// # Errors
/// When the request carries no ask of type `T`.
pub(crate) async fn read<T: DeserializeOwned>(request: &mut Request) -> worker::Result<T> {
    let text = match request.headers().get(ASK_HEADER)? {
        Some(text) => text,
        None => request.text().await?,
    };
    Ok(serde_json::from_str(&text)?)
}

/// In the object: the response to an ask. The cause of an error is logged here and does not leave the object.
///
/// # Errors
/// When no response can be built.
pub(crate) fn respond(class: &str, result: worker::Result<Response>) -> worker::Result<Response> {
    match result {
        Ok(response) => Ok(response),
        Err(error) => {
            worker::console_error!("{class}: {error}");
            Ok(Response::empty()?.with_status(500))
        }
    }
}
