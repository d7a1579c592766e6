//! Examples of bodies, by the name of their schema. A test compares each with its schema: nothing is missing, nothing is left over.

use serde_json::{Value, json};
use utoipa::openapi::example::{Example, ExampleBuilder};

use crate::api::UploadLimits;
use crate::asset::limit::SizeLimits;
use crate::image::{EDGE_MEMORY_MAX_BYTES, ImagePlan, PIXELS_MAX};
use crate::problem::{ErrorCode, Problem};

pub(super) const ASSET: &str = "ast_01KDVDNM00041061050R3GG28A";
pub(super) const JOB: &str = "job_01KDVDNM00041061050R3GG28B";
pub(super) const REQUEST: &str = "req_5f3a9c01d2e4b687";
pub(super) const ORIGINAL_URL: &str = "https://account.r2.cloudflarestorage.com/ferrotype-raw/originals/ast_01KDVDNM00041061050R3GG28A?X-Amz-Signature=…";

const NOW: &str = "2026-01-01T00:00:00.000Z";
const LATER: &str = "2026-01-01T01:00:00.000Z";
const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const LEASE_TOKEN: &str = "Zm9yZ2VkIGxlYXNlIHRva2Vu";

/// The example of a schema; `None` if it is the body of no operation.
pub(super) fn of(schema: &str) -> Option<Value> {
    Some(match schema {
        "CreateAsset" => json!({
            "filename": "photo.jpg",
            "content_type": "image/jpeg",
            "size_bytes": 146_515,
            "sha256": SHA256,
            "visibility": "public",
            "owner": {"type": "course", "id": "42"},
            "metadata": {"alt": "A harbour at dawn"},
            "on_behalf_of": null,
        }),
        "CreatedAsset" => {
            json!({"asset": awaiting_upload(), "job_id": JOB, "upload": upload()})
        }
        "AssetPage" => json!({"items": [ready()], "next_cursor": ASSET}),
        "Asset" => ready(),
        "CompleteAsset" => json!({"parts": []}),
        "CompletedAsset" => {
            json!({"asset": with(awaiting_upload(), "state", "processing"), "job_id": JOB})
        }
        "RenewedUpload" => json!({"upload": upload()}),
        "Playback" => playback(),
        "UploadLimits" => json!(UploadLimits::of("acme", &SizeLimits::default(), true)),
        "JobPage" => json!({"items": [job()], "next_cursor": null}),
        "JobView" => job(),
        "Ticket" => json!({"ticket": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", "expires_at": LATER}),
        "WorkerList" => json!({"items": [worker()]}),
        "Worker" => worker(),
        "DrainWorker" => json!({"drain": true}),
        "Backlog" => json!({
            "jobs": [{"kind": "process_video", "runs_on": "native", "state": "queued", "count": 3}],
            "oldest_queued_ms": 8_120,
            "dispatch": metrics(),
        }),
        "Health" => json!({"state": "ok"}),
        "VersionInfo" => json!({"version": "0.0.0", "nonce": ""}),
        other => return of_worker(other),
    })
}

/// Bodies of native workers.
fn of_worker(schema: &str) -> Option<Value> {
    let fence = || json!({"attempt": 1, "lease_token": LEASE_TOKEN});
    Some(match schema {
        "RegisterWorker" => json!({
            "version": "0.0.0",
            "ffmpeg_version": "7.1",
            "cores": 8,
            "slots": 2,
            "encoders": [{"name": "libx264", "is_hardware": false}],
            "state": "active",
            "stopped": false,
        }),
        "PullMessages" => json!({
            "visibility_timeout_ms": 5_000,
            "visibility_timeout": null,
            "batch_size": 1,
            "wait_ms": 0,
        }),
        "PulledMessages" => json!({
            "success": true,
            "errors": [],
            "messages": [],
            "result": {
                "message_backlog_count": 1,
                "messages": [{
                    "id": "0b1f4d1c5a6e4d0f",
                    "body": format!(r#"{{"v":1,"job_id":"{JOB}","runs_on":"native"}}"#),
                    "attempts": 1,
                    "timestamp_ms": 1_767_225_600_000_u64,
                    "lease_id": "bGVhc2U",
                    "metadata": {"CF-Content-Type": "text"},
                }],
                "metadata": {"metrics": metrics()},
            },
        }),
        "AckMessages" => json!({
            "acks": [{"lease_id": "bGVhc2U"}],
            "retries": [{"lease_id": "cmV0cnk", "delay_seconds": 10}],
        }),
        "AckedMessages" => json!({
            "success": true,
            "errors": [],
            "messages": [],
            "result": {"ackCount": 1, "retryCount": 1, "warnings": []},
        }),
        "ClaimedJob" => claimed(),
        "HeartbeatJob" => {
            let body = with(fence(), "progress", progress());
            with(body, "early", Value::Null)
        }
        "Heartbeat" => json!({"lease_until": LATER, "cancel": false, "drain": false}),
        "FinishJob" => with(fence(), "made", made()),
        "FailJob" => {
            let body = with(fence(), "code", "media_truncated");
            let body = with(body, "detail", "The file ends after 12.4 of 60 seconds.");
            with(body, "class", "permanent")
        }
        "ReleaseJob" => fence(),
        _ => return None,
    })
}

/// The object with one member set.
fn with(mut object: Value, member: &str, value: impl Into<Value>) -> Value {
    if let Some(members) = object.as_object_mut() {
        members.insert(member.to_owned(), value.into());
    }
    object
}

fn output() -> Value {
    json!({
        "name": "large",
        "url": format!("https://media.example/media/m/{ASSET}/1-5f3a9c01d2e4b687/large.webp"),
        "content_type": "image/webp",
        "width": 1_200,
        "height": 800,
        "size_bytes": 98_304,
        "expires_at": null,
    })
}

fn awaiting_upload() -> Value {
    json!({
        "id": ASSET,
        "job_id": JOB,
        "kind": "image",
        "state": "awaiting_upload",
        "visibility": "public",
        "filename": "photo.jpg",
        "content_type": "image/jpeg",
        "size_bytes": 146_515,
        "sha256": SHA256,
        "width": null,
        "height": null,
        "duration_ms": null,
        "placeholder": null,
        "owner": {"type": "course", "id": "42"},
        "metadata": {"alt": "A harbour at dawn"},
        "origin": "upload",
        "created_at": NOW,
        "ready_at": null,
        "outputs": [],
        "error": null,
    })
}

fn ready() -> Value {
    let facts = json!({
        "state": "ready",
        "width": 1_800,
        "height": 1_200,
        "placeholder": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
        "ready_at": NOW,
        "outputs": [output()],
    });
    let facts = facts.as_object().cloned().unwrap_or_default();
    let asset = awaiting_upload();
    facts
        .into_iter()
        .fold(asset, |asset, (member, value)| with(asset, &member, value))
}

fn upload() -> Value {
    json!({
        "type": "single",
        "method": "PUT",
        "url": "https://account.r2.cloudflarestorage.com/ferrotype-raw/originals/ast_01KDVDNM00041061050R3GG28A?X-Amz-Signature=…",
        "headers": {"content-type": "image/jpeg", "if-none-match": "*"},
        "expires_at": LATER,
    })
}

fn playback() -> Value {
    let file =
        |name: &str| format!("https://media.example/media/m/{ASSET}/1-5f3a9c01d2e4b687/{name}");
    json!({
        "asset_id": ASSET,
        "state": "ready",
        "hls_url": file("hls/master.m3u8"),
        "mp4_url": file("video.mp4"),
        "poster_url": file("poster.webp"),
        "storyboard_url": file("storyboard.vtt"),
        "original_url": format!("https://media.example/v1/assets/{ASSET}/original"),
        "duration_ms": 60_000,
        "width": 1_920,
        "height": 1_080,
        "placeholder": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
        "expires_at": null,
        "outputs": [output()],
    })
}

fn progress() -> Value {
    json!({
        "ratio": 0.42,
        "stage": "encode",
        "rendition": "720p",
        "speed": 3.1,
        "eta_ms": 11_200,
        "renditions": [{"name": "720p", "ratio": 0.42}],
        "outputs": ["poster"],
    })
}

fn job() -> Value {
    json!({
        "id": JOB,
        "kind": "process_video",
        "state": "running",
        "asset_id": ASSET,
        "attempt": 1,
        "progress": progress(),
        "error": null,
        "attempts": [{
            "attempt": 1,
            "worker": "worker-1",
            "started_at": NOW,
            "ended_at": null,
            "error": null,
            "peak_memory_bytes": null,
        }],
        "created_at": NOW,
    })
}

fn claimed() -> Value {
    json!({
        "job": job(),
        "attempt": 1,
        "lease_token": LEASE_TOKEN,
        "lease_ms": 30_000,
        "lease_until": LATER,
        "source": {
            "bucket": "raw",
            "key": format!("originals/{ASSET}"),
            "size_bytes": 146_515,
            "content_type": "image/heic",
            "sha256": SHA256,
        },
        "destination": {"bucket": "public", "prefix": format!("m/{ASSET}/1-5f3a9c01d2e4b687/")},
        "work": {
            "kind": "image",
            "plan": ImagePlan::native(PIXELS_MAX, EDGE_MEMORY_MAX_BYTES),
        },
    })
}

fn made() -> Value {
    json!({
        "outputs": [{
            "name": "hls",
            "file": "hls/master.m3u8",
            "content_type": "application/vnd.apple.mpegurl",
            "width": 1_920,
            "height": 1_080,
            "size_bytes": 612,
        }],
        "width": 1_920,
        "height": 1_080,
        "duration_ms": 60_000,
        "placeholder": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
        "peak_memory_bytes": null,
        "report": null,
    })
}

fn worker() -> Value {
    json!({
        "id": "worker-1",
        "version": "0.0.0",
        "ffmpeg_version": "7.1",
        "cores": 8,
        "slots": 2,
        "encoders": [{"name": "libx264", "is_hardware": false}],
        "state": "active",
        "drain": false,
        "running": 1,
        "registered_at": NOW,
        "seen_at": LATER,
    })
}

fn metrics() -> Value {
    json!({
        "backlog_count": 1,
        "backlog_bytes": 75,
        "oldest_message_timestamp_ms": 1_767_225_600_000_u64,
    })
}

/// An event of the stream.
pub(super) fn server_sent_event() -> Value {
    let event = json!({
        "seq": 42,
        "type": "processing_complete",
        "event_id": "evt_01KDVDNM00041061050R3GG28C",
        "time": NOW,
        "tenant": "acme",
        "asset_id": ASSET,
        "job_id": JOB,
        "attempt": 1,
        "result": {
            "outputs": [output()],
            "width": 1_800,
            "height": 1_200,
            "duration_ms": null,
            "placeholder": "3OcRJYB4d3h/iIeHeEh3eIhw+j2w",
        },
    });
    json!({"id": "5f3a9c01-42", "event": "processing_complete", "data": event.to_string()})
}

/// An example of a problem with this code, and its name.
pub(super) fn problem(code: ErrorCode) -> (&'static str, Example) {
    let detail = DETAILS.iter().find(|(of, _)| *of == code);
    let detail = detail.map_or_else(
        || format!("{}.", code.title()),
        |(_, text)| (*text).to_owned(),
    );
    let example = ExampleBuilder::new()
        .summary(code.title())
        .value(Some(json!(Problem::new(code, detail, REQUEST))))
        .build();
    (code.as_str(), example)
}

/// What the service says in problems whose title does not say it all.
const DETAILS: [(ErrorCode, &str); 12] = [
    (ErrorCode::RequestInvalid, "owner.id is required."),
    (
        ErrorCode::JsonInvalid,
        "The body is not valid JSON: expected value at line 1 column 2.",
    ),
    (
        ErrorCode::QueryInvalid,
        "limit must be an integer from 1 to 200.",
    ),
    (
        ErrorCode::CursorInvalid,
        "cursor must be the next_cursor of the previous page, unchanged.",
    ),
    (
        ErrorCode::ContentTypeUnsupported,
        "Send the body as content-type: application/json.",
    ),
    (
        ErrorCode::FileTooLarge,
        "size_bytes is 900000000; the limit for files of kind image is 500000000 bytes.",
    ),
    (
        ErrorCode::SizeInvalid,
        "size_bytes must be an integer: the exact size of the file in bytes.",
    ),
    (
        ErrorCode::FileEmpty,
        "size_bytes is 0; an empty file cannot be uploaded.",
    ),
    (ErrorCode::FilenameInvalid, "filename must not be empty."),
    (
        ErrorCode::ChecksumInvalid,
        "sha256 must be 64 lowercase hexadecimal digits.",
    ),
    (
        ErrorCode::MetadataInvalid,
        "metadata has 9000 bytes of JSON; the limit is 8192 bytes.",
    ),
    (
        ErrorCode::LeaseStale,
        "The attempt or its lease token is not the current one. Stop working on this job.",
    ),
];
