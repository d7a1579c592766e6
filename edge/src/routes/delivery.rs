//! Delivery of files: immutable objects with ranges and validators, and headers that keep a browser from running one as a
//! page.

use shared::asset::Visibility;
use shared::delivery::{Representation, Selection, date};
use shared::key;
use shared::problem::ErrorCode;
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
    send(&storage::public(app)?, key, call, Visibility::Public).await
}

/// `GET /stream/{token}/{file}`
pub(super) async fn private(app: &App, call: &Call) -> Result<Response> {
    let asset = app
        .config
        .path_tokens
        .verify(call.param(0), clock::now())
        .ok_or_else(Error::no_file)?;
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
    send(&storage::raw(app)?, &key, call, Visibility::Private).await
}

/// Cache-Control of a public object that was stored without one.
const PUBLIC_CACHE: &str = "public, max-age=31536000, immutable";
/// Longest time that a browser may cache a private object, in seconds: its URL expires.
const PRIVATE_MAX_AGE_S: u64 = 3_600;

/// `Cache-Control` of a response. Public objects have the one that they were stored with, because a playlist that still grows is
/// stored with a short one. Private objects may only be cached by the browser.
fn cache_control(stored: Option<&str>, visibility: Visibility) -> String {
    match visibility {
        Visibility::Public => stored.unwrap_or(PUBLIC_CACHE).to_owned(),
        Visibility::Private => {
            let max_age = stored
                .into_iter()
                .flat_map(|text| text.split(','))
                .find_map(|word| word.trim().strip_prefix("max-age=")?.parse::<u64>().ok());
            let seconds = max_age.unwrap_or(PRIVATE_MAX_AGE_S).min(PRIVATE_MAX_AGE_S);
            format!("private, max-age={seconds}")
        }
    }
}

/// How often the answer begins anew when the object is replaced while it is read.
const REPLACED_MAX: u32 = 4;

async fn send(bucket: &Bucket, key: &str, call: &Call, visibility: Visibility) -> Result<Response> {
    if !call.is_head && call.conditions.is_empty() {
        let object = bucket.get(key).execute().await?;
        let object = object.ok_or_else(Error::no_file)?;
        let size_bytes = object.size();
        return body(content(&object, visibility, size_bytes)?, &object);
    }
    for _ in 0..REPLACED_MAX {
        let stored = bucket.head(key).await?.ok_or_else(Error::no_file)?;
        let selection = select(&stored, call);
        let response = match selection {
            Selection::Whole => content(&stored, visibility, stored.size())?,
            Selection::Part { offset, length } => {
                let size = stored.size();
                let range = format!("bytes {offset}-{}/{size}", offset + length - 1);
                content(&stored, visibility, length)?.with_header("content-range", &range)?
            }
            Selection::NotModified => {
                return Ok(with_validators(&stored, visibility)?
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
fn content(object: &Object, visibility: Visibility, length: u64) -> Result<ResponseBuilder> {
    let content_type = object.http_metadata().content_type;
    let content_type = content_type
        .as_deref()
        .unwrap_or("application/octet-stream");
    Ok(with_validators(object, visibility)?
        .with_header("content-type", content_type)?
        .with_header("content-length", &length.to_string())?)
}

/// The headers of every response about an object, with a body or without (RFC 9110 §15.4.5).
fn with_validators(object: &Object, visibility: Visibility) -> Result<ResponseBuilder> {
    let headers = Headers::new();
    headers.set("etag", &object.http_etag())?;
    headers.set("last-modified", &date::format(uploaded(object)))?;
    headers.set("accept-ranges", "bytes")?;
    headers.set(
        "cache-control",
        &cache_control(object.http_metadata().cache_control.as_deref(), visibility),
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
        use Visibility::{Private, Public};
        let long = Some("public, max-age=31536000, immutable");
        let table = [
            (None, Public, PUBLIC_CACHE),
            (long, Public, PUBLIC_CACHE),
            (Some("public, max-age=1"), Public, "public, max-age=1"),
            (None, Private, "private, max-age=3600"),
            (long, Private, "private, max-age=3600"),
            (Some("public, max-age=1"), Private, "private, max-age=1"),
            (Some("no-transform"), Private, "private, max-age=3600"),
        ];
        for (stored, visibility, expected) in table {
            assert_eq!(cache_control(stored, visibility), expected, "{stored:?}");
        }
    }
}
