//! Delivery of files: immutable objects with ranges and validators, and headers that keep a browser from running one as a
//! page.

use shared::asset::Visibility;
use shared::key;
use worker::{Bucket, Headers, Object, Range, Response, ResponseBuilder};

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

/// The part of an object that a request asks for, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    /// Offset and length.
    Range(u64, u64),
    Unsatisfiable,
}

/// Reads a `Range` header (RFC 9110 §14.2). Everything but a single byte range is answered with the whole object, as the RFC
/// allows.
fn part(header: Option<&str>, size: u64) -> Part {
    let Some((first, last)) = header
        .and_then(|text| text.strip_prefix("bytes="))
        .and_then(|range| range.trim().split_once('-'))
    else {
        return Part::Whole;
    };
    match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), _) if first >= size => Part::Unsatisfiable,
        (Ok(first), Ok(last)) if last >= first => {
            Part::Range(first, last.min(size - 1) - first + 1)
        }
        (Ok(first), Err(_)) if last.is_empty() => Part::Range(first, size - first),
        (Err(_), Ok(0)) if first.is_empty() => Part::Unsatisfiable,
        (Err(_), Ok(suffix)) if first.is_empty() => {
            Part::Range(size.saturating_sub(suffix), suffix.min(size))
        }
        _ => Part::Whole,
    }
}

/// Whether an `If-None-Match` header names `etag`.
fn matches(header: Option<&str>, etag: &str) -> bool {
    header.is_some_and(|text| {
        text.split(',')
            .map(|one| one.trim().trim_start_matches("W/"))
            .any(|one| one == "*" || one == etag)
    })
}

async fn send(bucket: &Bucket, key: &str, call: &Call, visibility: Visibility) -> Result<Response> {
    let needs_size = call.is_head || call.range.is_some() || call.if_none_match.is_some();
    if !needs_size {
        let object = bucket
            .get(key)
            .execute()
            .await?
            .ok_or_else(Error::no_file)?;
        let response =
            head(&object, visibility)?.with_header("content-length", &object.size().to_string())?;
        return body(response, &object);
    }
    let object = bucket.head(key).await?.ok_or_else(Error::no_file)?;
    let size = object.size();
    let response = head(&object, visibility)?;
    if matches(call.if_none_match.as_deref(), &object.http_etag()) {
        return Ok(response.with_status(304).empty());
    }
    match part(call.range.as_deref(), size) {
        Part::Whole if call.is_head => Ok(response
            .with_header("content-length", &size.to_string())?
            .empty()),
        Part::Unsatisfiable => Ok(response
            .with_status(416)
            .with_header("content-range", &format!("bytes */{size}"))?
            .empty()),
        Part::Whole => {
            let object = bucket
                .get(key)
                .execute()
                .await?
                .ok_or_else(Error::no_file)?;
            body(
                response.with_header("content-length", &size.to_string())?,
                &object,
            )
        }
        Part::Range(offset, length) => {
            let range = format!("bytes {offset}-{}/{size}", offset + length - 1);
            let response = response
                .with_status(206)
                .with_header("content-range", &range)?
                .with_header("content-length", &length.to_string())?;
            if call.is_head {
                return Ok(response.empty());
            }
            let object = bucket
                .get(key)
                .range(Range::OffsetWithLength { offset, length })
                .execute()
                .await?
                .ok_or_else(Error::no_file)?;
            body(response, &object)
        }
    }
}

/// Headers of every response about `object`.
fn head(object: &Object, visibility: Visibility) -> Result<ResponseBuilder> {
    let headers = Headers::new();
    let metadata = object.http_metadata();
    let content_type = metadata
        .content_type
        .unwrap_or_else(|| "application/octet-stream".to_owned());
    headers.set("content-type", &content_type)?;
    headers.set("etag", &object.http_etag())?;
    headers.set("accept-ranges", "bytes")?;
    headers.set(
        "cache-control",
        &cache_control(metadata.cache_control.as_deref(), visibility),
    )?;
    headers.set("content-security-policy", "default-src 'none'; sandbox")?;
    headers.set("cross-origin-resource-policy", "cross-origin")?;
    headers.set("access-control-allow-origin", "*")?;
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
    fn ranges_follow_rfc_9110() {
        let table = [
            (None, Part::Whole),
            (Some("bytes=0-"), Part::Range(0, 10)),
            (Some("bytes=2-4"), Part::Range(2, 3)),
            (Some("bytes=8-99"), Part::Range(8, 2)),
            (Some("bytes=-3"), Part::Range(7, 3)),
            (Some("bytes=-99"), Part::Range(0, 10)),
            (Some("bytes=10-"), Part::Unsatisfiable),
            (Some("bytes=-0"), Part::Unsatisfiable),
            (Some("bytes=4-2"), Part::Whole),
            (Some("bytes=0-1,3-4"), Part::Whole),
            (Some("lines=1-2"), Part::Whole),
        ];
        for (header, expected) in table {
            assert_eq!(part(header, 10), expected, "{header:?}");
        }
    }

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

    #[test]
    fn an_etag_is_found_in_a_list() {
        assert!(matches(Some("\"a\", W/\"b\""), "\"b\""));
        assert!(matches(Some("*"), "\"b\""));
        assert!(!matches(Some("\"a\""), "\"b\""));
        assert!(!matches(None, "\"b\""));
    }
}
