//! Errors: one table of stable codes, each with its HTTP status and title. No other place assigns a status to an error.

use serde::{Deserialize, Serialize};

/// Prefix of a problem document's `type`; the code follows.
pub const PROBLEM_TYPE_PREFIX: &str = "https://ferrotype.dev/problems/";

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $status:literal, $title:literal;)+) => {
        /// Stable, machine-readable error code. The comment of each variant says when it is used.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ #[serde(rename = $code)] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as written in JSON and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// HTTP status of a problem with this code.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// Short text for people. It contains no values, so it can label a metric.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }

        #[cfg(feature = "openapi")]
        crate::words::word_schema!(
            ErrorCode,
            concat!("Stable, machine-readable error code.\n\n", $("- `", $code, "`:", $($doc),+, "\n"),+)
        );

        impl std::str::FromStr for ErrorCode {
            type Err = UnknownCode;
            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                match text { $($code => Ok(Self::$variant),)+ _ => Err(UnknownCode) }
            }
        }
    };
}

/// The text is not an error code of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown error code")]
pub struct UnknownCode;

codes! {
    /// The resource does not exist or is not visible to the caller; the two cases cannot be told apart.
    NotFound = "not_found", 404, "Not found";
    /// The path exists, but not for this method. `Allow` lists the allowed methods.
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    /// The request body exceeds the size limit.
    BodyTooLarge = "body_too_large", 413, "Request body too large";
    /// The request body is not `application/json`.
    ContentTypeUnsupported = "content_type_unsupported", 415, "Unsupported content type of the request body";
    /// The request body is not JSON.
    JsonInvalid = "json_invalid", 400, "Request body is not valid JSON";
    /// The request body is JSON but does not match the operation's schema.
    RequestInvalid = "request_invalid", 400, "Request does not match the contract";
    /// A query parameter is invalid.
    QueryInvalid = "query_invalid", 400, "Invalid query parameter";
    /// The cursor was not issued by this API.
    CursorInvalid = "cursor_invalid", 400, "Invalid cursor";

    /// No `Authorization: Bearer …` header was sent.
    TokenMissing = "token_missing", 401, "Authentication required";
    /// The token is malformed or its signature is invalid.
    TokenInvalid = "token_invalid", 401, "Invalid token";
    /// The token is signed with an algorithm other than the configured one (`none` included).
    TokenAlgorithmInvalid = "token_algorithm_invalid", 401, "Token algorithm not allowed";
    /// The token has expired.
    TokenExpired = "token_expired", 401, "Token expired";
    /// The token is not valid yet.
    TokenNotYetValid = "token_not_yet_valid", 401, "Token not yet valid";
    /// The token was issued for a different audience.
    TokenAudienceInvalid = "token_audience_invalid", 401, "Token is for a different audience";
    /// The token was issued by a different issuer.
    TokenIssuerInvalid = "token_issuer_invalid", 401, "Token is from a different issuer";
    /// A claim is missing or invalid.
    TokenClaimsInvalid = "token_claims_invalid", 401, "Invalid token claims";
    /// The token is valid, but its role may not call this operation.
    RoleForbidden = "role_forbidden", 403, "Not allowed for this role";

    /// The file name is empty, longer than 1 024 bytes, or contains NUL.
    FilenameInvalid = "filename_invalid", 400, "Invalid file name";
    /// The media type is not supported.
    MediaTypeUnsupported = "media_type_unsupported", 400, "Media type not supported";
    /// The declared size is zero.
    FileEmpty = "file_empty", 400, "File is empty";
    /// The declared size is negative or not an integer.
    SizeInvalid = "size_invalid", 400, "Invalid file size";
    /// The declared size exceeds the limit.
    FileTooLarge = "file_too_large", 400, "File too large";
    /// `sha256` does not consist of 64 lowercase hexadecimal digits.
    ChecksumInvalid = "checksum_invalid", 400, "Invalid checksum";
    /// `metadata` or `owner` is too large or malformed.
    MetadataInvalid = "metadata_invalid", 400, "Invalid metadata";

    /// The upload was confirmed before the file was in the bucket.
    UploadMissing = "upload_missing", 409, "Upload not found in the bucket";
    /// The size of the stored file differs from the declared size; the file was removed.
    UploadSizeMismatch = "upload_size_mismatch", 409, "Uploaded size differs from the declared size";
    /// The type of the stored file differs from the declared type; the file was removed.
    UploadTypeMismatch = "upload_type_mismatch", 409, "Uploaded type differs from the declared type";
    /// The SHA-256 of the stored file differs from the declared one. The job detects it, so the original stays until the
    /// asset is deleted.
    UploadChecksumMismatch = "upload_checksum_mismatch", 409, "Uploaded checksum differs from the declared checksum";
    /// No file was uploaded before the upload expired.
    UploadExpired = "upload_expired", 409, "Upload expired";
    /// The upload has ended: it was confirmed, rejected or cancelled, or it expired.
    UploadClosed = "upload_closed", 409, "Upload has ended";

    /// The image file ends before its image data is complete.
    ImageTruncated = "image_truncated", 422, "Image is truncated";
    /// The image data violates the format.
    ImageCorrupt = "image_corrupt", 422, "Image is corrupt";
    /// Width or height is zero or exceeds what the format allows.
    ImageDimensionsInvalid = "image_dimensions_invalid", 422, "Invalid image dimensions";
    /// The image exceeds the pixel limit.
    ImageTooLarge = "image_too_large", 422, "Image has too many pixels";
    /// Decoding would exceed the worker's memory limit. (If this happens at the edge, a native worker takes over, provided
    /// there is one.)
    ImageMemoryExceeded = "image_memory_exceeded", 422, "Image needs too much memory";
    /// A valid image that uses an unsupported feature (for example lossless JPEG).
    ImageUnsupported = "image_unsupported", 422, "Image feature not supported";
    /// The codec trapped on this image; its instance was discarded.
    ImageCodecTrapped = "image_codec_trapped", 422, "Image crashed the codec";

    /// The file is not readable as video or audio, or its container is not supported (playlists and other text files are
    /// not).
    MediaUnreadable = "media_unreadable", 422, "Media file cannot be read";
    /// The media file is truncated.
    MediaTruncated = "media_truncated", 422, "Media file is truncated";
    /// The file contains neither video nor audio.
    MediaNoStreams = "media_no_streams", 422, "No video or audio in the file";
    /// A valid file that uses an unsupported codec or feature.
    MediaUnsupported = "media_unsupported", 422, "Media feature not supported";
    /// The frame size, duration or number of streams exceeds its limit.
    MediaTooLarge = "media_too_large", 422, "Media exceeds the limits";
    /// The encoder failed.
    EncodeFailed = "encode_failed", 500, "Encoding failed";
    /// The encoder stopped making progress.
    EncodeStalled = "encode_stalled", 500, "Encoding stalled";
    /// An output failed verification; none of the attempt's outputs is visible.
    OutputInvalid = "output_invalid", 422, "Output failed its verification";
    /// The worker has not enough free disk or memory for the job.
    WorkerExhausted = "worker_exhausted", 503, "Worker is out of disk or memory";
    /// Reading or writing an object in the bucket failed.
    StorageFailed = "storage_failed", 503, "Storage error";

    /// This installation has no worker for the asset's kind.
    KindUnsupported = "kind_unsupported", 422, "No worker for this kind of media";
    /// The owner cancelled the job.
    JobCancelled = "job_cancelled", 409, "Job cancelled";
    /// The job has already ended; nothing was changed.
    JobEnded = "job_ended", 409, "Job has ended";
    /// The job is scheduled for a later time.
    JobNotDue = "job_not_due", 409, "Job is not due";
    /// Another attempt holds the job.
    JobBusy = "job_busy", 409, "Job is running elsewhere";
    /// The attempt number or the lease token is not current.
    LeaseStale = "lease_stale", 409, "Lease is stale";
    /// Only a failed or cancelled job can be redriven.
    JobNotRedrivable = "job_not_redrivable", 409, "Job cannot be redriven";
    /// The worker disappeared: its lease expired.
    LeaseExpired = "lease_expired", 500, "Worker lost its lease";
    /// The job exceeded its deadline.
    JobDeadlineExceeded = "job_deadline_exceeded", 422, "Job deadline exceeded";
    /// Workers repeatedly disappeared while running this job.
    JobPoisonous = "job_poisonous", 422, "Job keeps crashing its workers";

    /// A dependency is overloaded or restarting; try again.
    Unavailable = "unavailable", 503, "Temporarily unavailable";
    /// An internal error; search the log for the request id.
    Internal = "internal", 500, "Internal error";
}

impl ErrorCode {
    /// Whether a native worker may succeed where the edge failed with this code: it runs the same codec with more memory.
    #[must_use]
    pub const fn is_for_native(self) -> bool {
        matches!(self, Self::ImageMemoryExceeded)
    }

    /// URI of the code: `type` of a problem document.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("{PROBLEM_TYPE_PREFIX}{}", self.as_str())
    }
}

macro_rules! worker_codes {
    ($($code:ident),+) => {
        impl ErrorCode {
            /// Codes that a native worker may report with `FailJob`: properties of the file, or failures in the worker itself.
            pub const OF_WORKER: &'static [&'static str] = &[$(Self::$code.as_str()),+];

            /// Whether a native worker may report this code with `FailJob`.
            #[must_use]
            pub const fn is_of_worker(self) -> bool {
                matches!(self, $(Self::$code)|+)
            }
        }
    };
}

worker_codes!(
    UploadMissing,
    UploadSizeMismatch,
    UploadChecksumMismatch,
    ImageTruncated,
    ImageCorrupt,
    ImageDimensionsInvalid,
    ImageTooLarge,
    ImageMemoryExceeded,
    ImageUnsupported,
    ImageCodecTrapped,
    MediaUnreadable,
    MediaTruncated,
    MediaNoStreams,
    MediaUnsupported,
    MediaTooLarge,
    EncodeFailed,
    EncodeStalled,
    OutputInvalid,
    WorkerExhausted,
    StorageFailed,
    KindUnsupported,
    JobDeadlineExceeded,
    Unavailable,
    Internal
);

/// RFC 9457 problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// URI of the error code.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// Short text of the error code; always the same for a code.
    pub title: String,
    /// HTTP status.
    #[cfg_attr(feature = "openapi", schema(minimum = 400, maximum = 599))]
    pub status: u16,
    /// What happened in this request, why, and what to do.
    pub detail: String,
    /// Stable error code.
    pub code: ErrorCode,
    /// Id of the request, as in the `x-request-id` header and in the service's log.
    pub request_id: String,
}

impl Problem {
    /// Creates the problem document of one request.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self {
            type_uri: code.type_uri(),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code,
            request_id: request_id.into(),
        }
    }
}

/// Why an asset, a job or an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    /// Stable error code.
    pub code: ErrorCode,
    /// What happened, why, and what to do about it.
    pub detail: String,
}

impl Failure {
    /// Creates a failure.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}
