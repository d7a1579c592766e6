//! Why the worker does not start or does not go on.

use std::io;
use std::net::SocketAddr;

/// Why the worker stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line is none that it knows.
    #[error("unknown argument {0}; see native-worker --help")]
    ArgumentUnknown(String),
    /// The environment holds settings that this version does not know: mostly a typing error.
    #[error("unknown settings {}; see native-worker --help", .0.join(", "))]
    SettingsUnknown(Vec<String>),
    /// Settings that the worker cannot do without are not there.
    #[error("these settings are required: {}; see native-worker --help", .0.join(", "))]
    SettingsMissing(Vec<&'static str>),
    /// A secret is given both as text and as a file.
    #[error("{0} and {1} are both set; set one of them")]
    SettingTwice(&'static str, &'static str),
    /// The file that a setting names cannot be read.
    #[error("the file that {0} names cannot be read: {1}")]
    SettingFile(&'static str, #[source] io::Error),
    /// A setting's value is not of its form.
    #[error("the setting {name} must be {form}")]
    SettingInvalid {
        /// Name of the setting.
        name: &'static str,
        /// What its values look like.
        form: &'static str,
    },
    /// The address cannot be listened on.
    #[error("cannot listen on {0}: {1}")]
    Bind(SocketAddr, #[source] io::Error),
    /// Signals cannot be received.
    #[error("cannot receive signals: {0}")]
    Signal(#[source] io::Error),
    /// The server failed.
    #[error("cannot serve: {0}")]
    Serve(#[source] io::Error),
    /// The machine gives no threads.
    #[error("cannot start threads: {0}")]
    Runtime(#[source] io::Error),
    /// The client of the edge cannot be made.
    #[error("cannot make an HTTP client: {0}")]
    Client(String),
    /// `--check` found something that does not work.
    #[error("not everything works")]
    CheckFailed,
    /// Stdout is closed.
    #[error("cannot print: {0}")]
    Print(#[source] io::Error),
}

impl Error {
    /// Exit code of a process that ends by this error: 2 when the caller can mend it by calling otherwise.
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
