//! The bundled clip: nothing that somebody filmed, but a test picture and a tone, made once per checkout.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};

use crate::paths::Paths;
use crate::run;

/// Eight seconds of 720p with sound, as a camera stores it.
const WORDS: [&str; 22] = [
    "-f",
    "lavfi",
    "-i",
    "testsrc2=size=1280x720:rate=30:duration=8",
    "-f",
    "lavfi",
    "-i",
    "sine=frequency=440:beep_factor=4:sample_rate=48000:duration=8",
    "-c:v",
    "libx264",
    "-preset",
    "veryfast",
    "-pix_fmt",
    "yuv420p",
    "-c:a",
    "aac",
    "-b:a",
    "128k",
    "-ac",
    "2",
    "-movflags",
    "+faststart",
];

/// Changes when [`WORDS`] do.
const NAME: &str = "clip.mp4";

/// The clip; ffmpeg makes it on first use.
pub(super) fn bundled(paths: &Paths) -> Result<PathBuf> {
    let folder = paths.private.join("demo/in");
    let file = folder.join(NAME);
    if file.is_file() {
        return Ok(file);
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // Made beside and moved in one step: two first uses at once do not meet.
    let fresh = folder.join(format!("new-{}.mp4", std::process::id()));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args(["-nostdin", "-v", "error", "-y"])
        .args(WORDS)
        .arg(&fresh);
    run::step("making a clip to show", &mut ffmpeg)?;
    fs::rename(&fresh, &file).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}
