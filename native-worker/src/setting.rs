//! The list of settings: environment variables that begin with `NATIVE_WORKER_`.

use std::fmt::Write as _;

/// Prefix of every setting's name.
pub(crate) const PREFIX: &str = "NATIVE_WORKER_";

/// One setting, as `--help` shows it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Name of the variable.
    pub name: &'static str,
    /// The form of its values.
    pub form: &'static str,
    /// The default, as text.
    pub default: &'static str,
    /// What it sets.
    pub doc: &'static str,
}

/// Value of [`Setting::default`] for a required setting.
pub const REQUIRED: &str = "required";

macro_rules! settings {
    ($($constant:ident = $name:literal, $form:expr, $default:expr, $doc:literal;)+) => {
        $(pub(crate) const $constant: Setting = Setting { name: $name, form: $form, default: $default, doc: $doc };)+

        /// Every setting.
        pub const SETTINGS: &[Setting] = &[$($constant),+];
    };
}

const URL: &str = "an http or https URL without credentials";
const MS: &str = "an integer number of milliseconds";
const BYTES: &str = "an integer number of bytes";
const FILE: &str = "the path of a file; a line end at its end is ignored";
const PROGRAM: &str = "the name or path of a program";
const UNSET: &str = "not set";

settings! {
    QUEUE_URL = "NATIVE_WORKER_QUEUE_URL", URL, REQUIRED,
        "URL of the queue, for example https://media.example.com/v1/queues/media-jobs.";
    API_URL = "NATIVE_WORKER_API_URL", URL, "the origin of NATIVE_WORKER_QUEUE_URL",
        "URL of the API, without /v1.";
    TOKEN = "NATIVE_WORKER_TOKEN", "a JSON Web Token with the role worker", REQUIRED,
        "Secret. Token of this worker. Its sub is the worker's id, so every running worker needs its own.";
    TOKEN_FILE = "NATIVE_WORKER_TOKEN_FILE", FILE, UNSET,
        "File with the token, instead of NATIVE_WORKER_TOKEN.";
    S3_ENDPOINT = "NATIVE_WORKER_S3_ENDPOINT", URL, REQUIRED,
        "S3 endpoint of the buckets. Requests use path style.";
    S3_REGION = "NATIVE_WORKER_S3_REGION", "the name of a region", "auto",
        "S3 region of the buckets.";
    S3_ACCESS_KEY_ID = "NATIVE_WORKER_S3_ACCESS_KEY_ID", "an access key ID", REQUIRED,
        "S3 access key ID. The key needs to read and write objects in both buckets.";
    S3_ACCESS_KEY_ID_FILE = "NATIVE_WORKER_S3_ACCESS_KEY_ID_FILE", FILE, UNSET,
        "File with the access key ID, instead of NATIVE_WORKER_S3_ACCESS_KEY_ID.";
    S3_SECRET_ACCESS_KEY = "NATIVE_WORKER_S3_SECRET_ACCESS_KEY", "a secret access key", REQUIRED,
        "Secret. S3 secret access key.";
    S3_SECRET_ACCESS_KEY_FILE = "NATIVE_WORKER_S3_SECRET_ACCESS_KEY_FILE", FILE, UNSET,
        "File with the secret access key, instead of NATIVE_WORKER_S3_SECRET_ACCESS_KEY.";
    RAW_BUCKET = "NATIVE_WORKER_RAW_BUCKET", "the name of a bucket", "ferrotype-raw",
        "Bucket of originals and private outputs.";
    PUBLIC_BUCKET = "NATIVE_WORKER_PUBLIC_BUCKET", "the name of a bucket", "ferrotype-public",
        "Bucket of public outputs.";
    SLOTS = "NATIVE_WORKER_SLOTS", "an integer from 1 to 64", "half the number of cores, at least 1",
        "Jobs that run at the same time. A single video job uses all cores that it can get.";
    SCRATCH = "NATIVE_WORKER_SCRATCH", "the path of a folder", "ferrotype-native-worker in the system's temporary folder",
        "Folder for originals and outputs while jobs run. It is created if it does not exist; several workers may share it.";
    SCRATCH_FREE_MIN_BYTES = "NATIVE_WORKER_SCRATCH_FREE_MIN_BYTES", BYTES, "1073741824",
        "Free bytes that the scratch folder must keep, besides the original, for a job to start.";
    MEMORY_FREE_MIN_BYTES = "NATIVE_WORKER_MEMORY_FREE_MIN_BYTES", BYTES, "536870912",
        "Bytes of memory that must be available for the worker to take a job.";
    DRAIN_MS = "NATIVE_WORKER_DRAIN_MS", MS, "90000",
        "How long running jobs may continue after SIGTERM or SIGINT. Jobs that still run then are released; a second signal releases them at once.";
    ADDR = "NATIVE_WORKER_ADDR", "an IP address and a port such as 127.0.0.1:8788", "127.0.0.1:8788",
        "Address of the operations endpoints. Port 0 selects a free port.";
    FFMPEG = "NATIVE_WORKER_FFMPEG", PROGRAM, "ffmpeg",
        "The ffmpeg program.";
    FFPROBE = "NATIVE_WORKER_FFPROBE", PROGRAM, "ffprobe",
        "The ffprobe program.";
    STALL_MS = "NATIVE_WORKER_STALL_MS", MS, "60000",
        "An encoder that makes no progress for this long is killed, and the job is tried again.";
    LOG = "NATIVE_WORKER_LOG", "a level or a filter such as info,native_worker=debug", "info",
        "What is logged to stderr.";
    LOG_FORMAT = "NATIVE_WORKER_LOG_FORMAT", "text or json", "text",
        "Format of the log.";
    IMAGE_MEMORY_MAX_BYTES = "NATIVE_WORKER_IMAGE_MEMORY_MAX_BYTES", BYTES, "4294967296",
        "Memory that decoding one image may use. An image that needs more is refused.";
}

/// The settings as text, for `--help`.
#[must_use]
pub fn help() -> String {
    let mut text = String::new();
    for Setting {
        name,
        form,
        default,
        doc,
    } in SETTINGS
    {
        let default = match *default {
            REQUIRED => REQUIRED.to_owned(),
            UNSET => "optional".to_owned(),
            value => format!("default: {value}"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "  {name}\n      {doc}\n      {form}; {default}");
    }
    text
}
