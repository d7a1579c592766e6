//! What a handler receives and returns: a parsed request, and JSON responses.

use std::cell::OnceCell;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::{Op, Parameter, Query};
use shared::auth::Principal;
use shared::delivery::Conditions;
use shared::problem::ErrorCode;
use worker::{Headers, Response};

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::auth;
use crate::scope::Scope;

/// A request, as handlers see it.
pub(crate) struct Call {
    /// Path parameters, in the order of the template.
    pub(crate) params: Vec<String>,
    /// Query parameters, checked against the contract.
    pub(crate) query: Query,
    /// Body, within the limit.
    pub(crate) body: Vec<u8>,
    /// `Content-Type` header.
    pub(crate) content_type: Option<String>,
    /// `Authorization` header.
    pub(crate) authorization: Option<String>,
    /// Headers of conditional and range requests; only of operations whose answer is a file.
    pub(crate) conditions: Conditions,
    /// `Last-Event-ID` header.
    pub(crate) last_event_id: Option<String>,
    /// Whether the method is `HEAD`.
    pub(crate) is_head: bool,
    /// The caller, after its token was verified.
    pub(crate) caller: OnceCell<Principal>,
}

impl Call {
    /// The path parameter at `index`.
    pub(crate) fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }

    /// The id in the path.
    ///
    /// # Errors
    /// `not_found` when it is not an id, as for an id that does not exist.
    pub(crate) fn id<T: FromStr>(&self) -> Result<T> {
        self.param(0).parse().map_err(|_| self.not_found())
    }

    /// The response for what does not exist or is not visible to the caller, whether it sent a token or not.
    pub(crate) fn not_found(&self) -> Error {
        if self.has_authorization() {
            Error::not_found()
        } else {
            Error::not_public()
        }
    }

    /// The request body as `T`.
    ///
    /// # Errors
    /// `content_type_unsupported`, `json_invalid` or `request_invalid`.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T> {
        let media_type = self
            .content_type
            .as_deref()
            .unwrap_or_default()
            .split(';')
            .next()
            .unwrap_or_default()
            .trim();
        if !media_type.eq_ignore_ascii_case("application/json") {
            return Err(Error::problem(
                ErrorCode::ContentTypeUnsupported,
                "The body must be sent with content-type: application/json.",
            ));
        }
        Ok(shared::json::body(&self.body)?)
    }

    /// The request body as `T`, or the default of `T` when there is none.
    ///
    /// # Errors
    /// As [`Call::json`].
    pub(crate) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T> {
        if self.body.is_empty() {
            Ok(T::default())
        } else {
            self.json()
        }
    }

    /// The caller.
    ///
    /// # Errors
    /// A token problem.
    pub(crate) fn principal(&self, app: &App) -> Result<Principal> {
        if let Some(caller) = self.caller.get() {
            return Ok(caller.clone());
        }
        let caller = auth::principal(&app.config, self.authorization.as_deref())?;
        Ok(self.caller.get_or_init(|| caller).clone())
    }

    /// Whether the request carries an `Authorization` header.
    pub(crate) const fn has_authorization(&self) -> bool {
        self.authorization.is_some()
    }

    /// What the caller may see and change.
    ///
    /// # Errors
    /// A token problem, and the errors of [`Scope::of`].
    pub(crate) fn scope(&self, app: &App) -> Result<Scope> {
        Scope::of(&self.principal(app)?, self.query.get(Parameter::OnBehalfOf))
    }
}

/// A response with a JSON document and the status of `op`.
///
/// # Errors
/// When the document cannot be written as JSON.
pub(crate) fn json<T: Serialize>(op: Op, document: &T) -> Result<Response> {
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set("cache-control", "no-store")?;
    Ok(Response::ok(serde_json::to_string(document)?)?
        .with_status(op.status())
        .with_headers(headers))
}
