//! The bundled clip: a test pattern and a tone, made once per checkout.

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;
use fs_err as fs;

use crate::paths::Paths;
use crate::run;

/// Eight seconds of 720p with audio, encoded as a camera does.
const ARGUMENTS: &str = "-f lavfi -i testsrc2=size=1280x720:rate=30:duration=8 \
                         -f lavfi -i sine=frequency=440:beep_factor=4:sample_rate=48000:duration=8 \
                         -c:v libx264 -preset veryfast -pix_fmt yuv420p -c:a aac -b:a 128k -ac 2 -movflags +faststart";

/// Changes when [`ARGUMENTS`] do.
const NAME: &str = "clip.mp4";

/// The clip; ffmpeg makes it on first use.
pub(super) fn bundled(paths: &Paths) -> Result<PathBuf> {
    let folder = paths.private.join("demo/in");
    let file = folder.join(NAME);
    if file.is_file() {
        return Ok(file);
    }
    fs::create_dir_all(&folder)?;
    // Made beside it and renamed, so that two first uses at once do not collide.
    let fresh = folder.join(format!("new-{}.mp4", std::process::id()));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args(["-nostdin", "-v", "error", "-y"])
        .args(ARGUMENTS.split(' '))
        .arg(&fresh);
    run::step("making a clip", &mut ffmpeg)?;
    fs::rename(&fresh, &file)?;
    Ok(file)
}
