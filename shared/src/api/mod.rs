//! The HTTP contract: one row per operation. The edge's router is an exhaustive match over [`Op`], and `docs/openapi.json`
//! is
//! generated from the same rows, and a test proves both.

mod admin;
mod assets;
mod events;
mod health;
mod jobs;
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
    /// Reads. `HEAD` gets the same headers without the body.
    Get,
    /// Creates or changes.
    Post,
    /// Deletes.
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
    /// No token for public assets; a user, service or admin token for private ones.
    Mixed,
    /// A user, service or admin token, or an event stream ticket.
    Ticket,
    /// A user, service or admin token.
    User,
    /// A worker token.
    Worker,
    /// An admin token.
    Admin,
}

impl Access {
    /// Whether `role` may call such an operation. Which resources it sees is decided elsewhere.
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

/// Body of a successful response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A JSON document.
    Json,
    /// No body.
    Empty,
    /// `text/event-stream`.
    EventStream,
    /// The bytes of an object; supports range requests.
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

            /// Status of a successful response.
            #[must_use]
            pub const fn status(self) -> u16 { match self { $(Self::$op => $status),+ } }

            /// Body of a successful response.
            #[must_use]
            pub const fn answer(self) -> Answer { match self { $(Self::$op => Answer::$answer),+ } }

            /// Names of the accepted query parameters.
            #[must_use]
            pub const fn query(self) -> &'static [&'static str] { match self { $(Self::$op => &[$($query),*]),+ } }
        }

        /// The OpenAPI 3.1 document, generated from the table.
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
    /// Register a file and get a signed upload URL.
    CreateAsset: Post "/v1/assets" User ["on_behalf_of"] (CreateAsset) -> 201 Json CreatedAsset;
    /// List assets, newest first.
    ListAssets: Get "/v1/assets" User ["kind", "state", "owner_type", "owner_id", "cursor", "limit", "on_behalf_of"] (()) -> 200 Json AssetPage;
    /// Read one asset.
    GetAsset: Get "/v1/assets/{asset_id}" User ["on_behalf_of"] (()) -> 200 Json Asset;
    /// Delete an asset and its files, and cancel its jobs.
    DeleteAsset: Delete "/v1/assets/{asset_id}" User ["on_behalf_of"] (()) -> 204 Empty ();
    /// Confirm the upload; verifies the file and starts processing. Idempotent.
    CompleteAsset: Post "/v1/assets/{asset_id}/complete" User ["on_behalf_of"] (CompleteAsset) -> 202 Json CompletedAsset;
    /// Get a new upload URL for an asset that is awaiting its upload.
    RenewUpload: Post "/v1/assets/{asset_id}/upload" User ["on_behalf_of"] (()) -> 200 Json RenewedUpload;
    /// Download the original by a redirect to a URL signed for one hour. Originals of public video and audio need no token and can be played; every other original is an attachment.
    GetOriginal: Get "/v1/assets/{asset_id}/original" Mixed ["on_behalf_of"] (()) -> 302 Empty ();
    /// Get everything a player or a page needs to show an asset.
    GetPlayback: Get "/v1/assets/{asset_id}/playback" Mixed ["on_behalf_of"] (()) -> 200 Json Playback;
    /// List jobs, newest first. Jobs that wait for an upload are listed only by `state=awaiting_upload`.
    ListJobs: Get "/v1/jobs" User ["state", "asset_id", "cursor", "limit", "on_behalf_of"] (()) -> 200 Json JobPage;
    /// Read one job, from the creation of its asset on.
    GetJob: Get "/v1/jobs/{job_id}" User ["on_behalf_of"] (()) -> 200 Json JobView;
    /// Cancel a job that has not ended. If it waits for an upload, the upload ends with it.
    CancelJob: Post "/v1/jobs/{job_id}/cancel" User ["on_behalf_of"] (()) -> 202 Json JobView;
    /// Restart a failed or cancelled job.
    RedriveJob: Post "/v1/jobs/{job_id}/redrive" User ["on_behalf_of"] (()) -> 202 Json JobView;
    /// Stream the events of the user's assets; resumes from `Last-Event-ID`.
    StreamEvents: Get "/v1/events" Ticket ["asset", "job", "types", "ticket", "last_event_id", "on_behalf_of"] (()) -> 200 EventStream ();
    /// Get a ticket for a browser's `EventSource`, which cannot send an `Authorization` header.
    CreateTicket: Post "/v1/events/ticket" User ["on_behalf_of"] (()) -> 201 Json Ticket;
    /// Register this native worker, at its start and whenever its capabilities or state change.
    RegisterWorker: Post "/v1/workers" Worker [] (RegisterWorker) -> 200 Json Worker;
    /// Pull messages about jobs for native workers, in the format of Cloudflare Queues; `wait_ms` makes it a long poll.
    PullMessages: Post "/v1/queues/{queue}/messages/pull" Worker [] (PullMessages) -> 200 Json PulledMessages;
    /// Acknowledge messages or request their redelivery.
    AckMessages: Post "/v1/queues/{queue}/messages/ack" Worker [] (AckMessages) -> 200 Json AckedMessages;
    /// Claim a job and start an attempt.
    ClaimJob: Post "/v1/jobs/{job_id}/claim" Worker [] (()) -> 200 Json ClaimedJob;
    /// Renew the lease and report progress and playable outputs; the answer says whether to stop.
    HeartbeatJob: Post "/v1/jobs/{job_id}/heartbeat" Worker [] (HeartbeatJob) -> 200 Json Heartbeat;
    /// Finish an attempt successfully and publish its outputs. Idempotent.
    FinishJob: Post "/v1/jobs/{job_id}/finish" Worker [] (FinishJob) -> 200 Json JobView;
    /// Report that an attempt failed.
    FailJob: Post "/v1/jobs/{job_id}/fail" Worker [] (FailJob) -> 200 Json JobView;
    /// Release an attempt so that the job is queued again; not counted as a failure.
    ReleaseJob: Post "/v1/jobs/{job_id}/release" Worker [] (ReleaseJob) -> 200 Json JobView;
    /// List the native workers of the installation.
    ListWorkers: Get "/v1/admin/workers" Admin [] (()) -> 200 Json WorkerList;
    /// Drain or resume a native worker.
    DrainWorker: Post "/v1/admin/workers/{worker_id}/drain" Admin [] (DrainWorker) -> 200 Json Worker;
    /// Count the tenant's queued and running jobs and the messages waiting for native workers.
    GetBacklog: Get "/v1/admin/backlog" Admin [] (()) -> 200 Json Backlog;
    /// Download a public output.
    GetMedia: Get "/media/{*key}" Public [] (()) -> 200 Bytes ();
    /// Download a private output with a path token; the file `original` is the original of a video or audio asset.
    GetStream: Get "/stream/{token}/{*file}" Public [] (()) -> 200 Bytes ();
    /// Check that the service is running.
    Healthz: Get "/healthz" Public [] (()) -> 200 Json Health;
    /// Check that the database and the buckets are reachable.
    Readyz: Get "/readyz" Public [] (()) -> 200 Json Health;
    /// Get the version of the build.
    Version: Get "/version" Public [] (()) -> 200 Json VersionInfo;
}

/// Largest request body, in bytes; no operation needs more.
pub const BODY_MAX_BYTES: usize = 262_144;

/// Default `limit` of a list.
pub const LIMIT_DEFAULT: u32 = 50;

/// Largest `limit` of a list.
pub const LIMIT_MAX: u32 = 200;
