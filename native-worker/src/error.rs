//! [`Error`]: why the worker does not start, or why it stopped.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A fault of one setting.
#[derive(Debug, thiserror::Error)]
pub enum SettingFault {
    /// This version does not know the setting: usually a typing error.
    #[error("{0} is unknown")]
    Unknown(String),
    /// The setting is required, but not set.
    #[error("{0} is required")]
    Missing(&'static str),
    /// The setting or its variant with a file is required, but neither is set.
    #[error("{0} or {1} is required")]
    MissingSecret(&'static str, &'static str),
    /// A secret is set both as text and as a file.
    #[error("{0} and {1} are both set; set only one of them")]
    Twice(&'static str, &'static str),
    /// The file that the setting names cannot be read.
    #[error("{name}: cannot read {}: {source}", path.display())]
    File {
        /// Name of the setting.
        name: &'static str,
        /// Path of the file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The value of the setting is invalid. It is not shown, because it may be a secret.
    #[error("{name} must be {form}")]
    Invalid {
        /// Name of the setting.
        name: &'static str,
        /// The form of its values.
        form: &'static str,
    },
}

/// One line for each fault.
fn lines(faults: &[SettingFault]) -> String {
    let add = |text, fault: &SettingFault| format!("{text}\n  {fault}");
    faults.iter().fold(String::new(), add)
}

/// Why the worker does not start, or why it stopped.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command line is invalid.
    #[error("unknown argument {0}; see native-worker --help")]
    ArgumentUnknown(String),
    /// Settings are unknown, missing or invalid.
    #[error("invalid settings:{}\nSee native-worker --help.", lines(.0))]
    Settings(Vec<SettingFault>),
    /// The worker cannot listen on its address.
    #[error("NATIVE_WORKER_ADDR: cannot listen on {0}: {1}")]
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
            Self::ArgumentUnknown(_) | Self::Settings(_) => 2,
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
