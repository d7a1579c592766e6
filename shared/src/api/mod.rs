//! The HTTP contract: one row per operation. The edge's router is an exhaustive match over [`Op`], `docs/openapi.json` is
//! generated from the same rows, and a test proves both.

#[cfg(feature = "openapi")]
mod openapi;
pub mod route;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::asset::{Asset, AssetState, Output, Owner, Visibility};
use crate::auth::Role;
use crate::id::{AssetId, JobId};
use crate::job::{JobKind, JobState, JobView};
use crate::kind::RunsOn;
use crate::time::Timestamp;
use crate::worker::Worker;
use crate::worker::queue::BacklogMetrics;
#[cfg(feature = "openapi")]
use crate::worker::queue::{AckMessages, AckedMessages, PullMessages, PulledMessages};
#[cfg(feature = "openapi")]
use crate::worker::{
    ClaimedJob, FailJob, FinishJob, Heartbeat, HeartbeatJob, RegisterWorker, ReleaseJob,
};

/// HTTP method of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads; `HEAD` is answered alike, without the body.
    Get,
    /// Changes.
    Post,
    /// Removes.
    Delete,
}

impl Method {
    /// The method as HTTP writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        }
    }
}

/// Who may call an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Anyone.
    Public,
    /// Anyone for what is public; a token for the rest.
    Mixed,
    /// A user, service or admin token, or a ticket.
    Ticket,
    /// A user, service or admin token.
    User,
    /// A worker token.
    Worker,
    /// An admin token.
    Admin,
}

impl Access {
    /// Whether `role` may call such an operation at all; what it sees there is another question.
    #[must_use]
    pub const fn admits(self, role: Role) -> bool {
        match self {
            Self::Public => true,
            Self::Mixed | Self::Ticket | Self::User => match role {
                Role::User | Role::Service | Role::Admin => true,
                Role::Worker => false,
            },
            Self::Worker => matches!(role, Role::Worker),
            Self::Admin => matches!(role, Role::Admin),
        }
    }
}

/// What an operation answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A JSON document.
    Json,
    /// Nothing but the status.
    Empty,
    /// `text/event-stream`.
    EventStream,
    /// The bytes of an object, with ranges.
    Bytes,
}

macro_rules! ops {
    ($($(#[doc = $doc:literal])+ $op:ident: $method:ident $path:literal $access:ident [$($query:literal),*] ($req:ty) -> $status:literal $answer:ident $resp:ty;)+) => {
        /// Every operation of the API.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Op { $($(#[doc = $doc])+ $op,)+ }

        impl Op {
            /// All operations, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$op),+];

            /// Name, as in the OpenAPI document's `operationId`.
            #[must_use]
            pub const fn name(self) -> &'static str { match self { $(Self::$op => stringify!($op)),+ } }

            /// Route template.
            #[must_use]
            pub const fn path(self) -> &'static str { match self { $(Self::$op => $path),+ } }

            /// HTTP method.
            #[must_use]
            pub const fn method(self) -> Method { match self { $(Self::$op => Method::$method),+ } }

            /// Who may call it.
            #[must_use]
            pub const fn access(self) -> Access { match self { $(Self::$op => Access::$access),+ } }

            /// Status of a success.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Self::$op => $status),+ } }

            /// What a success answers with.
            #[must_use]
            pub const fn answer(self) -> Answer { match self { $(Self::$op => Answer::$answer),+ } }

            /// Query parameters it takes.
            #[must_use]
            pub const fn query(self) -> &'static [&'static str] { match self { $(Self::$op => &[$($query),*]),+ } }
        }

        /// The OpenAPI 3.1 document, derived from the table.
        #[cfg(feature = "openapi")]
        #[must_use]
        pub fn openapi() -> utoipa::openapi::OpenApi {
            let mut document = openapi::Document::new();
            $(document.add::<$req, $resp>(Op::$op, concat!($($doc, "\n"),+));)+
            document.finish()
        }
    };
}

ops! {
    /// Register a file and get a signed URL to put it to.
    CreateAsset: Post "/v1/assets" User ["on_behalf_of"] (CreateAsset) -> 201 Json CreatedAsset;
    /// List assets, newest first.
    ListAssets: Get "/v1/assets" User ["kind", "state", "owner_type", "owner_id", "cursor", "limit", "on_behalf_of"] (()) -> 200 Json AssetPage;
    /// Read one asset.
    GetAsset: Get "/v1/assets/{asset_id}" User ["on_behalf_of"] (()) -> 200 Json Asset;
    /// Delete an asset, its files and its running jobs.
    DeleteAsset: Delete "/v1/assets/{asset_id}" User ["on_behalf_of"] (()) -> 204 Empty ();
    /// Say that the file is in the bucket; verifies it and starts the work. Idempotent.
    CompleteAsset: Post "/v1/assets/{asset_id}/complete" User ["on_behalf_of"] (CompleteAsset) -> 202 Json CompletedAsset;
    /// Get a fresh URL for an upload that is not complete.
    RenewUpload: Post "/v1/assets/{asset_id}/upload" User ["on_behalf_of"] (()) -> 200 Json RenewedUpload;
    /// Fetch the original: a redirect to a URL signed for one hour. Public for public video and audio, which may be played; of all else an attachment.
    GetOriginal: Get "/v1/assets/{asset_id}/original" Mixed ["on_behalf_of"] (()) -> 302 Empty ();
    /// What a player or a page needs to show an asset.
    GetPlayback: Get "/v1/assets/{asset_id}/playback" Mixed ["on_behalf_of"] (()) -> 200 Json Playback;
    /// List jobs, newest first.
    ListJobs: Get "/v1/jobs" User ["state", "asset_id", "cursor", "limit", "on_behalf_of"] (()) -> 200 Json JobPage;
    /// Read one job.
    GetJob: Get "/v1/jobs/{job_id}" User ["on_behalf_of"] (()) -> 200 Json JobView;
    /// Cancel a job that has not ended.
    CancelJob: Post "/v1/jobs/{job_id}/cancel" User ["on_behalf_of"] (()) -> 202 Json JobView;
    /// Try a failed or cancelled job afresh.
    RedriveJob: Post "/v1/jobs/{job_id}/redrive" User ["on_behalf_of"] (()) -> 202 Json JobView;
    /// Follow everything that happens to one's assets; resumes by `Last-Event-ID`.
    StreamEvents: Get "/v1/events" Ticket ["asset", "job", "types", "ticket", "last_event_id", "on_behalf_of"] (()) -> 200 EventStream ();
    /// Get a ticket for a plain `EventSource`, which cannot send an `Authorization` header.
    CreateTicket: Post "/v1/events/ticket" User ["on_behalf_of"] (()) -> 201 Json Ticket;
    /// Say what this worker can do, when it starts and whenever that changes.
    RegisterWorker: Post "/v1/workers" Worker [] (RegisterWorker) -> 200 Json Worker;
    /// Pull hints of jobs for native workers, in the dialect of Cloudflare Queues; waits for one by `wait_ms`.
    PullMessages: Post "/v1/queues/{queue}/messages/pull" Worker [] (PullMessages) -> 200 Json PulledMessages;
    /// Acknowledge messages, or have them come again.
    AckMessages: Post "/v1/queues/{queue}/messages/ack" Worker [] (AckMessages) -> 200 Json AckedMessages;
    /// Begin an attempt at a job for native workers.
    ClaimJob: Post "/v1/jobs/{job_id}/claim" Worker [] (()) -> 200 Json ClaimedJob;
    /// Keep an attempt, tell its progress and what of it is playable, and hear whether to stop.
    HeartbeatJob: Post "/v1/jobs/{job_id}/heartbeat" Worker [] (HeartbeatJob) -> 200 Json Heartbeat;
    /// End an attempt with success: publishes its outputs. May be repeated.
    FinishJob: Post "/v1/jobs/{job_id}/finish" Worker [] (FinishJob) -> 200 Json JobView;
    /// End an attempt without success.
    FailJob: Post "/v1/jobs/{job_id}/fail" Worker [] (FailJob) -> 200 Json JobView;
    /// Give an attempt back; no failure is counted.
    ReleaseJob: Post "/v1/jobs/{job_id}/release" Worker [] (ReleaseJob) -> 200 Json JobView;
    /// List the native workers of the installation.
    ListWorkers: Get "/v1/admin/workers" Admin [] (()) -> 200 Json WorkerList;
    /// Keep a native worker from new jobs, or let it have them again.
    DrainWorker: Post "/v1/admin/workers/{worker_id}/drain" Admin [] (DrainWorker) -> 200 Json Worker;
    /// How much of the tenant waits and runs, and what waits for native workers.
    GetBacklog: Get "/v1/admin/backlog" Admin [] (()) -> 200 Json Backlog;
    /// Fetch a public output.
    GetMedia: Get "/media/{*key}" Public [] (()) -> 200 Bytes ();
    /// Fetch a private output by a path token; `original` is that of a video or audio asset.
    GetStream: Get "/stream/{token}/{*file}" Public [] (()) -> 200 Bytes ();
    /// Whether the process answers.
    Healthz: Get "/healthz" Public [] (()) -> 200 Json Health;
    /// Whether database and buckets answer, too.
    Readyz: Get "/readyz" Public [] (()) -> 200 Json Health;
    /// Which build answers.
    Version: Get "/version" Public [] (()) -> 200 Json VersionInfo;
}

/// Largest request body, in bytes; no operation needs more.
pub const BODY_MAX_BYTES: usize = 262_144;

/// Items of a list when `limit` is not given.
pub const LIMIT_DEFAULT: u32 = 50;

/// Most items of a list.
pub const LIMIT_MAX: u32 = 200;

/// Body of [`Op::CreateAsset`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CreateAsset {
    /// The file's name: metadata only, 1–1 024 bytes without NUL.
    #[cfg_attr(feature = "openapi", schema(min_length = 1, max_length = 1024))]
    pub filename: String,
    /// The file's media type; its bytes must agree.
    pub content_type: String,
    /// The file's exact size.
    #[cfg_attr(feature = "openapi", schema(value_type = u64, minimum = 1))]
    pub size_bytes: Number,
    /// SHA-256 of the file in lowercase hex; verified when given.
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{64}$"))]
    pub sha256: Option<String>,
    /// Who may read the outputs; `public` by default.
    #[serde(default)]
    pub visibility: Option<Visibility>,
    /// Whom to list it under; the user by default.
    #[serde(default, deserialize_with = "crate::object::optional")]
    pub owner: Option<Owner>,
    /// The client's own data, at most 8 192 bytes of JSON.
    #[serde(default)]
    pub metadata: Option<Map<String, Value>>,
    /// The user to act for; only for role `service` and `admin`.
    #[serde(default)]
    pub on_behalf_of: Option<String>,
}

/// Where and how to put the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Upload {
    /// One PUT with the whole file.
    Single {
        /// Always `PUT`.
        method: String,
        /// Signed for this size, type and method, and for one use.
        url: String,
        /// Headers that the client must set.
        headers: std::collections::BTreeMap<String, String>,
        /// When the URL ends.
        expires_at: Timestamp,
    },
}

/// Answer of [`Op::CreateAsset`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CreatedAsset {
    /// The asset, in state `awaiting_upload`.
    pub asset: Asset,
    /// The job that `complete` will start.
    pub job_id: JobId,
    /// Where to put the file.
    pub upload: Upload,
}

/// Body of [`Op::CompleteAsset`]; may be left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct CompleteAsset {
    /// Parts of a multipart upload; empty for a single PUT.
    #[serde(default)]
    pub parts: Vec<Part>,
}

/// One part of a multipart upload.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// Number, from 1.
    pub part_number: u32,
    /// `ETag` that the bucket answered, with or without quotes.
    pub etag: String,
}

/// Answer of [`Op::CompleteAsset`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct CompletedAsset {
    /// The asset.
    pub asset: Asset,
    /// The job that works on it.
    pub job_id: JobId,
}

/// Answer of [`Op::RenewUpload`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct RenewedUpload {
    /// Where to put the file.
    pub upload: Upload,
}

/// Answer of [`Op::ListAssets`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AssetPage {
    /// Assets, newest first.
    pub items: Vec<Asset>,
    /// `cursor` of the next page; `null` at the end.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next_cursor: Option<String>,
}

/// Answer of [`Op::ListJobs`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobPage {
    /// Jobs, newest first.
    pub items: Vec<JobView>,
    /// `cursor` of the next page; `null` at the end.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub next_cursor: Option<String>,
}

/// Answer of [`Op::GetPlayback`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Playback {
    /// The asset.
    pub asset_id: AssetId,
    /// Where it stands.
    pub state: AssetState,
    /// HLS master playlist; `null` for images, and until its first rendition is playable.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub hls_url: Option<String>,
    /// MP4: the original in another container until there is a better one; `null` for images.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub mp4_url: Option<String>,
    /// A still picture: of an image its largest variant, of sound none.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub poster_url: Option<String>,
    /// Storyboard, `WebVTT`; `null` for images and sound.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub storyboard_url: Option<String>,
    /// The original, from the end of the upload on; `null` for images, whose originals hold metadata, and for what failed.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub original_url: Option<String>,
    /// Duration; `null` for images and until known.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub duration_ms: Option<u64>,
    /// Width as displayed.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub width: Option<u32>,
    /// Height as displayed.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub height: Option<u32>,
    /// Thumbhash in base64.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub placeholder: Option<String>,
    /// Every output; before the asset is ready those that are playable early.
    pub outputs: Vec<Output>,
}

/// Answer of [`Op::CreateTicket`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Ticket {
    /// Goes into `?ticket=` of the event stream.
    pub ticket: String,
    /// When it ends; a stream that it opened goes on.
    pub expires_at: Timestamp,
}

/// Answer of [`Op::ListWorkers`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct WorkerList {
    /// Workers, last heard of first, at most 200.
    pub items: Vec<Worker>,
}

/// Body of [`Op::DrainWorker`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct DrainWorker {
    /// Whether it shall take no new jobs.
    pub drain: bool,
}

/// How many jobs stand alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct JobCount {
    /// What they do.
    pub kind: JobKind,
    /// Where they are worked on.
    pub runs_on: RunsOn,
    /// Where they stand: `queued` or `running`.
    pub state: JobState,
    /// How many.
    pub count: u64,
}

/// Answer of [`Op::GetBacklog`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Backlog {
    /// The tenant's jobs that have not ended.
    pub jobs: Vec<JobCount>,
    /// How long the tenant's oldest job that could be claimed has waited; `null` when none waits.
    #[cfg_attr(feature = "openapi", schema(required = true))]
    pub oldest_queued_ms: Option<u64>,
    /// Messages that wait for native workers, of all tenants.
    pub dispatch: BacklogMetrics,
}

/// Answer of [`Op::Healthz`] and [`Op::Readyz`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Health {
    /// Always `ok`: a part that does not answer is a problem document with status 503.
    pub state: String,
}

/// Answer of [`Op::Version`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VersionInfo {
    /// Version of the build.
    pub version: String,
    /// Nonce of this start, as its configuration says; tells a fresh stack from a left-over one.
    pub nonce: String,
}
