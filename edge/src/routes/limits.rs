//! The limits of uploads.

use shared::api::{Op, UploadLimits};
use worker::Response;

use crate::app::App;
use crate::error::Result;
use crate::http::call::{Call, json};

/// `GET /v1/limits`
pub(super) fn limits(app: &App, call: &Call) -> Result<Response> {
    let scope = call.scope(app)?;
    let config = &app.config;
    let limits = UploadLimits::of(
        &scope.tenant,
        &config.size_limits,
        config.has_native_workers,
    );
    json(Op::GetLimits, &limits)
}
