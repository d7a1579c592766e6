//! The files that the user named, checked before anything expensive starts.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::error::ErrorKind;
use client::transfer::File;

use shared::asset::limit::SIZE_DEFAULT_BYTES;
use shared::asset::media::{self, MediaType};

/// Audio in containers that video also uses: the extension, the type by the bytes, the type to declare.
const AUDIO: [(&str, &str, &str); 9] = [
    ("ogg", "video/ogg", "audio/ogg"),
    ("oga", "video/ogg", "audio/ogg"),
    ("opus", "video/ogg", "audio/ogg"),
    ("weba", "video/webm", "audio/webm"),
    ("m4a", "video/mp4", "audio/mp4"),
    ("m4a", "video/quicktime", "audio/mp4"),
    ("m4b", "video/mp4", "audio/mp4"),
    ("aac", "audio/mpeg", "audio/aac"),
    ("flac", "audio/mpeg", "audio/flac"),
];

/// A file to process.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) file: File,
    /// Its name without extension, unique within the run: the folder of its outputs.
    pub(super) stem: String,
}

/// Checks every file; one error lists all problems.
pub(super) fn check(files: &[PathBuf]) -> Result<Vec<Source>> {
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match inspect(file) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(format!("{}: {problem}", file.display())),
        }
    }
    if !problems.is_empty() {
        let types = MediaType::ALL.iter().map(|media_type| media_type.as_str());
        let types = types.collect::<Vec<_>>().join(", ");
        let text = format!("{}\nSupported: {types}", problems.join("\n"));
        return Err(clap::Error::raw(ErrorKind::ValueValidation, text).into());
    }
    distinguish(&mut sources);
    Ok(sources)
}

fn inspect(path: &Path) -> Result<Source> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        bail!("is a folder; name the files in it");
    }
    let mut head = Vec::new();
    std::fs::File::open(path)?
        .take(media::SNIFF_BYTES)
        .read_to_end(&mut head)?;
    let (size_bytes, limit) = (metadata.len(), SIZE_DEFAULT_BYTES);
    if size_bytes > limit {
        bail!("has {size_bytes} bytes, more than the limit of {limit}");
    }
    let Some(media_type) = MediaType::sniff(&head) else {
        bail!("is {} by its bytes: unsupported", media::describe(&head));
    };
    let extension = text(path.extension()).to_lowercase();
    let audio = AUDIO
        .iter()
        .find(|(name, sniffed, _)| *name == extension && *sniffed == media_type.as_str())
        .and_then(|(_, _, audio)| MediaType::parse(audio));
    Ok(Source {
        file: File {
            path: path.to_path_buf(),
            name: text(path.file_name()),
            // Its type by its bytes; the extension only distinguishes audio from video.
            media_type: audio.unwrap_or(media_type),
            size_bytes,
        },
        stem: text(path.file_stem()),
    })
}

fn text(part: Option<&OsStr>) -> String {
    part.unwrap_or_default().to_string_lossy().into_owned()
}

/// Gives two files of the same stem folders of their own.
fn distinguish(sources: &mut [Source]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for source in sources {
        let count = seen.entry(source.stem.clone()).or_default();
        *count += 1;
        if *count > 1 {
            source.stem = format!("{}-{count}", source.stem);
        }
    }
}
