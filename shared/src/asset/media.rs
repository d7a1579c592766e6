//! Supported media types, their containers, and the checks of what a client declares about a file.

use crate::asset::container::{self, Container};
use crate::asset::content_type;
use serde_json::Number;

use crate::json::integer::integer;
use crate::kind::{AssetKind, RunsOn};
use crate::problem::{ErrorCode, Failure};

macro_rules! media_types {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal $kind:ident [$($container:ident),+] [$($alias:literal),*];)+) => {
        /// A media type that can be uploaded.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum MediaType { $($(#[doc = $doc])+ $variant,)+ }

        impl MediaType {
            /// Every type.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The type as HTTP writes it.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }

            /// Kind of an asset of this type.
            #[must_use]
            pub const fn kind(self) -> AssetKind {
                match self { $(Self::$variant => AssetKind::$kind),+ }
            }

            /// Container families that a file of this type may have.
            #[must_use]
            pub const fn containers(self) -> &'static [Container] {
                match self { $(Self::$variant => &[$(Container::$container),+]),+ }
            }

            /// Other names of the type that browsers and operating systems use.
            #[must_use]
            pub const fn aliases(self) -> &'static [&'static str] {
                match self { $(Self::$variant => &[$($alias),*]),+ }
            }
        }
    };
}

// Type, kind, container families, aliases. An asset's `content_type` is always the type in the first column. A client may declare
// an alias, any case, and parameters: what it declares is signed into the upload URL, so it sends the file as it declared it.
media_types! {
    /// `image/jpeg`
    Jpeg = "image/jpeg" Image [Jpeg] ["image/jpg", "image/pjpeg"];
    /// `image/png`
    Png = "image/png" Image [Png] ["image/x-png"];
    /// `image/webp`
    WebP = "image/webp" Image [WebP] [];
    /// `image/gif`
    Gif = "image/gif" Image [Gif] [];
    /// `image/avif`
    Avif = "image/avif" Image [Avif] [];
    /// `image/heic`
    Heic = "image/heic" Image [Heif] ["image/heif"];
    /// `image/tiff`
    Tiff = "image/tiff" Image [Tiff] ["image/tif", "image/x-tiff"];
    /// `video/mp4`
    Mp4 = "video/mp4" Video [IsoMedia] [];
    /// `video/quicktime`
    QuickTime = "video/quicktime" Video [IsoMedia] [];
    /// `video/x-m4v`
    M4v = "video/x-m4v" Video [IsoMedia] ["video/m4v"];
    /// `video/3gpp`
    ThreeGp = "video/3gpp" Video [IsoMedia] ["video/3gpp2", "video/3gp"];
    /// `video/webm`
    WebM = "video/webm" Video [Matroska] [];
    /// `video/x-matroska`
    Matroska = "video/x-matroska" Video [Matroska] ["video/matroska", "video/mkv"];
    /// `video/mp2t`
    MpegTs = "video/mp2t" Video [MpegTs] ["video/vnd.dlna.mpeg-tts", "video/m2ts"];
    /// `video/x-msvideo`
    Avi = "video/x-msvideo" Video [Avi] ["video/avi", "video/msvideo", "video/vnd.avi"];
    /// `video/x-flv`
    Flv = "video/x-flv" Video [Flv] ["video/flv"];
    /// `video/mpeg`
    Mpeg = "video/mpeg" Video [MpegPs] ["video/mpg", "video/x-mpeg"];
    /// `video/ogg`
    OggVideo = "video/ogg" Video [Ogg] [];
    /// `audio/mpeg`
    Mp3 = "audio/mpeg" Audio [MpegAudio, Id3] ["audio/mp3", "audio/x-mp3", "audio/x-mpeg"];
    /// `audio/mp4`
    M4a = "audio/mp4" Audio [IsoMedia] ["audio/x-m4a", "audio/m4a"];
    /// `audio/aac`
    Aac = "audio/aac" Audio [Adts, Id3] ["audio/x-aac", "audio/aacp"];
    /// `audio/ogg`
    OggAudio = "audio/ogg" Audio [Ogg] ["audio/opus"];
    /// `audio/wav`
    Wav = "audio/wav" Audio [Wav] ["audio/x-wav", "audio/wave", "audio/vnd.wave"];
    /// `audio/flac`
    Flac = "audio/flac" Audio [Flac, Id3] ["audio/x-flac"];
    /// `audio/webm`
    WebMAudio = "audio/webm" Audio [Matroska] [];
    /// `audio/x-matroska`
    MatroskaAudio = "audio/x-matroska" Audio [Matroska] ["audio/matroska", "audio/mka"];
}

/// Number of bytes at the start of a file that [`MediaType::sniff`] needs.
pub const SNIFF_BYTES: u64 = 4_096;

/// Longest file name, in bytes of UTF-8.
pub const FILENAME_MAX_BYTES: usize = 1_024;

impl MediaType {
    /// Parses a `content_type`: the type's name or one of its aliases, ignoring case, with or without parameters
    /// (`video/webm;codecs="vp9,opus"`).
    #[must_use]
    pub fn parse(content_type: &str) -> Option<Self> {
        let essence = content_type::essence(content_type)?;
        let is = |name: &str| name.eq_ignore_ascii_case(essence);
        Self::ALL.iter().copied().find(|media_type| {
            is(media_type.as_str()) || media_type.aliases().iter().any(|alias| is(alias))
        })
    }

    /// Types that can be processed. Without native workers, those that the edge processes.
    pub fn supported(has_native_workers: bool) -> impl Iterator<Item = Self> + Clone {
        let is_supported =
            move |media_type: &Self| has_native_workers || media_type.runs_on() == RunsOn::Edge;
        Self::ALL.iter().copied().filter(is_supported)
    }

    /// Detects the type from a file's first bytes. If several types share a container family, the result is the type that
    /// the
    /// file itself names, or else the most common one. To check a declared type, use [`Self::holds`].
    #[must_use]
    pub fn sniff(head: &[u8]) -> Option<Self> {
        Some(match Container::sniff(head)? {
            Container::Jpeg => Self::Jpeg,
            Container::Png => Self::Png,
            Container::WebP => Self::WebP,
            Container::Gif => Self::Gif,
            Container::Tiff => Self::Tiff,
            Container::Avif => Self::Avif,
            Container::Heif => Self::Heic,
            Container::IsoMedia => {
                match container::brands(head).and_then(|mut brands| brands.next()) {
                    Some(b"qt  ") | None => Self::QuickTime,
                    Some(b"M4V " | b"M4VH" | b"M4VP") => Self::M4v,
                    Some(b"M4A " | b"M4B ") => Self::M4a,
                    Some([b'3', b'g', b'p' | b'2', _]) => Self::ThreeGp,
                    Some(_) => Self::Mp4,
                }
            }
            Container::Matroska if container::doc_type(head) == Some(b"webm") => Self::WebM,
            Container::Matroska => Self::Matroska,
            Container::MpegTs => Self::MpegTs,
            Container::MpegPs => Self::Mpeg,
            Container::Avi => Self::Avi,
            Container::Flv => Self::Flv,
            Container::Ogg => Self::OggVideo,
            Container::Wav => Self::Wav,
            Container::Flac => Self::Flac,
            Container::MpegAudio | Container::Id3 => Self::Mp3,
            Container::Adts => Self::Aac,
        })
    }

    /// Whether a file that starts with `head` matches this type.
    #[must_use]
    pub fn holds(self, head: &[u8]) -> bool {
        Container::sniff(head).is_some_and(|container| self.containers().contains(&container))
    }

    /// Where files of this type are processed. Types without a decoder at the edge go to native workers.
    #[must_use]
    pub const fn runs_on(self) -> RunsOn {
        match self {
            Self::Jpeg | Self::Png | Self::WebP | Self::Gif => RunsOn::Edge,
            Self::Avif
            | Self::Heic
            | Self::Tiff
            | Self::Mp4
            | Self::QuickTime
            | Self::M4v
            | Self::ThreeGp
            | Self::WebM
            | Self::Matroska
            | Self::MpegTs
            | Self::Avi
            | Self::Flv
            | Self::Mpeg
            | Self::OggVideo
            | Self::Mp3
            | Self::M4a
            | Self::Aac
            | Self::OggAudio
            | Self::Wav
            | Self::Flac
            | Self::WebMAudio
            | Self::MatroskaAudio => RunsOn::Native,
        }
    }
}

/// Describes a file by its first bytes, for an error's detail.
#[must_use]
pub fn describe(head: &[u8]) -> &'static str {
    if let Some(container) = Container::sniff(head) {
        return container.words();
    }
    let text = head.trim_ascii_start();
    let starts = |prefix: &[u8]| {
        text.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    match head {
        [] => "empty",
        [b'%', b'P', b'D', b'F', ..] => "application/pdf",
        [b'P', b'K', 3, 4, ..] => "application/zip",
        _ if starts(b"#EXTM3U") => "a playlist (M3U8)",
        _ if starts(b"ffconcat") => "a playlist (ffconcat)",
        _ if starts(b"<!doctype html") || starts(b"<html") => "text/html",
        _ if starts(b"<svg") || starts(b"<?xml") => "SVG or another XML text",
        _ if head
            .iter()
            .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) =>
        {
            "plain text"
        }
        _ => "no known media type",
    }
}

/// Checks a declared content type. Without native workers, only types that the edge processes are accepted.
///
/// # Errors
///
/// `media_type_unsupported`, with a list of the supported types.
pub fn check_content_type(
    content_type: &str,
    has_native_workers: bool,
) -> Result<MediaType, Failure> {
    let declared = MediaType::parse(content_type);
    let mut supported = MediaType::supported(has_native_workers);
    supported
        .clone()
        .find(|media_type| Some(*media_type) == declared)
        .ok_or_else(|| {
            let names: Vec<&str> = supported.by_ref().map(MediaType::as_str).collect();
            Failure::new(
                ErrorCode::MediaTypeUnsupported,
                format!(
                    "This content_type is unsupported. Supported: {}.",
                    names.join(", ")
                ),
            )
        })
}

/// Checks the declared size in bytes of a file of `kind` against the limit of that kind.
///
/// # Errors
///
/// `size_invalid` if the size is not an integer or is negative, `file_empty` if it is 0, `file_too_large` if it exceeds the limit.
pub fn check_size(size_bytes: &Number, kind: AssetKind, max_bytes: u64) -> Result<u64, Failure> {
    let invalid = |detail: &str| Err(Failure::new(ErrorCode::SizeInvalid, detail));
    let Some(size) = integer(size_bytes) else {
        return invalid("size_bytes must be an integer: the exact size of the file in bytes.");
    };
    match u64::try_from(size) {
        Err(_) if size < 0 => {
            invalid("size_bytes must not be negative; declare the file's exact size in bytes.")
        }
        Ok(0) => Err(Failure::new(
            ErrorCode::FileEmpty,
            "size_bytes is 0; an empty file cannot be uploaded.",
        )),
        Ok(size) if size <= max_bytes => Ok(size),
        Ok(_) | Err(_) => Err(Failure::new(
            ErrorCode::FileTooLarge,
            format!(
                "size_bytes is {size}; the limit for files of kind {kind} is {max_bytes} bytes."
            ),
        )),
    }
}

/// Checks a file name. Names are metadata only, so paths, emoji and bidi marks are kept unchanged.
///
/// # Errors
///
/// `filename_invalid` if the name is empty, longer than [`FILENAME_MAX_BYTES`], or contains NUL.
pub fn check_filename(filename: &str) -> Result<(), Failure> {
    let invalid = |why: &str| Err(Failure::new(ErrorCode::FilenameInvalid, why));
    if filename.is_empty() {
        invalid("filename must not be empty.")
    } else if filename.len() > FILENAME_MAX_BYTES {
        invalid("filename must have at most 1024 bytes of UTF-8.")
    } else if filename.contains('\0') {
        invalid("filename must not contain NUL.")
    } else {
        Ok(())
    }
}

/// Checks an optional declared SHA-256.
///
/// # Errors
///
/// `checksum_invalid` if it does not consist of 64 lowercase hexadecimal digits.
pub fn check_sha256(sha256: Option<&str>) -> Result<(), Failure> {
    let valid = |text: &str| {
        text.len() == 64
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    match sha256 {
        Some(text) if !valid(text) => Err(Failure::new(
            ErrorCode::ChecksumInvalid,
            "sha256 must be 64 lowercase hexadecimal digits.",
        )),
        Some(_) | None => Ok(()),
    }
}
