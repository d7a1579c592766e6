//! The files that the user named, checked before anything heavy starts.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use shared::asset::media::{self, MediaType};
use shared::kind::AssetKind;

use super::clip;
use crate::paths::Paths;
use crate::usage::Usage;

/// A photo with an EXIF rotation: the variants show it upright.
const BUNDLED: &str = "tests/fixtures/photo.jpg";

/// Sound in containers that films use as well: what the extension says, what the bytes show, what it is then.
const SOUND: [(&str, &str, &str); 9] = [
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
    path: PathBuf,
    name: String,
    stem: String,
    media_type: MediaType,
    size_bytes: u64,
}

impl Source {
    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Its name without folders.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Its name without extension, unique within the run: the folder of its outputs.
    pub(super) fn stem(&self) -> &str {
        &self.stem
    }

    /// What its bytes are; the extension only tells sound from films.
    pub(super) fn media_type(&self) -> MediaType {
        self.media_type
    }

    /// Is it a film or a sound?
    pub(super) fn is_played(&self) -> bool {
        match self.media_type.kind() {
            AssetKind::Video | AssetKind::Audio => true,
            AssetKind::Image | AssetKind::Document | AssetKind::Package => false,
        }
    }

    /// Its size.
    pub(super) fn size_bytes(&self) -> u64 {
        self.size_bytes
    }
}

/// The files to show when the user names none: a photo, and a clip that ffmpeg makes.
pub(super) fn bundled(paths: &Paths) -> Result<[PathBuf; 2]> {
    Ok([paths.root.join(BUNDLED), clip::bundled(paths)?])
}

/// Looks at every file; all that is wrong comes in one message.
pub(super) fn check(files: &[PathBuf]) -> Result<Vec<Source>> {
    let (mut sources, mut problems) = (Vec::new(), Vec::new());
    for file in files {
        match look(file) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(format!("{}: {problem}", file.display())),
        }
    }
    if !problems.is_empty() {
        let taken = MediaType::ALL
            .iter()
            .map(|media_type| media_type.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        return Err(Usage(format!("{}\nTaken are: {taken}", problems.join("\n"))).into());
    }
    tell_apart(&mut sources);
    Ok(sources)
}

fn look(path: &Path) -> Result<Source, String> {
    let details = std::fs::metadata(path).map_err(|error| error.to_string())?;
    if details.is_dir() {
        return Err("is a folder; name the files in it".to_owned());
    }
    let mut head = Vec::new();
    File::open(path)
        .and_then(|file| file.take(media::SNIFF_BYTES).read_to_end(&mut head))
        .map_err(|error| error.to_string())?;
    let size_bytes = details.len();
    if size_bytes > media::SIZE_MAX_BYTES {
        return Err(format!(
            "has {size_bytes} bytes, more than the {} that are taken",
            media::SIZE_MAX_BYTES
        ));
    }
    let Some(media_type) = MediaType::sniff(&head) else {
        return Err(format!(
            "by its bytes this is {}, which is not taken",
            media::describe(&head)
        ));
    };
    let text =
        |part: Option<&std::ffi::OsStr>| part.map(|part| part.to_string_lossy().into_owned());
    let extension = text(path.extension()).unwrap_or_default().to_lowercase();
    let media_type = SOUND
        .iter()
        .find(|(name, sniffed, _)| *name == extension && *sniffed == media_type.as_str())
        .and_then(|(_, _, sound)| MediaType::parse(sound))
        .unwrap_or(media_type);
    let name = text(path.file_name()).ok_or("has no name")?;
    let stem = text(path.file_stem()).unwrap_or_else(|| name.clone());
    Ok(Source {
        path: path.to_path_buf(),
        name,
        stem,
        media_type,
        size_bytes,
    })
}

/// Two files of the same stem get folders of their own.
fn tell_apart(sources: &mut [Source]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for source in sources {
        let count = seen.entry(source.stem.clone()).or_default();
        *count += 1;
        if *count > 1 {
            source.stem = format!("{}-{count}", source.stem);
        }
    }
}
