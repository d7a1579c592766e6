//! [`Error`]: why the worker does not start, or why it stopped.

use std::io;
use std::net::SocketAddr;

/// Why the worker does not start, or why it stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line is invalid.
    #[error("unknown argument {0}; see native-worker --help")]
    ArgumentUnknown(String),
    /// The environment has settings that this version does not know: usually a typing error.
    #[error("unknown settings {}; see native-worker --help", .0.join(", "))]
    SettingsUnknown(Vec<String>),
    /// Required settings are not set.
    #[error("these settings are required: {}; see native-worker --help", .0.join(", "))]
    SettingsMissing(Vec<&'static str>),
    /// A secret is set both as text and as a file.
    #[error("{0} and {1} are both set; set one of them")]
    SettingTwice(&'static str, &'static str),
    /// The file that a setting names cannot be read.
    #[error("the file that {0} names cannot be read: {1}")]
    SettingFile(&'static str, #[source] io::Error),
    /// The value of a setting is invalid.
    #[error("the setting {name} must be {form}")]
    SettingInvalid {
        /// Name of the setting.
        name: &'static str,
        /// The form of its values.
        form: &'static str,
    },
    /// The worker cannot listen on its address.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, #[source] io::Error),
    /// Signals cannot be received.
    #[error("cannot receive signals: {0}")]
    Signal(#[source] io::Error),
    /// The operations endpoints failed.
    #[error("cannot serve: {0}")]
    Serve(#[source] io::Error),
    /// The runtime cannot be started.
    #[error("cannot start threads: {0}")]
    Runtime(#[source] io::Error),
    /// The HTTP client for the edge cannot be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(String),
    /// `--check` found something that does not work.
    #[error("not every check passed")]
    CheckFailed,
    /// Stdout is closed.
    #[error("cannot print: {0}")]
    Print(#[source] io::Error),
}

impl Error {
    /// Exit code of a process that ends with this error: 2 if the command line or a setting has to be changed, otherwise 1.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::ArgumentUnknown(_)
            | Self::SettingsUnknown(_)
            | Self::SettingsMissing(_)
            | Self::SettingTwice(..)
            | Self::SettingFile(..)
            | Self::SettingInvalid { .. } => 2,
            Self::Bind(..)
            | Self::Signal(_)
            | Self::Serve(_)
            | Self::Runtime(_)
            | Self::Client(_)
            | Self::CheckFailed
            | Self::Print(_) => 1,
        }
    }
}
