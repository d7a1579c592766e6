//! The log: to stderr, as text or as JSON.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt;

use crate::config::{Config, LogFormat};
use crate::error::Error;
use crate::setting;

/// Begins to log, once for the process.
pub fn init(config: &Config) -> Result<(), Error> {
    let filter = EnvFilter::try_new(&config.log).map_err(|_| Error::SettingInvalid {
        name: setting::LOG.name,
        form: setting::LOG.form,
    })?;
    let log = fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(false);
    // A log that somebody set up already is as good.
    let _ = match config.log_format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
    Ok(())
}
