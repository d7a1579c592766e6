//! The HTTP contract: one row per operation. The edge's router is an exhaustive match over [`Op`], and `docs/openapi.json`
//! is
//! generated from the same rows, and a test proves both.

mod admin;
mod assets;
mod errors;
mod events;
mod health;
mod jobs;
mod limits;
#[cfg(feature = "openapi")]
mod openapi;
mod parameter;
mod playback;
mod query;
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
pub use limits::{KindLimit, KindLimits, UploadLimits};
pub use parameter::{Form, Parameter};
pub use playback::Playback;
pub use query::Query;
pub use workers::{DrainWorker, WorkerList};

#[cfg(feature = "openapi")]
use crate::asset::Asset;
use crate::auth::Role;
#[cfg(feature = "openapi")]
use crate::job::JobView;
use crate::problem::ErrorCode;
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
    /// No token for what is public; a user, service or admin token for the rest.
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
    ($($(#[doc = $doc:literal])+ $op:ident: $method:ident $path:literal $access:ident [$($query:ident),*] ($req:ty) -> $status:literal $answer:ident $resp:ty, [$($code:ident),*];)+) => {
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

            /// Accepted query parameters.
            #[must_use]
            pub const fn query(self) -> &'static [Parameter] { match self { $(Self::$op => &[$(Parameter::$query),*]),+ } }
        }

        impl Op {
            /// Whether it has a request body.
            #[must_use]
            pub const fn has_body(self) -> bool {
                match self { $(Self::$op => !matches!(stringify!($req).as_bytes(), b"()")),+ }
            }

            /// Error codes of this operation alone; [`Self::errors`] has all.
            const fn own_errors(self) -> &'static [ErrorCode] {
                match self { $(Self::$op => &[$(ErrorCode::$code),*]),+ }
            }
        }

        /// The OpenAPI 3.1 document, generated from the table.
        #[cfg(feature = "openapi")]
        #[must_use]
        pub fn openapi() -> utoipa::openapi::OpenApi {
            let mut document = openapi::Document::new();
            $(document.add::<$req, $resp>(Op::$op, &[$($doc),+]);)+
            document.finish()
        }
    };
}

ops! {
    // Doc: the first line is the summary, the other lines are the description. Then: method, path, access, query parameters, (request
    // body), status, answer, response body, error codes of this operation alone.
    /// Register a file and get a signed upload URL.
    /// The client uploads the file to the URL with the given headers, then calls `CompleteAsset`. `GetLimits` says what is accepted.
    CreateAsset: Post "/v1/assets" User [OnBehalfOf] (CreateAsset) -> 201 Json CreatedAsset, [FilenameInvalid, MediaTypeUnsupported, SizeInvalid, FileEmpty, FileTooLarge, ChecksumInvalid, MetadataInvalid];
    /// List assets, newest first.
    /// All filters must match. With role `admin`, the list has the assets of the whole tenant, unless `on_behalf_of` names a user.
    ListAssets: Get "/v1/assets" User [Kind, AssetState, OwnerType, OwnerId, AssetCursor, Limit, ExpiresIn, OnBehalfOf] (()) -> 200 Json AssetPage, [];
    /// Read one asset.
    /// URLs of outputs of private assets expire, so read the asset again when they do.
    GetAsset: Get "/v1/assets/{asset_id}" User [ExpiresIn, OnBehalfOf] (()) -> 200 Json Asset, [];
    /// Delete an asset and its files, and cancel its jobs.
    /// Its user receives the event `asset_deleted`.
    DeleteAsset: Delete "/v1/assets/{asset_id}" User [OnBehalfOf] (()) -> 204 Empty (), [];
    /// Confirm the upload; verifies the file and starts processing. Idempotent.
    /// A file that does not match its declaration is removed and the asset fails: every further call answers with the same error.
    CompleteAsset: Post "/v1/assets/{asset_id}/complete" User [OnBehalfOf] (CompleteAsset) -> 202 Json CompletedAsset, [UploadMissing, UploadSizeMismatch, UploadTypeMismatch, UploadExpired, JobCancelled];
    /// Get a new upload URL for an asset that is awaiting its upload.
    /// The new URL accepts the same file as the first one.
    RenewUpload: Post "/v1/assets/{asset_id}/upload" User [OnBehalfOf] (()) -> 200 Json RenewedUpload, [UploadClosed];
    /// Download the original by a redirect to a URL signed for one hour.
    /// Originals of public video and audio need no token and can be played; every other original is an attachment. The URL is signed for the method of the request, `GET` or `HEAD`.
    GetOriginal: Get "/v1/assets/{asset_id}/original" Mixed [OnBehalfOf] (()) -> 302 Empty (), [UploadMissing];
    /// Get everything a player or a page needs to show an asset.
    /// While a video or audio file is being processed, the answer has the outputs that are already playable.
    GetPlayback: Get "/v1/assets/{asset_id}/playback" Mixed [ExpiresIn, OnBehalfOf] (()) -> 200 Json Playback, [];
    /// Get the limits of uploads: media types, sizes, and number of assets per request.
    GetLimits: Get "/v1/limits" User [OnBehalfOf] (()) -> 200 Json UploadLimits, [];
    /// List jobs, newest first. Jobs that wait for an upload are listed only by `state=awaiting_upload`.
    /// All filters must match. With role `admin`, the list has the jobs of the whole tenant, unless `on_behalf_of` names a user.
    ListJobs: Get "/v1/jobs" User [JobState, OfAsset, JobCursor, Limit, OnBehalfOf] (()) -> 200 Json JobPage, [];
    /// Read one job, from the creation of its asset on.
    GetJob: Get "/v1/jobs/{job_id}" User [OnBehalfOf] (()) -> 200 Json JobView, [];
    /// Cancel a job that has not ended. If it waits for an upload, the upload ends with it.
    /// Its asset fails with `job_cancelled`. A cancelled job can be restarted by `RedriveJob`.
    CancelJob: Post "/v1/jobs/{job_id}/cancel" User [OnBehalfOf] (()) -> 202 Json JobView, [JobEnded];
    /// Restart a failed or cancelled job.
    /// No event reports the restart; `processing_started` follows once a worker claims the job.
    RedriveJob: Post "/v1/jobs/{job_id}/redrive" User [OnBehalfOf] (()) -> 202 Json JobView, [JobNotRedrivable];
    /// Stream the events of the user's assets; resumes from `Last-Event-ID`.
    /// Without a cursor the stream starts with `snapshot`: all unfinished assets and jobs. Each stream ends after 8–12 minutes; an `EventSource` resumes by itself. Faults of the service are answered with 200, `retry:` and the end of the stream, because an `EventSource` gives up after any other status.
    StreamEvents: Get "/v1/events" Ticket [EventAsset, EventJob, EventTypes, Ticket, LastEventId, OnBehalfOf] (()) -> 200 EventStream (), [];
    /// Get a ticket for a browser's `EventSource`, which cannot send an `Authorization` header.
    /// The ticket opens only the event stream of its user, as the query parameter `ticket`.
    CreateTicket: Post "/v1/events/ticket" User [OnBehalfOf] (()) -> 201 Json Ticket, [];
    /// Register this native worker, at its start and whenever its capabilities or state change.
    /// The worker's id is the `sub` of its token.
    RegisterWorker: Post "/v1/workers" Worker [] (RegisterWorker) -> 200 Json Worker, [];
    /// Pull messages about jobs for native workers, in the format of Cloudflare Queues; `wait_ms` makes it a long poll.
    /// A message is a hint to claim a job. It returns to the queue after 5 s unless its job was claimed.
    PullMessages: Post "/v1/queues/{queue}/messages/pull" Worker [] (PullMessages) -> 200 Json PulledMessages, [];
    /// Acknowledge messages or request their redelivery.
    /// A claim acknowledges the message of its job, so this is needed only for messages whose job cannot be claimed.
    AckMessages: Post "/v1/queues/{queue}/messages/ack" Worker [] (AckMessages) -> 200 Json AckedMessages, [];
    /// Claim a job and start an attempt.
    /// The answer holds the fence: `attempt` and `lease_token`, which all further requests of the attempt carry.
    ClaimJob: Post "/v1/jobs/{job_id}/claim" Worker [] (()) -> 200 Json ClaimedJob, [JobEnded, JobNotDue, JobBusy];
    /// Renew the lease and report progress and playable outputs; the answer says whether to stop.
    /// At least one heartbeat in a third of the lease, at most one a second.
    HeartbeatJob: Post "/v1/jobs/{job_id}/heartbeat" Worker [] (HeartbeatJob) -> 200 Json Heartbeat, [LeaseStale, JobEnded, OutputInvalid];
    /// Finish an attempt successfully and publish its outputs. Idempotent.
    /// Every output must be stored before: the bucket is asked for each.
    FinishJob: Post "/v1/jobs/{job_id}/finish" Worker [] (FinishJob) -> 200 Json JobView, [LeaseStale, JobEnded, OutputInvalid];
    /// Report that an attempt failed.
    /// A retryable failure queues the job again, up to three times, after a random delay.
    FailJob: Post "/v1/jobs/{job_id}/fail" Worker [] (FailJob) -> 200 Json JobView, [LeaseStale, JobEnded];
    /// Release an attempt so that the job is queued again; not counted as a failure.
    /// No event reports the release; `processing_started` follows once a worker claims the job.
    ReleaseJob: Post "/v1/jobs/{job_id}/release" Worker [] (ReleaseJob) -> 200 Json JobView, [LeaseStale, JobEnded];
    /// List the native workers of the installation.
    ListWorkers: Get "/v1/admin/workers" Admin [] (()) -> 200 Json WorkerList, [];
    /// Drain or resume a native worker.
    /// A drained worker finishes its attempts and receives no new messages.
    DrainWorker: Post "/v1/admin/workers/{worker_id}/drain" Admin [] (DrainWorker) -> 200 Json Worker, [];
    /// Count the tenant's queued and running jobs and the messages waiting for native workers.
    GetBacklog: Get "/v1/admin/backlog" Admin [] (()) -> 200 Json Backlog, [];
    /// Download a public output.
    /// The query is ignored, so players may append parameters of their own.
    GetMedia: Get "/media/{*key}" Public [] (()) -> 200 Bytes (), [];
    /// Download a private output with a path token; the file `original` is the original of a video or audio asset.
    /// The query is ignored, so players may append parameters of their own.
    GetStream: Get "/stream/{token}/{*file}" Public [] (()) -> 200 Bytes (), [];
    /// Check that the service is running.
    Healthz: Get "/healthz" Public [] (()) -> 200 Json Health, [];
    /// Check that the database and the buckets are reachable.
    Readyz: Get "/readyz" Public [] (()) -> 200 Json Health, [Unavailable];
    /// Get the version of the build.
    Version: Get "/version" Public [] (()) -> 200 Json VersionInfo, [];
}

impl Op {
    /// Whether the query is checked. Players append parameters of their own to the URLs of files, and monitors to those of the probes.
    #[must_use]
    pub fn has_strict_query(self) -> bool {
        self.path().starts_with("/v1/")
    }
}

/// Largest request body, in bytes; no operation needs more.
pub const BODY_MAX_BYTES: usize = 262_144;

/// Default `limit` of a list.
pub const LIMIT_DEFAULT: u32 = 50;

/// Largest `limit` of a list.
pub const LIMIT_MAX: u32 = 200;
