//! Settings, from environment variables.

use std::ffi::OsString;
use std::time::Duration;

use native_worker::config::{Config, LogFormat};
use native_worker::setting::{REQUIRED, SETTINGS, Setting, help};

use crate::sample::{REQUIRED_SETTINGS, TOKEN};

fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = REQUIRED_SETTINGS
        .iter()
        .filter(|(name, _)| variables.iter().all(|(other, _)| other != name))
        .chain(variables)
        .filter(|(_, value)| *value != UNSET)
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::from_variables(variables).map_err(|error| error.to_string())
}

/// Value of a variable that is not set.
const UNSET: &str = "\0";

#[test]
fn defaults() {
    let config = config(&[("PATH", "/bin"), ("NATIVE", "x")]).unwrap();
    assert_eq!(config.queue_url, "http://127.0.0.1:9/v1/queues/media-jobs");
    assert_eq!(config.api_url, "http://127.0.0.1:9");
    assert_eq!(config.worker_id, "worker-1");
    assert_eq!(config.token.expose(), TOKEN);
    assert_eq!(config.buckets.endpoint, "http://127.0.0.1:9/s3/");
    assert_eq!(config.buckets.region, "auto");
    assert_eq!(config.buckets.raw, "ferrotype-raw");
    assert_eq!(config.buckets.public, "ferrotype-public");
    assert!((1..=64).contains(&config.slots));
    let root = std::env::temp_dir().join("ferrotype-native-worker");
    assert_eq!(config.scratch, root);
    assert_eq!(config.drain, Duration::from_secs(90));
    assert_eq!(config.stall, Duration::from_mins(1));
    assert_eq!(config.addr.to_string(), "127.0.0.1:8788");
    assert_eq!(config.ffmpeg.to_string_lossy(), "ffmpeg");
    assert_eq!(config.log_format, LogFormat::Text);
    assert_eq!(config.image_memory_max_bytes, 4 << 30);
}

#[test]
fn values() {
    let config = config(&[
        ("NATIVE_WORKER_ADDR", "[::1]:0"),
        ("NATIVE_WORKER_DRAIN_MS", "250"),
        ("NATIVE_WORKER_API_URL", "https://api.example.com/media/"),
        ("NATIVE_WORKER_S3_ENDPOINT", "https://s3.example.com/"),
        ("NATIVE_WORKER_SLOTS", "3"),
        ("NATIVE_WORKER_LOG_FORMAT", "json"),
    ]);
    let config = config.unwrap();
    assert_eq!(config.addr.to_string(), "[::1]:0");
    assert_eq!(config.drain, Duration::from_millis(250));
    assert_eq!(config.api_url, "https://api.example.com/media");
    assert_eq!(config.buckets.endpoint, "https://s3.example.com/");
    assert_eq!((config.slots, config.log_format), (3, LogFormat::Json));
}

#[test]
fn missing_settings_are_all_named() {
    let unset: Vec<(&str, &str)> = REQUIRED_SETTINGS
        .iter()
        .map(|(name, _)| (*name, UNSET))
        .collect();
    assert_eq!(
        config(&unset),
        Err("invalid settings:\n  \
             NATIVE_WORKER_QUEUE_URL is required\n  \
             NATIVE_WORKER_TOKEN or NATIVE_WORKER_TOKEN_FILE is required\n  \
             NATIVE_WORKER_S3_ENDPOINT is required\n  \
             NATIVE_WORKER_S3_ACCESS_KEY_ID or NATIVE_WORKER_S3_ACCESS_KEY_ID_FILE is required\n  \
             NATIVE_WORKER_S3_SECRET_ACCESS_KEY or NATIVE_WORKER_S3_SECRET_ACCESS_KEY_FILE is required\n\
             See native-worker --help."
            .to_owned())
    );
}

#[test]
fn secrets_can_come_from_files() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    let path = file.path().to_str().unwrap();
    let from_file = [
        ("NATIVE_WORKER_TOKEN", UNSET),
        ("NATIVE_WORKER_TOKEN_FILE", path),
    ];
    assert_eq!(config(&from_file).unwrap().token.expose(), TOKEN);
    let twice = config(&[("NATIVE_WORKER_TOKEN_FILE", path)]).unwrap_err();
    assert!(twice.contains("both set"), "{twice}");
    let nowhere = [
        ("NATIVE_WORKER_TOKEN", UNSET),
        ("NATIVE_WORKER_TOKEN_FILE", "/nowhere"),
    ];
    let error = config(&nowhere).unwrap_err();
    let expected =
        "NATIVE_WORKER_TOKEN_FILE: cannot read /nowhere: No such file or directory (os error 2)\n";
    assert!(error.contains(expected), "{error}");
}

#[test]
fn secrets_are_not_shown() {
    let shown = format!("{:?}", config(&[]).unwrap());
    assert!(
        !shown.contains(TOKEN) && !shown.contains("s3-secret"),
        "{shown}"
    );
    let error = config(&[("NATIVE_WORKER_TOKEN", "my-secret")]).unwrap_err();
    assert!(!error.contains("my-secret"), "{error}");
    assert!(error.contains("NATIVE_WORKER_TOKEN must be"), "{error}");
}

#[test]
fn unknown_settings_are_named() {
    let set = [
        ("NATIVE_WORKER_PORT", "1"),
        ("NATIVE_WORKER_ADDR", "127.0.0.1:1"),
        ("NATIVE_WORKER_ADDRESS", "x"),
    ];
    assert_eq!(
        config(&set),
        Err(
            "invalid settings:\n  NATIVE_WORKER_ADDRESS is unknown\n  NATIVE_WORKER_PORT is unknown\n\
             See native-worker --help."
                .to_owned()
        )
    );
}

#[test]
fn all_faults_are_reported_at_once() {
    let faults = [
        ("NATIVE_WORKER_ADDRESS", "x"),
        ("NATIVE_WORKER_QUEUE_URL", "media-jobs"),
        ("NATIVE_WORKER_TOKEN_FILE", "/nowhere"),
        ("NATIVE_WORKER_S3_ENDPOINT", UNSET),
        ("NATIVE_WORKER_S3_ACCESS_KEY_ID", UNSET),
        ("NATIVE_WORKER_S3_ACCESS_KEY_ID_FILE", "/nowhere/id"),
        ("NATIVE_WORKER_SLOTS", "many"),
        ("NATIVE_WORKER_LOG", "info,=loud"),
        ("NATIVE_WORKER_LOG_FORMAT", "yaml"),
    ];
    assert_eq!(
        config(&faults),
        Err("invalid settings:\n  \
             NATIVE_WORKER_ADDRESS is unknown\n  \
             NATIVE_WORKER_QUEUE_URL must be an http or https URL without credentials\n  \
             NATIVE_WORKER_TOKEN and NATIVE_WORKER_TOKEN_FILE are both set; set only one of them\n  \
             NATIVE_WORKER_S3_ENDPOINT is required\n  \
             NATIVE_WORKER_S3_ACCESS_KEY_ID_FILE: cannot read /nowhere/id: No such file or directory (os error 2)\n  \
             NATIVE_WORKER_SLOTS must be an integer from 1 to 64\n  \
             NATIVE_WORKER_LOG must be a level or a filter such as info,native_worker=debug\n  \
             NATIVE_WORKER_LOG_FORMAT must be text or json\n\
             See native-worker --help."
            .to_owned())
    );
}

#[test]
fn wrong_values_are_refused() {
    let wrong: [(&str, &[&str]); 6] = [
        (
            "NATIVE_WORKER_ADDR",
            &["", "localhost:1", "127.0.0.1", "127.0.0.1:65536"],
        ),
        ("NATIVE_WORKER_DRAIN_MS", &["", "-1", "1.5", "5s"]),
        (
            "NATIVE_WORKER_QUEUE_URL",
            &[
                "",
                "media-jobs",
                "ftp://x/y",
                "http://",
                "http://user:password@x/y",
            ],
        ),
        ("NATIVE_WORKER_SLOTS", &["0", "65", "-1", "many"]),
        ("NATIVE_WORKER_LOG_FORMAT", &["", "JSON", "yaml"]),
        ("NATIVE_WORKER_TOKEN", &["", "a.b.c", "a.e30.c"]),
    ];
    for (name, values) in wrong {
        for value in values {
            let error = config(&[(name, value)]).unwrap_err();
            let expected = format!("invalid settings:\n  {name} must be ");
            assert!(error.starts_with(&expected), "{value:?}: {error}");
            assert_eq!(error.lines().count(), 3, "{value:?}: {error}");
        }
    }
}

#[test]
fn help_shows_every_setting() {
    for setting in SETTINGS {
        for part in [setting.name, setting.form, setting.doc] {
            assert!(help().contains(part), "{part}");
        }
        let line = format!("; default: {}\n", setting.default);
        let is_shown = help().contains(&line) || matches!(setting.default, REQUIRED | "not set");
        assert!(is_shown, "{line}");
    }
}

#[test]
fn the_readme_has_every_setting() {
    let readme = include_str!("../../README.md");
    for Setting {
        name,
        form,
        default,
        doc,
    } in SETTINGS
    {
        let (first, rest) = form.split_at(1);
        let form = first.to_uppercase() + rest;
        let default = match *default {
            REQUIRED => "**required**",
            "not set" => "",
            value => value,
        };
        let row = format!("| `{name}` | {doc} {form}. | {default} |\n");
        assert!(readme.contains(&row), "{row}");
    }
}
