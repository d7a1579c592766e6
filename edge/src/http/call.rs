//! What a handler receives and returns: a parsed request, and JSON responses.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::Op;
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
    /// Query parameters.
    pub(crate) query: HashMap<String, String>,
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
        self.param(0).parse().map_err(|_| Error::not_found())
    }

    /// A query parameter; an empty one counts as absent.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A query parameter that is one of `words`.
    ///
    /// # Errors
    /// `query_invalid` when it is another word; the detail lists `words`.
    pub(crate) fn query_word<T: Copy + Display>(
        &self,
        name: &str,
        words: &[T],
    ) -> Result<Option<T>> {
        let Some(value) = self.query(name) else {
            return Ok(None);
        };
        let word = words.iter().find(|word| word.to_string() == value);
        word.copied()
            .map(Some)
            .ok_or_else(|| Error::query_word(name, words))
    }

    /// A query parameter that is an id.
    ///
    /// # Errors
    /// `query_invalid` when it is not an id of this type.
    pub(crate) fn query_id<T: FromStr>(&self, name: &str) -> Result<Option<T>> {
        let invalid = |_| {
            Error::problem(
                ErrorCode::QueryInvalid,
                format!("{name} must be an id, exactly as a response of the API has it."),
            )
        };
        self.query(name)
            .map(|value| value.parse().map_err(invalid))
            .transpose()
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
    }

    /// The request body as `T`, or the default of `T` when there is none.
    ///
    /// # Errors
    /// As [`Call::json`].
    pub(crate) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T> {
        if self.body.trim_ascii().is_empty() {
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
        Scope::of(&self.principal(app)?, self.query("on_behalf_of"))
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
