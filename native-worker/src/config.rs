//! [`Config`]: the values of the settings in [`crate::setting`]. An unknown setting is an error, so that a typing error does
//! not silently select a default.

use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::Url;
use serde::Deserialize;

use crate::error::Error;
use crate::secret::Secret;
use crate::setting::{self, PREFIX, SETTINGS, Setting};

/// Format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Lines of text.
    Text,
    /// One JSON object per line.
    Json,
}

/// Access to the buckets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketsConfig {
    /// S3 endpoint, with a trailing slash.
    pub endpoint: String,
    /// S3 region.
    pub region: String,
    /// S3 access key ID.
    pub access_key_id: String,
    /// S3 secret access key.
    pub secret_access_key: Secret,
    /// Bucket of originals and private outputs.
    pub raw: String,
    /// Bucket of public outputs.
    pub public: String,
}

/// The values of all settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// URL of the queue, without a trailing slash.
    pub queue_url: String,
    /// URL of the API, without `/v1` and without a trailing slash.
    pub api_url: String,
    /// Token of this worker.
    pub token: Secret,
    /// Id of this worker: the `sub` of its token.
    pub worker_id: String,
    /// The buckets.
    pub buckets: BucketsConfig,
    /// Jobs that run at the same time.
    pub slots: u32,
    /// Folder in which every attempt gets a folder of its own.
    pub scratch: PathBuf,
    /// Free bytes that the scratch folder must keep, besides the original of a job.
    pub scratch_free_min_bytes: u64,
    /// Bytes of memory that must be available for the worker to take a job.
    pub memory_free_min_bytes: u64,
    /// How long running jobs may continue after a signal.
    pub drain: Duration,
    /// Address of the operations endpoints.
    pub addr: SocketAddr,
    /// The ffmpeg program.
    pub ffmpeg: PathBuf,
    /// The ffprobe program.
    pub ffprobe: PathBuf,
    /// How long an encoder may run without progress.
    pub stall: Duration,
    /// Filter of the log.
    pub log: String,
    /// Format of the log.
    pub log_format: LogFormat,
    /// Bytes of memory that decoding one image may use.
    pub image_memory_max_bytes: u64,
    /// The program that starts children in their sandbox: the worker itself. Not a setting.
    pub launcher: PathBuf,
}

impl Config {
    /// Reads the settings among `variables`. Variables of other programs are ignored.
    ///
    /// # Errors
    ///
    /// If a setting is unknown, missing or invalid, or a file that a setting names cannot be read.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Error> {
        let set = Set::of(variables)?;
        set.check_required()?;
        let queue_url = set.url(setting::QUEUE_URL)?;
        let api_url = match set.value(setting::API_URL) {
            Some(_) => set.url(setting::API_URL)?,
            None => origin(&queue_url).ok_or_else(|| invalid(setting::QUEUE_URL))?,
        };
        let token = set.secret(setting::TOKEN, setting::TOKEN_FILE)?;
        let worker_id = subject(&token).ok_or_else(|| invalid(setting::TOKEN))?;
        Ok(Self {
            queue_url,
            api_url,
            token: Secret::new(token),
            worker_id,
            buckets: set.buckets()?,
            slots: match set.value(setting::SLOTS) {
                Some(_) => set.slots()?,
                None => default_slots(),
            },
            scratch: set.value(setting::SCRATCH).map_or_else(
                || std::env::temp_dir().join("ferrotype-native-worker"),
                PathBuf::from,
            ),
            scratch_free_min_bytes: set.parse(setting::SCRATCH_FREE_MIN_BYTES)?,
            memory_free_min_bytes: set.parse(setting::MEMORY_FREE_MIN_BYTES)?,
            drain: Duration::from_millis(set.parse(setting::DRAIN_MS)?),
            addr: set.parse(setting::ADDR)?,
            ffmpeg: set.text(setting::FFMPEG).into(),
            ffprobe: set.text(setting::FFPROBE).into(),
            stall: Duration::from_millis(set.parse(setting::STALL_MS)?),
            log: set.text(setting::LOG).to_owned(),
            log_format: match set.text(setting::LOG_FORMAT) {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err(invalid(setting::LOG_FORMAT)),
            },
            image_memory_max_bytes: set.parse(setting::IMAGE_MEMORY_MAX_BYTES)?,
            // This works even after the file of the program was replaced.
            launcher: PathBuf::from("/proc/self/exe"),
        })
    }
}

/// Settings that may also be given as a file.
const FROM_FILES: [(Setting, Setting); 3] = [
    (setting::TOKEN, setting::TOKEN_FILE),
    (setting::S3_ACCESS_KEY_ID, setting::S3_ACCESS_KEY_ID_FILE),
    (
        setting::S3_SECRET_ACCESS_KEY,
        setting::S3_SECRET_ACCESS_KEY_FILE,
    ),
];

/// The settings of the environment.
struct Set(Vec<(String, String)>);

impl Set {
    fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Self, Error> {
        let text = |part: OsString| part.to_string_lossy().into_owned();
        let ours: Vec<(String, String)> = variables
            .into_iter()
            .map(|(name, value)| (text(name), text(value)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let mut unknown: Vec<String> = ours
            .iter()
            .map(|(name, _)| name)
            .filter(|name| SETTINGS.iter().all(|setting| setting.name != *name))
            .cloned()
            .collect();
        if unknown.is_empty() {
            return Ok(Self(ours));
        }
        unknown.sort();
        Err(Error::SettingsUnknown(unknown))
    }

    /// Names all missing settings at once.
    fn check_required(&self) -> Result<(), Error> {
        let is_set = |setting: &Setting| {
            self.value(*setting).is_some()
                || FROM_FILES
                    .iter()
                    .any(|(text, file)| text.name == setting.name && self.value(*file).is_some())
        };
        let missing: Vec<&'static str> = SETTINGS
            .iter()
            .filter(|setting| setting.default == setting::REQUIRED && !is_set(setting))
            .map(|setting| setting.name)
            .collect();
        if missing.is_empty() {
            Ok(())
        } else {
            Err(Error::SettingsMissing(missing))
        }
    }

    fn value(&self, setting: Setting) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name == setting.name)
            .map(|(_, value)| value.as_str())
    }

    fn text(&self, setting: Setting) -> &str {
        self.value(setting).unwrap_or(setting.default)
    }

    fn parse<T: FromStr>(&self, setting: Setting) -> Result<T, Error> {
        self.text(setting).parse().map_err(|_| invalid(setting))
    }

    fn slots(&self) -> Result<u32, Error> {
        let slots = self.parse(setting::SLOTS)?;
        if (1..=64).contains(&slots) {
            Ok(slots)
        } else {
            Err(invalid(setting::SLOTS))
        }
    }

    /// A URL, without a trailing slash.
    fn url(&self, setting: Setting) -> Result<String, Error> {
        let text = self.text(setting);
        let url = Url::parse(text).map_err(|_| invalid(setting))?;
        if matches!(url.scheme(), "http" | "https") && url.has_host() {
            Ok(text.trim_end_matches('/').to_owned())
        } else {
            Err(invalid(setting))
        }
    }

    fn secret(&self, text: Setting, file: Setting) -> Result<String, Error> {
        match (self.value(text), self.value(file)) {
            (Some(_), Some(_)) => Err(Error::SettingTwice(text.name, file.name)),
            (Some(value), None) => Ok(value.to_owned()),
            (None, Some(path)) => std::fs::read_to_string(path)
                .map(|value| value.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|source| Error::SettingFile(file.name, source)),
            (None, None) => Err(Error::SettingsMissing(vec![text.name])),
        }
    }

    fn buckets(&self) -> Result<BucketsConfig, Error> {
        Ok(BucketsConfig {
            // Trap: if the endpoint has a path, the SDK joins it with the bucket's name without adding a slash.
            endpoint: format!("{}/", self.url(setting::S3_ENDPOINT)?),
            region: self.text(setting::S3_REGION).to_owned(),
            access_key_id: self
                .secret(setting::S3_ACCESS_KEY_ID, setting::S3_ACCESS_KEY_ID_FILE)?,
            secret_access_key: Secret::new(self.secret(
                setting::S3_SECRET_ACCESS_KEY,
                setting::S3_SECRET_ACCESS_KEY_FILE,
            )?),
            raw: self.text(setting::RAW_BUCKET).to_owned(),
            public: self.text(setting::PUBLIC_BUCKET).to_owned(),
        })
    }
}

const fn invalid(setting: Setting) -> Error {
    let Setting { name, form, .. } = setting;
    Error::SettingInvalid { name, form }
}

fn origin(url: &str) -> Option<String> {
    let origin = Url::parse(url).ok()?.origin();
    origin.is_tuple().then(|| origin.ascii_serialization())
}

/// The `sub` of a token. The signature is not checked here: only the edge needs to trust the token.
fn subject(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Claims {
        sub: String,
    }
    let payload = token.split('.').nth(1)?;
    let claims = URL_SAFE_NO_PAD.decode(payload).ok()?;
    let Claims { sub } = serde_json::from_slice(&claims).ok()?;
    (!sub.is_empty()).then_some(sub)
}

fn default_slots() -> u32 {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    u32::try_from(cores / 2).map_or(64, |slots| slots.clamp(1, 64))
}
