//! Settings, from variables as the environment holds them.

use std::ffi::OsString;
use std::time::Duration;

use native_worker::config::{Config, SETTINGS, help};

fn config(variables: &[(&str, &str)]) -> Result<Config, String> {
    let variables = variables
        .iter()
        .map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Config::from_variables(variables).map_err(|error| error.to_string())
}

#[test]
fn defaults() {
    let expected = Config {
        addr: "127.0.0.1:8788".parse().unwrap(),
        drain: Duration::from_secs(5),
    };
    assert_eq!(config(&[]), Ok(expected.clone()));
    assert_eq!(config(&[("PATH", "/bin"), ("NATIVE", "x")]), Ok(expected));
}

#[test]
fn values() {
    let expected = Config {
        addr: "[::1]:0".parse().unwrap(),
        drain: Duration::from_millis(250),
    };
    let set = [
        ("NATIVE_WORKER_ADDR", "[::1]:0"),
        ("NATIVE_WORKER_DRAIN_MS", "250"),
    ];
    assert_eq!(config(&set), Ok(expected));
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
            "unknown settings NATIVE_WORKER_ADDRESS, NATIVE_WORKER_PORT; see native-worker --help"
                .to_owned()
        )
    );
}

#[test]
fn wrong_values_are_refused() {
    for value in ["", "localhost:1", "127.0.0.1", "127.0.0.1:65536"] {
        let error = config(&[("NATIVE_WORKER_ADDR", value)]).unwrap_err();
        assert!(
            error.starts_with("the setting NATIVE_WORKER_ADDR must be an address"),
            "{error}"
        );
    }
    for value in ["", "-1", "1.5", "5s"] {
        let error = config(&[("NATIVE_WORKER_DRAIN_MS", value)]).unwrap_err();
        assert!(
            error.starts_with("the setting NATIVE_WORKER_DRAIN_MS must be"),
            "{error}"
        );
    }
}

#[test]
fn help_tells_every_setting() {
    for setting in SETTINGS {
        for part in [setting.name, setting.form, setting.default, setting.doc] {
            assert!(help().contains(part), "{part}");
        }
        assert!(config(&[(setting.name, setting.default)]).is_ok());
    }
}
