//! Which files are taken: media types, their magic bytes, and the rules for what a client says of a file.

use crate::problem::{ErrorCode, Failure};
use crate::words::words;

words! {
    /// What an asset is.
    AssetKind {
        /// A picture; gets WebP variants.
        Image = "image",
        /// A film.
        Video = "video",
        /// Sound.
        Audio = "audio",
        /// A document that is only stored.
        Document = "document",
        /// A package that is only stored.
        Package = "package",
    }
}

/// A media type that can be uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MediaType {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `image/webp`
    WebP,
    /// `image/gif`
    Gif,
}

/// Bytes at a file's start that [`MediaType::sniff`] looks at.
pub const SNIFF_BYTES: u64 = 4_096;

/// Default limit of a file's size: 500 MB; a setting.
pub const SIZE_MAX_BYTES: u64 = 500_000_000;

/// Longest file name, in bytes of UTF-8.
pub const FILENAME_MAX_BYTES: usize = 1_024;

impl MediaType {
    /// Every type.
    pub const ALL: &'static [Self] = &[Self::Jpeg, Self::Png, Self::WebP, Self::Gif];

    /// The type as HTTP writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
        }
    }

    /// What an asset of this type is.
    #[must_use]
    pub const fn kind(self) -> AssetKind {
        match self {
            Self::Jpeg | Self::Png | Self::WebP | Self::Gif => AssetKind::Image,
        }
    }

    /// The type named by a `content_type`: case does not matter, parameters are not taken.
    #[must_use]
    pub fn parse(content_type: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .copied()
            .find(|media_type| media_type.as_str().eq_ignore_ascii_case(content_type))
    }

    /// The type that a file's first bytes show, whatever its name says.
    #[must_use]
    pub fn sniff(head: &[u8]) -> Option<Self> {
        match head {
            [0xFF, 0xD8, 0xFF, ..] => Some(Self::Jpeg),
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some(Self::Png),
            [
                b'R',
                b'I',
                b'F',
                b'F',
                _,
                _,
                _,
                _,
                b'W',
                b'E',
                b'B',
                b'P',
                ..,
            ] => Some(Self::WebP),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            _ => None,
        }
    }
}

/// What a file's first bytes look like, in words for an error's detail.
#[must_use]
pub fn describe(head: &[u8]) -> &'static str {
    if let Some(media_type) = MediaType::sniff(head) {
        return media_type.as_str();
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
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => "an ISO media file (MP4, HEIC or AVIF)",
        _ if starts(b"<!doctype html") || starts(b"<html") => "text/html",
        _ if starts(b"<svg") || starts(b"<?xml") => "SVG or another XML text",
        _ if head
            .iter()
            .all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) =>
        {
            "plain text"
        }
        _ => "no known image type",
    }
}

/// Checks a declared content type.
pub fn check_content_type(content_type: &str) -> Result<MediaType, Failure> {
    MediaType::parse(content_type).ok_or_else(|| {
        let taken = MediaType::ALL
            .iter()
            .map(|media_type| media_type.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        Failure::new(
            ErrorCode::MediaTypeUnsupported,
            format!("This content_type is not taken. Taken are: {taken}."),
        )
    })
}

/// Checks a declared size in bytes against the limit.
pub fn check_size(size_bytes: i64, max_bytes: u64) -> Result<u64, Failure> {
    match u64::try_from(size_bytes) {
        Err(_) => Err(Failure::new(
            ErrorCode::SizeInvalid,
            "size_bytes is negative; give the file's exact size in bytes.",
        )),
        Ok(0) => Err(Failure::new(
            ErrorCode::FileEmpty,
            "size_bytes is 0: an empty file holds no media.",
        )),
        Ok(size) if size > max_bytes => Err(Failure::new(
            ErrorCode::FileTooLarge,
            format!("size_bytes is {size}, the limit is {max_bytes} bytes."),
        )),
        Ok(size) => Ok(size),
    }
}

/// Checks a file name. Names are metadata only, so paths, emoji and bidi marks are kept as they are.
pub fn check_filename(filename: &str) -> Result<(), Failure> {
    let invalid = |why: &str| Err(Failure::new(ErrorCode::FilenameInvalid, why));
    if filename.is_empty() {
        invalid("filename is empty; give the file's name.")
    } else if filename.len() > FILENAME_MAX_BYTES {
        invalid("filename is longer than 1024 bytes of UTF-8; shorten it.")
    } else if filename.contains('\0') {
        invalid("filename holds a NUL character; remove it.")
    } else {
        Ok(())
    }
}

/// Checks an optional declared SHA-256.
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
