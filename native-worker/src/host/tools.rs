//! [`Tools`]: what ffmpeg can do on this machine, tested by doing it. A build may list encoders for which the machine has no
//! device.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use futures_util::future::join_all;
use shared::worker::Encoder;
use tokio::process::Command;
use tokio::time::timeout;

use crate::config::Config;
use crate::setting::{FFMPEG, FFPROBE, Setting};

/// Timeout of one test. A software encoder takes a fraction of a second; a driver may take seconds to wake its device.
const TEST_TIMEOUT: Duration = Duration::from_secs(10);

/// ffmpeg, and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tools {
    /// Version of ffmpeg.
    pub ffmpeg_version: String,
    /// Encoders that work.
    pub encoders: Vec<Encoder>,
    /// Missing parts that most jobs do not need, and what fails without them.
    pub warnings: Vec<String>,
}

/// An encoder to test, and its options.
struct Candidate {
    name: &'static str,
    is_hardware: bool,
    /// Whether every job needs it.
    is_required: bool,
    before: &'static [&'static str],
    input: &'static str,
    after: &'static [&'static str],
}

const VIDEO: &str = "testsrc2=size=320x180:rate=25";

const CANDIDATES: [Candidate; 5] = [
    Candidate {
        name: "libx264",
        is_hardware: false,
        is_required: true,
        before: &[],
        input: VIDEO,
        after: &["-pix_fmt", "yuv420p"],
    },
    Candidate {
        name: "aac",
        is_hardware: false,
        is_required: true,
        before: &[],
        input: "sine=frequency=440:sample_rate=48000",
        after: &[],
    },
    Candidate {
        name: "h264_nvenc",
        is_hardware: true,
        is_required: false,
        before: &[],
        input: VIDEO,
        after: &["-pix_fmt", "yuv420p"],
    },
    Candidate {
        name: "h264_qsv",
        is_hardware: true,
        is_required: false,
        before: &["-init_hw_device", "qsv"],
        input: VIDEO,
        after: &["-pix_fmt", "nv12"],
    },
    Candidate {
        name: "h264_vaapi",
        is_hardware: true,
        is_required: false,
        before: &["-vaapi_device", "/dev/dri/renderD128"],
        input: VIDEO,
        after: &["-vf", "format=nv12,hwupload"],
    },
];

/// Filters to test, in a graph as the ladder uses it.
struct Filters {
    names: &'static str,
    /// What fails without them; `None` if every job needs them.
    affected: Option<&'static str>,
    graph: &'static str,
}

const FILTERS: [Filters; 2] = [
    Filters {
        names: "bwdif, scale, setparams, setsar, split",
        affected: None,
        graph: "bwdif=mode=send_frame:deint=interlaced,scale=160:90:flags=bicubic,setparams=colorspace=bt709,setsar=1,\
                split[a][b];[b]nullsink;[a]format=yuv420p",
    },
    Filters {
        names: "zscale, tonemap",
        affected: Some("HDR videos fail"),
        graph: "format=yuv420p10le,setparams=color_trc=smpte2084:color_primaries=bt2020:colorspace=bt2020nc,\
                zscale=tin=smpte2084:min=bt2020nc:pin=bt2020:t=linear:npl=100,format=gbrpf32le,\
                zscale=p=bt709,tonemap=tonemap=hable:desat=0,zscale=t=bt709:m=bt709:r=limited,format=yuv420p",
    },
];

/// Tests ffmpeg, ffprobe, the encoders and the filters.
///
/// # Errors
///
/// If something is missing that every job needs. The text says what, and what to do.
pub async fn test(config: &Config) -> Result<Tools, String> {
    let ffmpeg_version = version(FFMPEG, &config.ffmpeg).await?;
    version(FFPROBE, &config.ffprobe).await?;
    let tests = CANDIDATES
        .iter()
        .map(|candidate| works(&config.ffmpeg, candidate));
    let (mut encoders, mut missing) = (Vec::new(), Vec::new());
    for (candidate, works) in CANDIDATES.iter().zip(join_all(tests).await) {
        if works {
            encoders.push(Encoder {
                name: candidate.name.to_owned(),
                is_hardware: candidate.is_hardware,
            });
        } else if candidate.is_required {
            missing.push(candidate.name);
        }
    }
    let mut warnings = Vec::new();
    let tests = FILTERS
        .iter()
        .map(|filters| filter(&config.ffmpeg, filters));
    for (filters, works) in FILTERS.iter().zip(join_all(tests).await) {
        match (works, filters.affected) {
            (true, _) => {}
            (false, None) => missing.push(filters.names),
            (false, Some(affected)) => {
                let names = filters.names;
                warnings.push(format!(
                    "ffmpeg does not have the filters {names}: {affected}"
                ));
            }
        }
    }
    if missing.is_empty() {
        return Ok(Tools {
            ffmpeg_version,
            encoders,
            warnings,
        });
    }
    Err(format!(
        "in ffmpeg {ffmpeg_version} these parts are missing or do not work: {}; install a build that has them, or set NATIVE_WORKER_FFMPEG to one",
        missing.join(", ")
    ))
}

/// Version of ffmpeg or ffprobe.
async fn version(setting: Setting, program: &Path) -> Result<String, String> {
    let what = format!("{}={}", setting.name, program.display());
    let output = run(program, ["-version"]).await;
    let output = output
        .map_err(|why| format!("{what} does not run: {why}; install ffmpeg, or set its path"))?;
    parse_version(&output)
        .ok_or_else(|| format!("{what} does not print a version: it is not part of ffmpeg"))
}

/// The third word of `ffmpeg version 5.1.9-0+deb12u1 Copyright …`.
fn parse_version(output: &str) -> Option<String> {
    let mut words = output.lines().next()?.split_whitespace();
    let is_ours = matches!(words.next()?, "ffmpeg" | "ffprobe") && words.next()? == "version";
    let version = words.next()?;
    is_ours.then(|| version.to_owned())
}

/// Whether an encoder encodes five frames.
async fn works(ffmpeg: &Path, candidate: &Candidate) -> bool {
    let quiet = ["-hide_banner", "-nostdin", "-loglevel", "error"];
    let input = ["-f", "lavfi", "-i", candidate.input];
    let frames = if candidate.input == VIDEO {
        ["-frames:v", "5"]
    } else {
        ["-frames:a", "5"]
    };
    let output = ["-c", candidate.name, "-f", "null", "-"];
    let arguments = quiet
        .iter()
        .chain(candidate.before)
        .chain(&input)
        .chain(&frames)
        .chain(candidate.after)
        .chain(&output);
    passed(candidate.name, &run(ffmpeg, arguments).await)
}

/// Whether a graph of filters processes one frame.
async fn filter(ffmpeg: &Path, filters: &Filters) -> bool {
    let quiet = ["-hide_banner", "-nostdin", "-loglevel", "error"];
    let input = ["-f", "lavfi", "-i", VIDEO, "-frames:v", "1"];
    let output = ["-vf", filters.graph, "-f", "null", "-"];
    let arguments = quiet.iter().chain(&input).chain(&output);
    passed(filters.names, &run(ffmpeg, arguments).await)
}

fn passed(what: &str, result: &Result<String, String>) -> bool {
    if let Err(why) = result {
        tracing::debug!(what, why, "a part of ffmpeg does not work");
    }
    result.is_ok()
}

/// What a program prints to stdout if it succeeds. Like in a job, it inherits no secrets.
async fn run(
    program: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<String, String> {
    let output = Command::new(program)
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = timeout(TEST_TIMEOUT, output)
        .await
        .map_err(|_| "it did not end in time".to_owned())?
        .map_err(|error| error.to_string())?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        let last = stderr.lines().last().unwrap_or("no message");
        Err(format!("{}: {last}", output.status))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        let debian = "ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers\nbuilt with gcc";
        assert_eq!(parse_version(debian).as_deref(), Some("5.1.9-0+deb12u1"));
        assert_eq!(
            parse_version("ffprobe version n8.1.2\n").as_deref(),
            Some("n8.1.2")
        );
        for invalid in ["", "ffmpeg", "ffmpeg version", "GNU coreutils version 9"] {
            assert_eq!(parse_version(invalid), None, "{invalid}");
        }
    }
}
