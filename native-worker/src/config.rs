//! Settings: environment variables that begin with `NATIVE_WORKER_`, all optional. An unknown one is an error, so that a
//! typing error cannot pass for a default.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use crate::error::Error;

/// First part of every setting's name.
const PREFIX: &str = "NATIVE_WORKER_";

/// One setting, as `--help` shows it.
#[derive(Debug, Clone, Copy)]
pub struct Setting {
    /// Name of the variable.
    pub name: &'static str,
    /// What its values look like.
    pub form: &'static str,
    /// Value when it is not set.
    pub default: &'static str,
    /// What it does.
    pub doc: &'static str,
}

const ADDR: Setting = Setting {
    name: "NATIVE_WORKER_ADDR",
    form: "an address and a port such as 127.0.0.1:8788",
    default: "127.0.0.1:8788",
    doc: "Where the operations endpoints listen. Port 0 takes a free one.",
};

const DRAIN_MS: Setting = Setting {
    name: "NATIVE_WORKER_DRAIN_MS",
    form: "a whole number of milliseconds",
    default: "5000",
    doc: "How long open requests may take to end after SIGTERM or SIGINT.",
};

/// Every setting.
pub const SETTINGS: &[Setting] = &[ADDR, DRAIN_MS];

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// Where the operations endpoints listen.
    pub addr: SocketAddr,
    /// How long open requests may take to end.
    pub drain: Duration,
}

impl Config {
    /// Reads the settings among `variables`; those of other programs are left alone.
    pub fn from_variables(
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, Error> {
        let ours: Vec<(String, String)> = variables
            .into_iter()
            .map(|(name, value)| {
                let text = |part: OsString| part.to_string_lossy().into_owned();
                (text(name), text(value))
            })
            .filter(|(name, _)| name.starts_with(PREFIX))
            .collect();
        let mut unknown: Vec<String> = ours
            .iter()
            .map(|(name, _)| name)
            .filter(|name| SETTINGS.iter().all(|setting| setting.name != *name))
            .cloned()
            .collect();
        if !unknown.is_empty() {
            unknown.sort();
            return Err(Error::SettingsUnknown(unknown));
        }
        let text = |setting: Setting| {
            ours.iter()
                .find(|(name, _)| name == setting.name)
                .map_or(setting.default, |(_, value)| value)
        };
        Ok(Self {
            addr: parse(ADDR, text(ADDR))?,
            drain: Duration::from_millis(parse(DRAIN_MS, text(DRAIN_MS))?),
        })
    }
}

fn parse<T: std::str::FromStr>(setting: Setting, text: &str) -> Result<T, Error> {
    let Setting { name, form, .. } = setting;
    text.parse()
        .map_err(|_| Error::SettingInvalid { name, form })
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
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  {name}\n      {doc}\n      {form}; default {default}"
        );
    }
    text
}
