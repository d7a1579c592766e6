//! The log: to stderr, as text or as JSON.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{Config, LogFormat};
use crate::error::Error;
use crate::setting;

/// Starts logging. Only the first call in a process has an effect.
///
/// # Errors
///
/// If the filter in the setting `NATIVE_WORKER_LOG` is invalid.
pub fn init(config: &Config) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&config.log).map_err(|_| Error::SettingInvalid {
        name: setting::LOG.name,
        form: setting::LOG.form,
    })?;
    let log = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // An error means that there is a log already.
    let _ = match config.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    Ok(())
}
