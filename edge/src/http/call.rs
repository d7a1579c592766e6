//! What a handler gets and gives: one request, taken apart, and JSON answers.

use std::cell::OnceCell;
use std::collections::HashMap;

use serde::Serialize;
use serde::de::DeserializeOwned;
use shared::api::Op;
use shared::auth::Principal;
use shared::api::object::Object;
use shared::problem::ErrorCode;
use worker::{Headers, Response};

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::auth;
use crate::scope::Scope;

/// What a handler sees of a request.
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
    /// `Range` header.
    pub(crate) range: Option<String>,
    /// `If-None-Match` header.
    pub(crate) if_none_match: Option<String>,
    /// `Last-Event-ID` header.
    pub(crate) last_event_id: Option<String>,
    /// Whether the method is `HEAD`.
    pub(crate) is_head: bool,
    /// The caller, once its token was verified.
    pub(crate) caller: OnceCell<Principal>,
}

impl Call {
    /// The path parameter at `index`.
    pub(crate) fn param(&self, index: usize) -> &str {
        self.params.get(index).map_or("", String::as_str)
    }

    /// An id in the path. What is no id has never existed: the same 404.
    pub(crate) fn id<T: std::str::FromStr>(&self) -> Result<T> {
        self.param(0).parse().map_err(|_| Error::not_found())
    }

    /// A query parameter as sent; absent and empty are the same.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// A query parameter of a type with one text per value.
    pub(crate) fn query_as<T: std::str::FromStr>(&self, name: &str) -> Result<Option<T>> {
        let wrong = |_| {
            Error::problem(
                ErrorCode::QueryInvalid,
                format!("The query parameter {name} has a value that is not taken."),
            )
        };
        self.query(name)
            .map(|value| value.parse().map_err(wrong))
            .transpose()
    }

    /// The request body as `T`.
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
                "Send the body as content-type: application/json.",
            ));
        }
        let read = serde_json::from_slice(&self.body).map(|Object(body)| body);
        read.map_err(|error| {
            let code = if error.is_data() {
                ErrorCode::RequestInvalid
            } else {
                ErrorCode::JsonInvalid
            };
            Error::problem(code, format!("The body cannot be read: {error}."))
        })
    }

    /// The request body as `T`, or its default when there is none.
    pub(crate) fn json_or_default<T: DeserializeOwned + Default>(&self) -> Result<T> {
        if self.body.trim_ascii().is_empty() {
            Ok(T::default())
        } else {
            self.json()
        }
    }

    /// The caller.
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

    /// What the caller may touch.
    pub(crate) fn scope(&self, app: &App) -> Result<Scope> {
        Scope::of(&self.principal(app)?, self.query("on_behalf_of"))
    }
}

/// An answer with a JSON document.
pub(crate) fn json<T: Serialize>(op: Op, document: &T) -> Result<Response> {
    let headers = Headers::new();
    headers.set("content-type", "application/json")?;
    headers.set("cache-control", "no-store")?;
    Ok(Response::ok(serde_json::to_string(document)?)?
        .with_status(op.status())
        .with_headers(headers))
}
