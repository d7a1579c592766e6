//! What can go wrong, as the wire says it: one table of stable codes, each with its status and title. No
//! other place knows the status of an error.

use serde::{Deserialize, Serialize};

/// Prefix of the `type` member of a problem document; the code follows.
pub const PROBLEM_TYPE_PREFIX: &str = "https://ferrotype.dev/problems/";

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal, $status:literal, $title:literal;)+) => {
        /// Stable, machine-readable code of an error. The first doc line of a variant says when it is given.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ #[serde(rename = $code)] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in table order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The code as it stands in JSON and in the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code),+ }
            }

            /// HTTP status of a problem with this code.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$variant => $status),+ }
            }

            /// Short text for people, without values (so that it can label a metric).
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title),+ }
            }
        }

        #[cfg(feature = "openapi")]
        crate::words::word_schema!(ErrorCode, "Stable, machine-readable code of an error.");

        impl std::str::FromStr for ErrorCode {
            type Err = UnknownCode;
            fn from_str(text: &str) -> Result<Self, UnknownCode> {
                match text { $($code => Ok(Self::$variant),)+ _ => Err(UnknownCode) }
            }
        }
    };
}

/// The text is no code of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("unknown error code")]
pub struct UnknownCode;

codes! {
    /// The resource does not exist, or does not belong to the caller: both look the same.
    NotFound = "not_found", 404, "Not found";
    /// The path exists, the method does not; `Allow` lists those that do.
    MethodNotAllowed = "method_not_allowed", 405, "Method not allowed";
    /// The request body is larger than the API takes.
    BodyTooLarge = "body_too_large", 413, "Request body too large";
    /// The request body is not `application/json`.
    ContentTypeUnsupported = "content_type_unsupported", 415, "Unsupported content type of the request";
    /// The request body is not JSON.
    JsonInvalid = "json_invalid", 400, "Request body is not valid JSON";
    /// The request body is JSON of another shape than the operation takes.
    RequestInvalid = "request_invalid", 400, "Request does not match the contract";
    /// A query parameter has a value that the operation does not take.
    QueryInvalid = "query_invalid", 400, "Invalid query parameter";
    /// The cursor was not made by this API.
    CursorInvalid = "cursor_invalid", 400, "Invalid cursor";

    /// No `Authorization: Bearer …` was sent.
    TokenMissing = "token_missing", 401, "Authentication required";
    /// The token is malformed, or its signature is not ours.
    TokenInvalid = "token_invalid", 401, "Invalid token";
    /// The token is signed by another algorithm than the configured one (`none` included).
    TokenAlgorithmInvalid = "token_algorithm_invalid", 401, "Token algorithm not accepted";
    /// The token's time is over.
    TokenExpired = "token_expired", 401, "Token expired";
    /// The token's time has not begun.
    TokenNotYetValid = "token_not_yet_valid", 401, "Token not yet valid";
    /// The token was issued for another audience.
    TokenAudienceInvalid = "token_audience_invalid", 401, "Token is for another audience";
    /// The token was issued by another issuer.
    TokenIssuerInvalid = "token_issuer_invalid", 401, "Token is from another issuer";
    /// A claim is missing or has a value that is not accepted.
    TokenClaimsInvalid = "token_claims_invalid", 401, "Token claims not accepted";
    /// The caller is known, its role may not do this.
    RoleForbidden = "role_forbidden", 403, "Not allowed for this role";

    /// The file name holds a NUL or is longer than 1 024 bytes, or is empty.
    FilenameInvalid = "filename_invalid", 400, "Invalid file name";
    /// The media type is not one that Ferrotype takes.
    MediaTypeUnsupported = "media_type_unsupported", 400, "Media type not supported";
    /// The declared size is zero.
    FileEmpty = "file_empty", 400, "File is empty";
    /// The declared size is negative or no whole number.
    SizeInvalid = "size_invalid", 400, "Invalid file size";
    /// The declared size is above the limit of its kind.
    FileTooLarge = "file_too_large", 400, "File too large";
    /// `sha256` is not 64 lowercase hexadecimal digits.
    ChecksumInvalid = "checksum_invalid", 400, "Invalid checksum";
    /// `metadata` or `owner` is larger than allowed or has a form that is not accepted.
    MetadataInvalid = "metadata_invalid", 400, "Invalid metadata";

    /// `complete` was called before the file arrived in the bucket.
    UploadMissing = "upload_missing", 409, "Upload not found in the bucket";
    /// The stored file has another size than declared; it was removed.
    UploadSizeMismatch = "upload_size_mismatch", 409, "Uploaded size differs from the declared size";
    /// The stored file is of another type than declared; it was removed.
    UploadTypeMismatch = "upload_type_mismatch", 409, "Uploaded type differs from the declared type";
    /// The stored file has another SHA-256 than declared. It is found by the job, so the original stays until the asset is deleted.
    UploadChecksumMismatch = "upload_checksum_mismatch", 409, "Uploaded checksum differs from the declared checksum";
    /// No file arrived within the time an upload may take.
    UploadExpired = "upload_expired", 409, "Upload expired";
    /// The asset is already past its upload.
    UploadClosed = "upload_closed", 409, "Upload is already complete";

    /// The image ends before its data does.
    ImageTruncated = "image_truncated", 422, "Image is truncated";
    /// The image's data contradicts its own format.
    ImageCorrupt = "image_corrupt", 422, "Image is corrupt";
    /// Width or height is zero or beyond what the format can hold.
    ImageDimensionsInvalid = "image_dimensions_invalid", 422, "Invalid image dimensions";
    /// More pixels than the limit.
    ImageTooLarge = "image_too_large", 422, "Image has too many pixels";
    /// Decoding would take more memory than the worker may use. (At the edge a native worker takes over, if there are any.)
    ImageMemoryExceeded = "image_memory_exceeded", 422, "Image needs too much memory";
    /// A valid image with a feature that no decoder here takes (for example lossless JPEG).
    ImageUnsupported = "image_unsupported", 422, "Image feature not supported";
    /// The codec trapped on this image; its instance was thrown away.
    ImageCodecTrapped = "image_codec_trapped", 422, "Image crashed the codec";

    /// The file is no film or sound that can be read, or of a container that is not taken (playlists and other texts are not).
    MediaUnreadable = "media_unreadable", 422, "Media file cannot be read";
    /// The file ends before its media does.
    MediaTruncated = "media_truncated", 422, "Media file is truncated";
    /// There is neither a film nor sound in the file.
    MediaNoStreams = "media_no_streams", 422, "No video or audio in the file";
    /// A valid file with a codec or a feature that is not taken.
    MediaUnsupported = "media_unsupported", 422, "Media feature not supported";
    /// Pictures, duration or number of streams beyond the limits.
    MediaTooLarge = "media_too_large", 422, "Media exceeds the limits";
    /// The encoder ended with an error.
    EncodeFailed = "encode_failed", 500, "Encoding failed";
    /// The encoder made no progress any more.
    EncodeStalled = "encode_stalled", 500, "Encoding stalled";
    /// What was made did not pass its verification; nothing of it is visible.
    OutputInvalid = "output_invalid", 422, "Output failed its verification";
    /// The worker has not enough free disk or memory for the job.
    WorkerExhausted = "worker_exhausted", 503, "Worker is out of disk or memory";
    /// The bucket did not take or give an object.
    StorageFailed = "storage_failed", 503, "Bucket failed";

    /// The asset's kind has no worker in this installation.
    KindUnsupported = "kind_unsupported", 422, "No worker for this kind of media";
    /// The owner cancelled the job.
    JobCancelled = "job_cancelled", 409, "Job cancelled";
    /// The job has ended; the command changes nothing.
    JobEnded = "job_ended", 409, "Job has ended";
    /// The job waits for a later time.
    JobNotDue = "job_not_due", 409, "Job is not due";
    /// Another attempt holds the job.
    JobBusy = "job_busy", 409, "Job is running elsewhere";
    /// The attempt or its lease token is not the current one.
    LeaseStale = "lease_stale", 409, "Lease is stale";
    /// Only a failed or cancelled job can be redriven.
    JobNotRedrivable = "job_not_redrivable", 409, "Job cannot be redriven";
    /// The worker vanished: its lease ran out.
    LeaseExpired = "lease_expired", 500, "Worker lost its lease";
    /// The job ran past its deadline.
    JobDeadlineExceeded = "job_deadline_exceeded", 422, "Job deadline exceeded";
    /// Workers vanished on this job again and again.
    JobPoisonous = "job_poisonous", 422, "Job keeps crashing its workers";

    /// Something is overloaded or restarting; try again.
    Unavailable = "unavailable", 503, "Temporarily unavailable";
    /// A fault of ours; the request id finds it in the log.
    Internal = "internal", 500, "Internal error";
}

impl ErrorCode {
    /// Whether a native worker may end an attempt with this code: what it can find out about a file, or meet itself.
    #[must_use]
    pub const fn is_of_worker(self) -> bool {
        matches!(
            self,
            Self::UploadMissing
                | Self::UploadSizeMismatch
                | Self::UploadChecksumMismatch
                | Self::ImageTruncated
                | Self::ImageCorrupt
                | Self::ImageDimensionsInvalid
                | Self::ImageTooLarge
                | Self::ImageMemoryExceeded
                | Self::ImageUnsupported
                | Self::ImageCodecTrapped
                | Self::MediaUnreadable
                | Self::MediaTruncated
                | Self::MediaNoStreams
                | Self::MediaUnsupported
                | Self::MediaTooLarge
                | Self::EncodeFailed
                | Self::EncodeStalled
                | Self::OutputInvalid
                | Self::WorkerExhausted
                | Self::StorageFailed
                | Self::KindUnsupported
                | Self::JobDeadlineExceeded
                | Self::Unavailable
                | Self::Internal
        )
    }

    /// Whether a native worker may do what the edge failed at: the same codec with more memory.
    #[must_use]
    pub const fn is_for_native(self) -> bool {
        matches!(self, Self::ImageMemoryExceeded)
    }

    /// URI of this code in a problem document.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("{PROBLEM_TYPE_PREFIX}{}", self.as_str())
    }
}

/// RFC 9457 problem document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// URI of the code.
    #[serde(rename = "type")]
    pub type_uri: String,
    /// Text of the code, the same each time.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened this time, why, and what to do.
    pub detail: String,
    /// Stable code.
    pub code: ErrorCode,
    /// Id of the request, as in the `x-request-id` header and in our log.
    pub request_id: String,
}

impl Problem {
    /// Builds the document of `code` for one request.
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

/// An error without a request: what an asset, a job or an attempt keeps of its failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Failure {
    /// Stable code.
    pub code: ErrorCode,
    /// What happened, why, and what to do.
    pub detail: String,
}

impl Failure {
    /// Failure of `code`, told by `detail`.
    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}
