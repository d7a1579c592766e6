//! The list of settings: environment variables that begin with `NATIVE_WORKER_`.

use std::fmt::Write as _;

/// First part of every setting's name.
pub(crate) const PREFIX: &str = "NATIVE_WORKER_";

/// One setting, as `--help` shows it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Name of the variable.
    pub name: &'static str,
    /// What its values look like.
    pub form: &'static str,
    /// What holds when it is not set.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// What [`Setting::default`] says of a setting that the worker cannot do without.
pub const REQUIRED: &str = "required";

macro_rules! settings {
    ($($constant:ident = $name:literal, $form:expr, $default:expr, $doc:literal;)+) => {
        $(pub(crate) const $constant: Setting = Setting { name: $name, form: $form, default: $default, doc: $doc };)+

        /// Every setting.
        pub const SETTINGS: &[Setting] = &[$($constant),+];
    };
}

const URL: &str = "an http or https URL";
const MS: &str = "a whole number of milliseconds";
const BYTES: &str = "a whole number of bytes";
const FILE: &str = "the path of a file; its last line end is left out";
const PROGRAM: &str = "the name or the path of a program";
const UNSET: &str = "not set";

settings! {
    QUEUE_URL = "NATIVE_WORKER_QUEUE_URL", URL, REQUIRED,
        "The queue that work comes from, for example https://media.example.com/v1/queues/media-jobs.";
    API_URL = "NATIVE_WORKER_API_URL", URL, "the origin of NATIVE_WORKER_QUEUE_URL",
        "Where jobs are claimed and ended, without /v1.";
    TOKEN = "NATIVE_WORKER_TOKEN", "a JSON Web Token with the role worker", REQUIRED,
        "Secret. Who this worker is: its sub is the worker's id, so no two running workers may share one.";
    TOKEN_FILE = "NATIVE_WORKER_TOKEN_FILE", FILE, UNSET,
        "The same, from a file.";
    S3_ENDPOINT = "NATIVE_WORKER_S3_ENDPOINT", URL, REQUIRED,
        "The buckets' S3 endpoint; path style is used.";
    S3_REGION = "NATIVE_WORKER_S3_REGION", "the name of a region", "auto",
        "The buckets' region.";
    S3_ACCESS_KEY_ID = "NATIVE_WORKER_S3_ACCESS_KEY_ID", "the id of a key", REQUIRED,
        "Who reads and writes the buckets.";
    S3_ACCESS_KEY_ID_FILE = "NATIVE_WORKER_S3_ACCESS_KEY_ID_FILE", FILE, UNSET,
        "The same, from a file.";
    S3_SECRET_ACCESS_KEY = "NATIVE_WORKER_S3_SECRET_ACCESS_KEY", "the secret of that key", REQUIRED,
        "Secret. Proves it.";
    S3_SECRET_ACCESS_KEY_FILE = "NATIVE_WORKER_S3_SECRET_ACCESS_KEY_FILE", FILE, UNSET,
        "The same, from a file.";
    RAW_BUCKET = "NATIVE_WORKER_RAW_BUCKET", "the name of a bucket", "ferrotype-raw",
        "The bucket of originals and private outputs.";
    PUBLIC_BUCKET = "NATIVE_WORKER_PUBLIC_BUCKET", "the name of a bucket", "ferrotype-public",
        "The bucket of public outputs.";
    SLOTS = "NATIVE_WORKER_SLOTS", "a whole number from 1 to 64", "one for every two cores, at least 1",
        "How many jobs are worked on at a time. One film uses every core that it gets.";
    SCRATCH = "NATIVE_WORKER_SCRATCH", "the path of a folder", "ferrotype-native-worker in the system's folder of temporary files",
        "Where originals and outputs lie while they are worked on. Made when missing; several workers may share it.";
    SCRATCH_FREE_MIN_BYTES = "NATIVE_WORKER_SCRATCH_FREE_MIN_BYTES", BYTES, "1073741824",
        "What must be free there, besides the original, for a job to begin.";
    MEMORY_FREE_MIN_BYTES = "NATIVE_WORKER_MEMORY_FREE_MIN_BYTES", BYTES, "536870912",
        "What must be available of the machine's memory for new work to be taken.";
    DRAIN_MS = "NATIVE_WORKER_DRAIN_MS", MS, "90000",
        "How long running jobs may go on after SIGTERM or SIGINT; then they are given back. A second signal gives them back at once.";
    ADDR = "NATIVE_WORKER_ADDR", "an address and a port such as 127.0.0.1:8788", "127.0.0.1:8788",
        "Where the operations endpoints listen. Port 0 takes a free one.";
    FFMPEG = "NATIVE_WORKER_FFMPEG", PROGRAM, "ffmpeg",
        "The encoder.";
    FFPROBE = "NATIVE_WORKER_FFPROBE", PROGRAM, "ffprobe",
        "The encoder's probe.";
    STALL_MS = "NATIVE_WORKER_STALL_MS", MS, "60000",
        "An encoder that makes no progress for this long is ended, and the job is tried again.";
    LOG = "NATIVE_WORKER_LOG", "a level or a filter such as info,native_worker=debug", "info",
        "What is logged, to stderr.";
    LOG_FORMAT = "NATIVE_WORKER_LOG_FORMAT", "text or json", "text",
        "How it is written.";
    IMAGE_MEMORY_MAX_BYTES = "NATIVE_WORKER_IMAGE_MEMORY_MAX_BYTES", BYTES, "4294967296",
        "What decoding one picture may take of the memory; larger ones are refused.";
}

/// The settings, for people.
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
