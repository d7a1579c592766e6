//! A trial of the sandbox: starts ffmpeg and ffprobe in it, as every job does.

use std::path::Path;
use std::time::Duration;

use tokio::time::timeout;

use super::group::{Child, Exit};
use super::sandbox::Policy;
use crate::config::Config;
use crate::setting::{FFMPEG, FFPROBE};

/// Timeout of one program.
const TRIAL_MAX: Duration = Duration::from_secs(10);

/// Starts ffmpeg and ffprobe in their sandbox.
///
/// # Errors
///
/// If one of them does not run there. The text names the program, its setting and the cause.
pub async fn test(config: &Config) -> Result<(), String> {
    for (setting, program) in [(FFMPEG, &config.ffmpeg), (FFPROBE, &config.ffprobe)] {
        run(&config.launcher, program).await.map_err(|why| {
            let program = program.display();
            format!(
                "{}={program} does not run in its sandbox: {why}",
                setting.name
            )
        })?;
    }
    Ok(())
}

async fn run(launcher: &Path, program: &Path) -> Result<(), String> {
    let arguments = ["-version".to_owned()];
    let child = Child::spawn(launcher, &Policy::new(program), &arguments);
    let child = child.map_err(|error| error.to_string())?;
    let exit = timeout(TRIAL_MAX, child.wait()).await;
    let exit = exit.map_err(|_| "it did not end in time".to_owned())?;
    let Exit { status, log, .. } = exit.map_err(|error| error.to_string())?;
    if status.success() {
        Ok(())
    } else {
        let last = log.lines().next_back().unwrap_or("no message");
        Err(format!("{status}: {last}"))
    }
}
