//! Settings: variables and secrets of the script, read once per isolate. `wrangler.toml` documents each.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};
use shared::asset::limit::SizeLimits;
use shared::auth::TokenPolicy;
use shared::image;
use shared::job;
use shared::sign::path_token::{
    PATH_TOKEN_TTL_MAX_S, PATH_TOKEN_TTL_MIN_S, PATH_TOKEN_TTL_S, PathTokens,
};
use shared::sign::s3::Signer;
use shared::video::Preset;
use worker::Env;

use crate::error::{Error, Result};

/// All settings.
#[derive(Debug)]
pub(crate) struct Config {
    /// Start of the URLs in responses, without a trailing slash.
    pub(crate) public_url: String,
    /// Start of the URLs of public outputs, without a trailing slash.
    pub(crate) media_url: String,
    /// Signer of URLs into the raw bucket.
    pub(crate) raw: Signer,
    /// Which API tokens are accepted.
    pub(crate) tokens: TokenPolicy,
    /// Which event tickets are accepted. Tickets are tokens for another audience, so neither can be used as the other.
    pub(crate) tickets: TokenPolicy,
    /// Signs and verifies the path tokens of private outputs.
    pub(crate) path_tokens: PathTokens,
    /// How long the URLs of private files are valid unless a caller chooses otherwise, in seconds.
    pub(crate) private_url_ttl_s: u32,
    /// Origins whose pages may call the API.
    pub(crate) cors: Cors,
    /// Largest upload of each kind, by tenant.
    pub(crate) size_limits: SizeLimits,
    /// Largest image, in pixels.
    pub(crate) pixels_max: u64,
    /// Most memory of one decode at the edge, as estimated before it starts, in bytes.
    pub(crate) memory_max_bytes: u64,
    /// Duration of the lease of a job.
    pub(crate) lease_ms: u64,
    /// Whether there are native workers. Without them, everything that the edge cannot process is refused.
    pub(crate) has_native_workers: bool,
    /// Presets for video and audio, by tenant.
    pub(crate) video_presets: Presets,
    /// Identifies this start of a development stack; empty in production.
    pub(crate) nonce: String,
    /// Faults that tests inject.
    pub(crate) faults: Faults,
}

/// Presets by tenant. `*` is the preset of all tenants without one of their own.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Presets(BTreeMap<String, Map<String, Value>>);

impl Presets {
    fn parse(text: &str) -> Result<Self> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let presets: BTreeMap<String, Map<String, Value>> = shared::json::read(text.as_bytes())
            .map_err(|error| Error::internal(format!("VIDEO_PRESETS: {error}")))?;
        for (tenant, preset) in &presets {
            // Checked here, so that a mistake shows at the first request and not as a failure of every job of the tenant.
            Preset::parse(&serde_json::to_string(preset)?).map_err(|error| {
                Error::internal(format!("VIDEO_PRESETS, tenant {tenant}: {error}"))
            })?;
        }
        Ok(Self(presets))
    }

    /// The preset of `tenant`. An empty one selects the default of the worker.
    pub(crate) fn of(&self, tenant: &str) -> Map<String, Value> {
        let preset = self.0.get(tenant).or_else(|| self.0.get("*"));
        preset.cloned().unwrap_or_default()
    }
}

/// Origins whose pages may read responses.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Cors {
    /// Every origin.
    Any,
    /// Only these; none when the list is empty.
    Origins(Vec<String>),
}

/// Faults that tests inject by the variable `FAULTS`: words separated by commas. Never set it in production.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    /// `queue_drop`: half of the messages, chosen at random, are lost.
    pub(crate) queue_drop: bool,
    /// `queue_double`: every message is sent twice.
    pub(crate) queue_double: bool,
    /// `queue_shuffle`: messages are delayed by 0–2 s, so that they arrive out of order.
    pub(crate) queue_shuffle: bool,
    /// `trap_size=N`: the codec traps on originals of exactly N bytes.
    pub(crate) trap_size_bytes: Option<u64>,
}

impl Faults {
    fn parse(text: &str) -> Result<Self> {
        let mut faults = Self::default();
        for word in text
            .split(',')
            .map(str::trim)
            .filter(|word| !word.is_empty())
        {
            match word.split_once('=') {
                None if word == "queue_drop" => faults.queue_drop = true,
                None if word == "queue_double" => faults.queue_double = true,
                None if word == "queue_shuffle" => faults.queue_shuffle = true,
                Some(("trap_size", size)) => faults.trap_size_bytes = size.parse().ok(),
                None | Some(_) => {
                    return Err(Error::internal(format!(
                        "FAULTS contains the unknown word {word}"
                    )));
                }
            }
        }
        Ok(faults)
    }
}

thread_local! {
    static CONFIG: RefCell<Option<Rc<Config>>> = const { RefCell::new(None) };
}

impl Config {
    /// The configuration of this isolate.
    ///
    /// # Errors
    /// When a setting is missing or invalid; the error names it.
    pub(crate) fn of(env: &Env) -> Result<Rc<Self>> {
        CONFIG.with_borrow_mut(|cached| {
            if let Some(config) = cached {
                return Ok(Rc::clone(config));
            }
            let config = Rc::new(Self::load(env)?);
            *cached = Some(Rc::clone(&config));
            Ok(config)
        })
    }

    fn load(env: &Env) -> Result<Self> {
        let public_url = required(env, "PUBLIC_URL")?
            .trim_end_matches('/')
            .to_owned();
        let cdn = optional(env, "CDN_BASE_URL")
            .trim_end_matches('/')
            .to_owned();
        let secret = required(env, "JWT_SECRET")?;
        let issuer = required(env, "JWT_ISSUER")?;
        let audience = required(env, "JWT_AUDIENCE")?;
        let raw = Signer::new(
            &required(env, "S3_ENDPOINT")?,
            &required(env, "RAW_BUCKET_NAME")?,
            &required(env, "S3_ACCESS_KEY_ID")?,
            &required(env, "S3_SECRET_ACCESS_KEY")?,
        );
        let origins = optional(env, "CORS_ORIGINS");
        Ok(Self {
            media_url: if cdn.is_empty() {
                format!("{public_url}/media")
            } else {
                cdn
            },
            public_url,
            raw: raw.map_err(|error| {
                Error::internal(format!("S3_ENDPOINT or RAW_BUCKET_NAME: {error}"))
            })?,
            tokens: TokenPolicy::new(secret.as_bytes(), &issuer, &audience),
            tickets: TokenPolicy::new(secret.as_bytes(), &issuer, "ferrotype-event-ticket"),
            path_tokens: PathTokens::new(secret.as_bytes())
                .ok_or_else(|| Error::internal("JWT_SECRET cannot be used as a key"))?,
            private_url_ttl_s: private_url_ttl(&optional(env, "PRIVATE_URL_TTL_S"))?,
            cors: if origins.trim() == "*" {
                Cors::Any
            } else {
                Cors::Origins(
                    origins
                        .split(',')
                        .map(|origin| origin.trim().to_owned())
                        .filter(|origin| !origin.is_empty())
                        .collect(),
                )
            },
            size_limits: SizeLimits::parse(&optional(env, "SIZE_LIMITS"))
                .map_err(|error| Error::internal(format!("SIZE_LIMITS: {error}")))?,
            pixels_max: number(env, "PIXELS_MAX", image::PIXELS_MAX)?,
            memory_max_bytes: number(env, "IMAGE_MEMORY_MAX_BYTES", image::EDGE_MEMORY_MAX_BYTES)?,
            lease_ms: number(env, "LEASE_MS", job::IMAGE_LEASE_MS)?,
            has_native_workers: switch(env, "NATIVE_WORKERS", true)?,
            video_presets: Presets::parse(&optional(env, "VIDEO_PRESETS"))?,
            nonce: optional(env, "NONCE"),
            faults: Faults::parse(&optional(env, "FAULTS"))?,
        })
    }
}

fn optional(env: &Env, name: &str) -> String {
    env.var(name)
        .map(|value| value.to_string())
        .unwrap_or_default()
}

fn required(env: &Env, name: &str) -> Result<String> {
    match optional(env, name) {
        value if value.is_empty() => Err(Error::internal(format!("the setting {name} is missing"))),
        value => Ok(value),
    }
}

fn number(env: &Env, name: &str, default: u64) -> Result<u64> {
    match optional(env, name) {
        value if value.is_empty() => Ok(default),
        value => value
            .parse()
            .map_err(|_| Error::internal(format!("the setting {name} must be an integer"))),
    }
}

/// The value of `PRIVATE_URL_TTL_S`; the default when it is empty.
fn private_url_ttl(text: &str) -> Result<u32> {
    if text.is_empty() {
        return Ok(PATH_TOKEN_TTL_S);
    }
    let accepted = PATH_TOKEN_TTL_MIN_S..=PATH_TOKEN_TTL_MAX_S;
    let seconds = text.parse().ok().filter(|ttl_s| accepted.contains(ttl_s));
    seconds.ok_or_else(|| {
        Error::internal(format!(
            "the setting PRIVATE_URL_TTL_S must be an integer from {PATH_TOKEN_TTL_MIN_S} to {PATH_TOKEN_TTL_MAX_S}"
        ))
    })
}

fn switch(env: &Env, name: &str, default: bool) -> Result<bool> {
    match optional(env, name).as_str() {
        "" => Ok(default),
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Error::internal(format!(
            "the setting {name} must be on or off"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Faults, Presets, private_url_ttl};

    #[test]
    fn a_tenant_without_a_preset_gets_that_of_all() {
        let presets = Presets::parse(r#"{"acme": {"fps_max": 30}, "*": {"speed": "fast"}}"#)
            .expect("presets");
        assert_eq!(presets.of("acme")["fps_max"], 30);
        assert_eq!(presets.of("other")["speed"], "fast");
        assert!(!presets.of("acme").contains_key("speed"));
        assert!(Presets::parse("{}").expect("none").of("acme").is_empty());
        assert!(Presets::parse("").expect("unset").of("acme").is_empty());
        for wrong in [
            "[]",
            r#"{"acme": 1}"#,
            r#"{"acme": {"surprise": 1}}"#,
            r#"{"acme": {"fps_max": 0}}"#,
            "nonsense",
        ] {
            assert!(Presets::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn private_urls_live_from_a_minute_to_a_week() {
        for (text, expected) in [
            ("", Some(43_200)),
            ("60", Some(60)),
            ("604800", Some(604_800)),
            ("59", None),
            ("604801", None),
            ("12h", None),
            ("-60", None),
        ] {
            assert_eq!(private_url_ttl(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn faults_are_words() {
        let faults = Faults::parse("queue_drop, trap_size=12").expect("known words");
        assert!(faults.queue_drop && !faults.queue_double);
        assert_eq!(faults.trap_size_bytes, Some(12));
        assert_eq!(Faults::parse("").expect("nothing"), Faults::default());
        assert!(Faults::parse("surprise").is_err());
    }
}
