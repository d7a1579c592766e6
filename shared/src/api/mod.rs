//! The HTTP contract: one row per operation. The edge's router is an exhaustive match over [`Op`], `docs/openapi.json` is
//! generated from the same rows, and a test proves both.

mod admin;
mod assets;
mod events;
mod health;
mod jobs;
pub mod object;
#[cfg(feature = "openapi")]
mod openapi;
mod playback;
pub mod route;
mod workers;

pub use admin::{Backlog, JobCount};
pub use assets::{
    AssetPage, CompleteAsset, CompletedAsset, CreateAsset, CreatedAsset, Part, RenewedUpload,
    Upload,
};
pub use events::Ticket;
pub use health::{Health, VersionInfo};
pub use jobs::JobPage;
pub use playback::Playback;
pub use workers::{DrainWorker, WorkerList};

#[cfg(feature = "openapi")]
use crate::asset::Asset;
use crate::auth::Role;
#[cfg(feature = "openapi")]
use crate::job::JobView;
#[cfg(feature = "openapi")]
use crate::worker::queue::{AckMessages, AckedMessages, PullMessages, PulledMessages};
#[cfg(feature = "openapi")]
use crate::worker::{
    ClaimedJob, FailJob, FinishJob, Heartbeat, HeartbeatJob, RegisterWorker, ReleaseJob, Worker,
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
