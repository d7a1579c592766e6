//! Films and sounds for the stories, made by ffmpeg when they are asked for.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// A file as a client has it.
#[derive(Debug, Clone)]
pub struct Clip {
    /// Its name, with the ending.
    pub name: String,
    /// Its media type.
    pub content_type: &'static str,
    /// What is in it.
    pub bytes: Vec<u8>,
}

/// Media type of a file by its ending.
fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "avif" => "image/avif",
        "gif" => "image/gif",
        "tiff" => "image/tiff",
        "mov" => "video/quicktime",
        "mkv" => "video/x-matroska",
        "webm" => "video/webm",
        "ts" => "video/mp2t",
        "avi" => "video/x-msvideo",
        "mp3" => "audio/mpeg",
        "m4a" => "audio/mp4",
        "wav" => "audio/wav",
        "flac" => "audio/flac",
        "ogg" => "audio/ogg",
        _ => "video/mp4",
    }
}

impl Clip {
    /// A clip of these bytes.
    #[must_use]
    pub fn of(name: &str, bytes: Vec<u8>) -> Self {
        Self {
            name: name.to_owned(),
            content_type: content_type(name),
            bytes,
        }
    }

    /// What ffmpeg makes of the words of a shell line (no quotes: filters hold no blanks), written to a file `name`.
    #[must_use]
    pub fn made(name: &str, words: &str) -> Self {
        let folder = TempDir::new().expect("a folder");
        Self::of(name, make(folder.path(), name, words))
    }

    /// The same, with files beside it that `words` may name.
    #[must_use]
    pub fn made_from(name: &str, words: &str, files: &[(&str, &[u8])]) -> Self {
        let folder = TempDir::new().expect("a folder");
        for (file, bytes) in files {
            std::fs::write(folder.path().join(file), bytes).expect("a file");
        }
        Self::of(name, make(folder.path(), name, words))
    }

    /// A film of `seconds` in H.264 and AAC: a moving test picture, and a tone.
    #[must_use]
    pub fn film(width: u32, height: u32, rate: u32, seconds: u32) -> Self {
        let words = format!(
            "-f lavfi -i testsrc2=s={width}x{height}:r={rate}:d={seconds} -f lavfi -i sine=f=440:r=48000:d={seconds} \
             -c:v libx264 -preset ultrafast -pix_fmt yuv420p -g {rate} -c:a aac -b:a 96k -movflags +faststart"
        );
        Self::made(&format!("film-{width}x{height}.mp4"), &words)
    }

    /// A film whose upper half is white for two frames at every full second, when a tone of the same length is heard.
    #[must_use]
    pub fn beeps(width: u32, height: u32, rate: u32, seconds: u32) -> Self {
        let length = 2.0 / f64::from(rate);
        let words = format!(
            "-f lavfi -i testsrc2=s={width}x{height}:r={rate}:d={seconds} \
             -f lavfi -i aevalsrc=if(lt(mod(t\\,1)\\,{length})\\,0.8*sin(6283*t)\\,0):s=48000:d={seconds} \
             -vf drawbox=x=0:y=0:w=iw:h=ih/2:c=black:t=fill,drawbox=x=0:y=0:w=iw:h=ih/2:c=white:t=fill:enable=lt(mod(t\\,1)\\,{length}-0.001) \
             -c:v libx264 -preset veryfast -pix_fmt yuv420p -g {rate} -c:a aac -b:a 128k -movflags +faststart"
        );
        Self::made("beeps.mp4", &words)
    }

    /// Its first half, as a connection that broke would leave it.
    #[must_use]
    pub fn truncated(mut self) -> Self {
        self.bytes.truncate(self.bytes.len() / 2);
        self
    }
}

fn make(folder: &Path, name: &str, words: &str) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .current_dir(folder)
        .args(["-hide_banner", "-nostdin", "-y", "-v", "error"])
        .args(words.split_whitespace())
        .arg(name)
        .stdin(Stdio::null())
        .output()
        .expect("ffmpeg is installed");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffmpeg cannot make {name}: {text}");
    std::fs::read(folder.join(name)).expect("what ffmpeg made")
}

/// What ffmpeg says at level `warning` while it reads `url` to its end; nothing for a faultless film.
#[must_use]
pub fn warnings(url: &str) -> String {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-nostdin", "-v", "warning", "-i", url])
        .args(["-map", "0", "-f", "null", "-"])
        .output()
        .expect("ffmpeg is installed");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "ffmpeg cannot read {url}: {text}");
    text
}

/// What ffprobe says of `url`, as JSON.
#[must_use]
pub fn probe(url: &str) -> serde_json::Value {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-print_format", "json"])
        .args(["-show_format", "-show_streams", "-count_frames", url])
        .output()
        .expect("ffprobe is installed");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "ffprobe cannot read {url}: {text}");
    serde_json::from_slice(&output.stdout).expect("JSON")
}

/// Runs a script of `tests/browser` with the packages of the checkout; what it prints is JSON.
#[must_use]
pub fn node(script: &str, arguments: &[&str]) -> serde_json::Value {
    let root = crate::root();
    let packaged = root.join("node_modules/.bin/node");
    let node = if packaged.is_file() {
        packaged
    } else {
        PathBuf::from("node")
    };
    let output = Command::new(node)
        .current_dir(&root)
        .arg(root.join("tests/browser").join(script))
        .args(arguments)
        .output()
        .expect("node runs");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} failed: {text}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let out = String::from_utf8_lossy(&output.stdout);
        panic!("{script} printed no JSON ({error}): {out}\n{text}")
    })
}
