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
use tracing_subscriber::EnvFilter;

use crate::error::{Error, SettingFault};
use crate::secret::Secret;
use crate::setting::{self, PREFIX, REQUIRED, SETTINGS, Setting};

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
    /// If settings are unknown, missing or invalid, or files that they name cannot be read. The error names all of them.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Error> {
        let mut reader = Reader::new(variables);
        match (Self::read(&mut reader), reader.faults) {
            (Some(config), faults) if faults.is_empty() => Ok(config),
            (_, faults) => Err(Error::Settings(faults)),
        }
    }

    /// `None` if there is a fault. All settings are read before that is known, so that all faults are found.
    fn read(reader: &mut Reader) -> Option<Self> {
        let queue_url = reader.url(setting::QUEUE_URL);
        let api_url = match reader.value(setting::API_URL) {
            Some(_) => reader.url(setting::API_URL),
            None => queue_url.as_deref().and_then(origin),
        };
        let token = reader.secret(setting::TOKEN, setting::TOKEN_FILE);
        let worker_id = token.as_ref().and_then(|token| {
            let id = subject(token.expose());
            reader.checked(setting::TOKEN, id)
        });
        let buckets = reader.buckets();
        let slots = reader.slots();
        let scratch_free_min_bytes = reader.parse(setting::SCRATCH_FREE_MIN_BYTES);
        let memory_free_min_bytes = reader.parse(setting::MEMORY_FREE_MIN_BYTES);
        let drain = reader.parse(setting::DRAIN_MS);
        let addr = reader.parse(setting::ADDR);
        let stall = reader.parse(setting::STALL_MS);
        let log = reader.text(setting::LOG).to_owned();
        let log = reader.checked(
            setting::LOG,
            EnvFilter::try_new(&log).is_ok().then_some(log),
        );
        let log_format = LogFormat::parse(reader.text(setting::LOG_FORMAT));
        let log_format = reader.checked(setting::LOG_FORMAT, log_format);
        let image_memory_max_bytes = reader.parse(setting::IMAGE_MEMORY_MAX_BYTES);
        let temporary = || std::env::temp_dir().join("ferrotype-native-worker");
        let scratch = reader.value(setting::SCRATCH);
        Some(Self {
            queue_url: queue_url?,
            api_url: api_url?,
            token: token?,
            worker_id: worker_id?,
            buckets: buckets?,
            slots: slots?,
            scratch: scratch.map_or_else(temporary, PathBuf::from),
            scratch_free_min_bytes: scratch_free_min_bytes?,
            memory_free_min_bytes: memory_free_min_bytes?,
            drain: Duration::from_millis(drain?),
            addr: addr?,
            ffmpeg: reader.text(setting::FFMPEG).into(),
            ffprobe: reader.text(setting::FFPROBE).into(),
            stall: Duration::from_millis(stall?),
            log: log?,
            log_format: log_format?,
            image_memory_max_bytes: image_memory_max_bytes?,
            // This works even after the file of the program was replaced.
            launcher: PathBuf::from("/proc/self/exe"),
        })
    }
}

impl LogFormat {
    fn parse(text: &str) -> Option<Self> {
        match text {
            "text" => Some(Self::Text),
            "json" => Some(Self::Json),
            _ => None,
        }
    }
}

/// Reads settings and collects their faults.
struct Reader {
    /// The settings of the environment: name and value.
    set: Vec<(String, String)>,
    faults: Vec<SettingFault>,
}

impl Reader {
    fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let text = |part: OsString| part.to_string_lossy().into_owned();
        let set: Vec<(String, String)> = variables
            .into_iter()
            .map(|(name, value)| (text(name), text(value)))
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let is_known = |name: &str| SETTINGS.iter().any(|setting| setting.name == name);
        let mut unknown: Vec<String> = set
            .iter()
            .map(|(name, _)| name.clone())
            .filter(|name| !is_known(name))
            .collect();
        unknown.sort();
        let faults = unknown.into_iter().map(SettingFault::Unknown).collect();
        Self { set, faults }
    }

    fn value(&self, setting: Setting) -> Option<&str> {
        self.set
            .iter()
            .find(|(name, _)| name == setting.name)
            .map(|(_, value)| value.as_str())
    }

    fn text(&self, setting: Setting) -> &str {
        self.value(setting).unwrap_or(setting.default)
    }

    /// The value of a setting, or a fault if it is required and not set.
    fn required(&mut self, setting: Setting) -> Option<String> {
        match self.value(setting) {
            None if setting.default == REQUIRED => {
                self.faults.push(SettingFault::Missing(setting.name));
                None
            }
            value => Some(value.unwrap_or(setting.default).to_owned()),
        }
    }

    /// Adds a fault if the value of a setting is invalid, which `None` means.
    fn checked<T>(&mut self, setting: Setting, value: Option<T>) -> Option<T> {
        if value.is_none() {
            let Setting { name, form, .. } = setting;
            self.faults.push(SettingFault::Invalid { name, form });
        }
        value
    }

    fn parse<T: FromStr>(&mut self, setting: Setting) -> Option<T> {
        let value = self.text(setting).parse().ok();
        self.checked(setting, value)
    }

    fn slots(&mut self) -> Option<u32> {
        let Some(text) = self.value(setting::SLOTS) else {
            return Some(default_slots());
        };
        let slots = text.parse().ok().filter(|slots| (1..=64).contains(slots));
        self.checked(setting::SLOTS, slots)
    }

    /// A URL, without a trailing slash.
    fn url(&mut self, setting: Setting) -> Option<String> {
        let text = self.required(setting)?;
        // Errors and logs show URLs, so they must hold no secrets.
        let is_plain = |url: &Url| url.username().is_empty() && url.password().is_none();
        let is_http = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
        let url = Url::parse(&text).ok();
        let url = url.filter(|url| is_http(url) && is_plain(url));
        let url = url.map(|_| text.trim_end_matches('/').to_owned());
        self.checked(setting, url)
    }

    fn secret(&mut self, text: Setting, file: Setting) -> Option<Secret> {
        let secret = match (self.value(text), self.value(file)) {
            (Some(_), Some(_)) => Err(SettingFault::Twice(text.name, file.name)),
            (Some(value), None) => Ok(value.to_owned()),
            (None, Some(path)) => std::fs::read_to_string(path)
                .map(|value| value.trim_end_matches(['\r', '\n']).to_owned())
                .map_err(|source| SettingFault::File {
                    name: file.name,
                    path: path.into(),
                    source,
                }),
            (None, None) => Err(SettingFault::MissingSecret(text.name, file.name)),
        };
        match secret {
            Ok(secret) => Some(Secret::new(secret)),
            Err(fault) => {
                self.faults.push(fault);
                None
            }
        }
    }

    fn buckets(&mut self) -> Option<BucketsConfig> {
        let endpoint = self.url(setting::S3_ENDPOINT);
        let id = self.secret(setting::S3_ACCESS_KEY_ID, setting::S3_ACCESS_KEY_ID_FILE);
        let key = self.secret(
            setting::S3_SECRET_ACCESS_KEY,
            setting::S3_SECRET_ACCESS_KEY_FILE,
        );
        Some(BucketsConfig {
            // Trap: if the endpoint has a path, the SDK joins it with the bucket's name without adding a slash.
            endpoint: format!("{}/", endpoint?),
            region: self.text(setting::S3_REGION).to_owned(),
            access_key_id: id?.expose().to_owned(),
            secret_access_key: key?,
            raw: self.text(setting::RAW_BUCKET).to_owned(),
            public: self.text(setting::PUBLIC_BUCKET).to_owned(),
        })
    }
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
