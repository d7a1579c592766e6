//! Delivery of files: immutable objects with ranges and validators, and headers that keep a browser from running one as a
//! page.

use shared::delivery::{Representation, Selection, date};
use shared::key;
use shared::problem::ErrorCode;
use shared::sign::path_token::PathToken;
use shared::time::Timestamp;
use worker::{Bucket, Conditional, Headers, Object, Range, Response, ResponseBuilder};

use super::playback;
use crate::app::App;
use crate::clock;
use crate::db;
use crate::error::{Error, Result};
use crate::http::call::Call;
use crate::storage;

/// `GET /media/{key}`
pub(super) async fn public(app: &App, call: &Call) -> Result<Response> {
    let key = call.param(0);
    key::parse_output(key).ok_or_else(Error::no_file)?;
    send(&storage::public(app)?, key, call, Access::Public).await
}

/// `GET /stream/{token}/{file}`
pub(super) async fn private(app: &App, call: &Call) -> Result<Response> {
    let now = clock::now();
    let token = app.config.path_tokens.verify(call.param(0), now);
    let PathToken { asset, expires_at } = token.ok_or_else(Error::no_file)?;
    let file = call.param(1);
    let key = if file == key::ORIGINAL {
        // A path token opens all outputs, but only those originals that players may get.
        let row = db::assets::get_any(&app.db()?, asset).await?;
        let row = row.ok_or_else(Error::no_file)?;
        if !playback::shows_original(&row)? {
            return Err(Error::no_file());
        }
        key::original(asset)
    } else {
        let key = format!("{}{file}", key::asset_outputs(asset));
        key::parse_output(&key).ok_or_else(Error::no_file)?;
        key
    };
    let access = Access::Private {
        left_s: expires_at.ms_since(now) / 1_000,
    };
    send(&storage::raw(app)?, &key, call, access).await
}

/// Cache-Control of a public object that was stored without one.
const PUBLIC_CACHE: &str = "public, max-age=31536000, immutable";
/// Longest time that a browser may cache a private object, in seconds, provided that its URL lives that long.
const PRIVATE_MAX_AGE_S: u64 = 3_600;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Access {
    /// Anyone.
    Public,
    /// Whoever has the URL, until it expires.
    Private {
        /// How long the URL is still valid, in seconds.
        left_s: u64,
    },
}

/// `Cache-Control` of a response. Public objects have the one that they were stored with, because a playlist that still grows is
/// stored with a short one. Private objects may only be cached by the browser.
fn cache_control(stored: Option<&str>, access: Access) -> String {
    match access {
        Access::Public => stored.unwrap_or(PUBLIC_CACHE).to_owned(),
        Access::Private { left_s } => {
            let max_age = stored
                .into_iter()
                .flat_map(|text| text.split(','))
                .find_map(|word| word.trim().strip_prefix("max-age=")?.parse::<u64>().ok());
            let seconds = max_age.unwrap_or(PRIVATE_MAX_AGE_S);
            let seconds = seconds.min(PRIVATE_MAX_AGE_S).min(left_s);
            format!("private, max-age={seconds}")
        }
    }
}

/// How often the answer begins anew when the object is replaced while it is read.
const REPLACED_MAX: u32 = 4;

async fn send(bucket: &Bucket, key: &str, call: &Call, access: Access) -> Result<Response> {
    if !call.is_head && call.conditions.is_empty() {
        let object = bucket.get(key).execute().await?;
        let object = object.ok_or_else(Error::no_file)?;
        let size_bytes = object.size();
        return body(content(&object, access, size_bytes)?, &object);
    }
    for _ in 0..REPLACED_MAX {
        let stored = bucket.head(key).await?.ok_or_else(Error::no_file)?;
        let selection = select(&stored, call);
        let response = match selection {
            Selection::Whole => content(&stored, access, stored.size())?,
            Selection::Part { offset, length } => {
                let size = stored.size();
                let range = format!("bytes {offset}-{}/{size}", offset + length - 1);
                content(&stored, access, length)?.with_header("content-range", &range)?
            }
            Selection::NotModified => {
                return Ok(with_validators(&stored, access)?
                    .with_status(selection.status())
                    .empty());
            }
            Selection::PreconditionFailed | Selection::RangeNotSatisfiable => {
                return refused(&stored, selection);
            }
        };
        let response = response.with_status(selection.status());
        if call.is_head {
            return Ok(response.empty());
        }
        if let Some(object) = read(bucket, key, &stored, selection).await? {
            return body(response, &object);
        }
    }
    Err(Error::problem(
        ErrorCode::Unavailable,
        "The file was replaced again and again while it was read; try again.",
    ))
}

/// What of `stored` is sent.
fn select(stored: &Object, call: &Call) -> Selection {
    let representation = Representation {
        etag: &stored.http_etag(),
        last_modified: uploaded(stored),
        size_bytes: stored.size(),
    };
    call.conditions.select(&representation, !call.is_head)
}

/// Reads what was selected of `stored`; `None` if another object is stored by now. The bytes must belong to the headers, and a
/// playlist that grows is replaced every second.
async fn read(
    bucket: &Bucket,
    key: &str,
    stored: &Object,
    selection: Selection,
) -> Result<Option<Object>> {
    let get = bucket.get(key).only_if(Conditional {
        etag_matches: Some(stored.etag()),
        ..Conditional::default()
    });
    let get = match selection {
        Selection::Part { offset, length } => get.range(Range::OffsetWithLength { offset, length }),
        Selection::Whole
        | Selection::NotModified
        | Selection::PreconditionFailed
        | Selection::RangeNotSatisfiable => get,
    };
    let object = get.execute().await?.ok_or_else(Error::no_file)?;
    // R2 answers without a body when the condition is not met.
    let is_same = object.body().is_some();
    Ok(is_same.then_some(object))
}

/// When an object was stored.
fn uploaded(object: &Object) -> Timestamp {
    Timestamp::from_ms(object.uploaded().as_millis())
}

/// A response without the file: what the client has is another version, or it wants a part that does not exist.
fn refused(stored: &Object, selection: Selection) -> Result<Response> {
    let headers = Headers::new();
    headers.set("etag", &stored.http_etag())?;
    headers.set("accept-ranges", "bytes")?;
    // The lifetime of the file is not that of a refusal.
    headers.set("cache-control", "no-store")?;
    if selection == Selection::RangeNotSatisfiable {
        headers.set("content-range", &format!("bytes */{}", stored.size()))?;
    }
    Ok(ResponseBuilder::new()
        .with_status(selection.status())
        .with_headers(headers)
        .empty())
}

/// A response with `length` bytes of an object.
fn content(object: &Object, access: Access, length: u64) -> Result<ResponseBuilder> {
    let content_type = object.http_metadata().content_type;
    let content_type = content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    Ok(with_validators(object, access)?
        .with_header("content-type", content_type)?
        .with_header("content-length", &length.to_string())?)
}

/// The headers of every response about an object, with a body or without (RFC 9110 §15.4.5).
fn with_validators(object: &Object, access: Access) -> Result<ResponseBuilder> {
    let headers = Headers::new();
    headers.set("etag", &object.http_etag())?;
    headers.set("last-modified", &date::format(uploaded(object)))?;
    headers.set("accept-ranges", "bytes")?;
    headers.set(
        "cache-control",
        &cache_control(object.http_metadata().cache_control.as_deref(), access),
    )?;
    headers.set("content-security-policy", "default-src 'none'; sandbox")?;
    headers.set("cross-origin-resource-policy", "cross-origin")?;
    Ok(ResponseBuilder::new().with_headers(headers))
}

/// The stream of the object, which is passed on without a copy in the memory of this module.
fn body(response: ResponseBuilder, object: &Object) -> Result<Response> {
    let body = object
        .body()
        .ok_or_else(|| Error::internal("an object has no body"))?;
    Ok(response.body(body.response_body()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_control_of_a_growing_playlist_is_kept() {
        use Access::Public;
        let private = Access::Private { left_s: 40_000 };
        let ends_soon = Access::Private { left_s: 30 };
        let long = Some("public, max-age=31536000, immutable");
        let table = [
            (None, Public, PUBLIC_CACHE),
            (long, Public, PUBLIC_CACHE),
            (Some("public, max-age=1"), Public, "public, max-age=1"),
            (None, private, "private, max-age=3600"),
            (long, private, "private, max-age=3600"),
            (Some("public, max-age=1"), private, "private, max-age=1"),
            (Some("no-transform"), private, "private, max-age=3600"),
            (long, ends_soon, "private, max-age=30"),
            (Some("public, max-age=1"), ends_soon, "private, max-age=1"),
        ];
        for (stored, access, expected) in table {
            assert_eq!(cache_control(stored, access), expected, "{stored:?}");
        }
    }
}
