//! A sample of every response and event, once with all optional members and once without.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};
use shared::api::{
    AssetPage, Backlog, CompletedAsset, CreatedAsset, Health, JobCount, JobPage, Playback,
    RenewedUpload, Ticket, Upload, UploadLimits, VersionInfo, WorkerList,
};
use shared::asset::limit::SizeLimits;
use shared::asset::{Asset, AssetState, Origin, Output, Owner, Visibility};
use shared::event::{Event, EventType, ProcessingResult, Reset, Snapshot};
use shared::id::{AssetId, EventId, JobId};
use shared::image::ImagePlan;
use shared::job::{Attempt, JobKind, JobState, JobView, Progress};
use shared::kind::{AssetKind, RunsOn};
use shared::problem::{ErrorCode, Failure, Problem};
use shared::time::Timestamp;
use shared::worker::queue::{
    Acked, AckedMessages, BacklogMetrics, CONTENT_TYPE, MessageMetadata, PullMetadata, Pulled,
    PulledMessage, PulledMessages,
};
use shared::worker::{
    BucketRole, ClaimedJob, Destination, Encoder, Heartbeat, Source, Work, Worker, WorkerState,
};

const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);

/// A sample, by the name of its schema.
pub(crate) type Sample = (&'static str, Value);

fn failure() -> Failure {
    Failure::new(ErrorCode::ImageTruncated, "It ends early.")
}

fn output() -> Output {
    Output {
        name: "large".to_owned(),
        url: "https://x/large.webp".to_owned(),
        expires_at: Some(NOW),
        content_type: "image/webp".to_owned(),
        width: Some(3),
        height: None,
        size_bytes: 9,
    }
}

/// An asset, with or without its optional members.
fn asset(full: bool) -> Asset {
    Asset {
        id: AssetId::new(NOW, 1),
        job_id: JobId::new(NOW, 2),
        kind: AssetKind::Image,
        state: AssetState::Ready,
        visibility: Visibility::Private,
        filename: "a.jpg".to_owned(),
        content_type: "image/jpeg".to_owned(),
        size_bytes: 1,
        sha256: full.then(|| "0".repeat(64)),
        width: full.then_some(2),
        height: full.then_some(3),
        duration_ms: full.then_some(4),
        placeholder: full.then(|| "AAAA".to_owned()),
        owner: Owner {
            owner_type: "user".to_owned(),
            id: "alice".to_owned(),
        },
        metadata: Map::from_iter([("any".to_owned(), json!({"thing": [1, null]}))]),
        origin: Origin::Upload,
        created_at: NOW,
        ready_at: full.then_some(NOW),
        outputs: if full { vec![output()] } else { Vec::new() },
        error: full.then(failure),
    }
}

fn progress(full: bool) -> Progress {
    Progress {
        ratio: full.then_some(0.5),
        stage: "encode".to_owned(),
        rendition: full.then(|| "large".to_owned()),
        ..Progress::default()
    }
}

fn job(full: bool) -> JobView {
    let attempt = Attempt {
        attempt: 1,
        worker: "w".to_owned(),
        started_at: NOW,
        ended_at: full.then_some(NOW),
        error: full.then(failure),
        peak_memory_bytes: full.then_some(5),
    };
    JobView {
        id: JobId::new(NOW, 2),
        kind: JobKind::ProcessImage,
        state: JobState::Running,
        asset_id: AssetId::new(NOW, 1),
        attempt: 1,
        progress: progress(full),
        error: full.then(failure),
        attempts: vec![attempt],
        created_at: NOW,
    }
}

fn event(full: bool) -> Event {
    Event {
        seq: full.then_some(7),
        event_type: EventType::ProcessingComplete,
        event_id: EventId::new(NOW, 3),
        time: NOW,
        tenant: "acme".to_owned(),
        asset_id: AssetId::new(NOW, 1),
        job_id: JobId::new(NOW, 2),
        attempt: full.then_some(1),
        progress: full.then(|| progress(full)),
        result: full.then(|| ProcessingResult {
            outputs: vec![output()],
            width: Some(1),
            height: None,
            duration_ms: Some(4),
            placeholder: None,
        }),
        error: full.then(failure),
    }
}

fn upload() -> Upload {
    Upload::Single {
        method: "PUT".to_owned(),
        url: "https://x".to_owned(),
        headers: BTreeMap::from([("if-none-match".to_owned(), "*".to_owned())]),
        expires_at: NOW,
    }
}

fn playback(full: bool) -> Playback {
    let url = || full.then(|| "https://x".to_owned());
    Playback {
        asset_id: AssetId::new(NOW, 1),
        state: AssetState::Processing,
        hls_url: url(),
        mp4_url: url(),
        poster_url: url(),
        storyboard_url: url(),
        original_url: url(),
        expires_at: full.then_some(NOW),
        duration_ms: full.then_some(1),
        width: full.then_some(1),
        height: full.then_some(1),
        placeholder: url(),
        outputs: vec![output()],
    }
}

fn sample<T: Serialize>(name: &'static str, value: &T) -> Sample {
    (name, serde_json::to_value(value).unwrap())
}

/// Events.
fn events(full: bool) -> [Sample; 4] {
    let snapshot = Snapshot {
        event_type: EventType::Snapshot,
        time: NOW,
        assets: vec![asset(full)],
        jobs: vec![job(full)],
    };
    let reset = Reset {
        event_type: EventType::Reset,
        time: NOW,
        reason: "too old".to_owned(),
    };
    let problem = Problem::new(ErrorCode::NotFound, "No.", "req_1");
    [
        sample("Event", &event(full)),
        sample("Snapshot", &snapshot),
        sample("Reset", &reset),
        sample("Problem", &problem),
    ]
}

/// Responses of the asset operations.
fn of_assets(full: bool) -> [Sample; 6] {
    let (asset, job_id, upload) = (asset(full), JobId::new(NOW, 2), upload());
    let page = AssetPage {
        items: vec![asset.clone()],
        next_cursor: full.then(|| "ast_x".to_owned()),
    };
    let created = CreatedAsset {
        asset: asset.clone(),
        job_id,
        upload: upload.clone(),
    };
    let completed = CompletedAsset {
        asset: asset.clone(),
        job_id,
    };
    [
        sample("Asset", &asset),
        sample("AssetPage", &page),
        sample("CreatedAsset", &created),
        sample("CompletedAsset", &completed),
        sample("RenewedUpload", &RenewedUpload { upload }),
        sample("Playback", &playback(full)),
    ]
}

/// Responses of the queue operations.
fn of_queue(full: bool) -> [Sample; 2] {
    let message = PulledMessage {
        id: "m".to_owned(),
        body: "{}".to_owned(),
        attempts: 1,
        timestamp_ms: 1,
        lease_id: "l".to_owned(),
        metadata: MessageMetadata {
            content_type: CONTENT_TYPE.to_owned(),
        },
    };
    let metrics = BacklogMetrics::default();
    let pulled = PulledMessages {
        success: true,
        errors: Vec::new(),
        messages: Vec::new(),
        result: Pulled {
            message_backlog_count: 1,
            messages: if full { vec![message] } else { Vec::new() },
            metadata: PullMetadata { metrics },
        },
    };
    let warnings = if full {
        vec!["l".to_owned()]
    } else {
        Vec::new()
    };
    let acked = AckedMessages {
        success: true,
        errors: Vec::new(),
        messages: Vec::new(),
        result: Acked {
            ack_count: 1,
            retry_count: 0,
            warnings,
        },
    };
    [
        sample("PulledMessages", &pulled),
        sample("AckedMessages", &acked),
    ]
}

/// Responses of the operations of native workers.
fn of_workers(full: bool) -> [Sample; 3] {
    let preset = Map::from_iter([("fps_max".to_owned(), json!(30))]);
    let plan = ImagePlan::standard(1, 1);
    let claimed = ClaimedJob {
        job: job(full),
        attempt: 1,
        lease_token: "t".to_owned(),
        lease_ms: 30_000,
        lease_until: NOW,
        source: Source {
            bucket: BucketRole::Raw,
            key: "originals/ast_x".to_owned(),
            size_bytes: 1,
            content_type: "video/mp4".to_owned(),
            sha256: full.then(|| "0".repeat(64)),
        },
        destination: Destination {
            bucket: BucketRole::Public,
            prefix: "m/ast_x/1-0/".to_owned(),
        },
        work: if full {
            Work::Video { preset }
        } else {
            Work::Image { plan }
        },
    };
    let heartbeat = Heartbeat {
        lease_until: NOW,
        cancel: full,
        drain: full,
    };
    [
        sample("ClaimedJob", &claimed),
        sample("Heartbeat", &heartbeat),
        sample("Worker", &worker(full)),
    ]
}

fn worker(full: bool) -> Worker {
    let encoder = Encoder {
        name: "libx264".to_owned(),
        is_hardware: false,
    };
    Worker {
        id: "w".to_owned(),
        version: "1".to_owned(),
        ffmpeg_version: "7".to_owned(),
        cores: 2,
        slots: 1,
        encoders: if full { vec![encoder] } else { Vec::new() },
        state: WorkerState::Active,
        drain: full,
        running: 1,
        registered_at: NOW,
        seen_at: NOW,
    }
}

/// Responses of the admin operations.
fn of_admins(full: bool) -> [Sample; 2] {
    let list = WorkerList {
        items: vec![worker(full)],
    };
    let backlog = Backlog {
        jobs: vec![JobCount {
            kind: JobKind::ProcessVideo,
            runs_on: RunsOn::Native,
            state: JobState::Queued,
            count: 2,
        }],
        oldest_queued_ms: full.then_some(5),
        dispatch: BacklogMetrics::default(),
    };
    [sample("WorkerList", &list), sample("Backlog", &backlog)]
}

/// Responses of all other operations.
fn of_the_rest(full: bool) -> [Sample; 6] {
    let limits = UploadLimits::of("acme", &SizeLimits::default(), full);
    let page = JobPage {
        items: vec![job(full)],
        next_cursor: full.then(|| "job_x".to_owned()),
    };
    let ticket = Ticket {
        ticket: "t".to_owned(),
        expires_at: NOW,
    };
    let version = VersionInfo {
        version: "1".to_owned(),
        nonce: String::new(),
    };
    let state = "ok".to_owned();
    [
        sample("UploadLimits", &limits),
        sample("JobView", &job(full)),
        sample("JobPage", &page),
        sample("Ticket", &ticket),
        sample("Health", &Health { state }),
        sample("VersionInfo", &version),
    ]
}

/// All samples.
pub(crate) fn samples(full: bool) -> Vec<Sample> {
    let events = events(full).into_iter();
    events
        .chain(of_assets(full))
        .chain(of_queue(full))
        .chain(of_workers(full))
        .chain(of_admins(full))
        .chain(of_the_rest(full))
        .collect()
}
