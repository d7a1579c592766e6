//! The failures of the codec in plain words: what happened, why, what to do.

use shared::problem::{ErrorCode, Failure};

use crate::format::Format;

/// The file ends before its pixels do.
pub(crate) fn truncated(format: Format) -> Failure {
    let name = format.name();
    Failure::new(
        ErrorCode::ImageTruncated,
        format!(
            "The {name} file ends before its image data does, so part of the image is missing. Upload the complete file."
        ),
    )
}

/// The file contradicts its own format.
pub(crate) fn corrupt(format: Format) -> Failure {
    let name = format.name();
    Failure::new(
        ErrorCode::ImageCorrupt,
        format!(
            "The {name} file is damaged: its data contradicts the rules of the format. Export the image again and upload that file."
        ),
    )
}

/// The file is valid and uses `feature`, which nothing here decodes.
pub(crate) fn unsupported(feature: &str) -> Failure {
    Failure::new(
        ErrorCode::ImageUnsupported,
        format!(
            "{feature} cannot be decoded here. Save the image as an ordinary JPEG, PNG or WebP and upload that file."
        ),
    )
}

/// The plan wants a variant that only the native build makes.
pub(crate) fn not_encoded() -> Failure {
    Failure::new(
        ErrorCode::ImageUnsupported,
        "AVIF variants are not made at the edge: leave them out of the plan, or hand the image to a native worker.",
    )
}

/// A side is zero or beyond what the format can hold.
pub(crate) fn dimensions(width: u32, height: u32) -> Failure {
    Failure::new(
        ErrorCode::ImageDimensionsInvalid,
        format!(
            "The file says that the image is {width} × {height} pixels, which no image can be. Export it again and upload that file."
        ),
    )
}

/// More pixels than the plan takes.
pub(crate) fn too_large(width: u32, height: u32, pixels_max: u64) -> Failure {
    Failure::new(
        ErrorCode::ImageTooLarge,
        format!(
            "The image has {width} × {height} pixels, and {pixels_max} pixels in total are the limit. Upload a smaller version."
        ),
    )
}

/// Decoding would take more memory than the plan gives.
pub(crate) fn memory(needed_bytes: u64, max_bytes: u64) -> Failure {
    let (needed, max) = (needed_bytes.div_ceil(MIB), max_bytes / MIB);
    Failure::new(
        ErrorCode::ImageMemoryExceeded,
        format!(
            "Decoding this image takes about {needed} MiB of memory, and {max} MiB are the limit. Progressive, interlaced, lossless, transparent and GIF images need the most: upload a smaller one, or a plain JPEG."
        ),
    )
}

/// Something of ours failed on valid input.
pub(crate) fn internal(step: &str) -> Failure {
    Failure::new(
        ErrorCode::Internal,
        format!("The codec could not {step}. Nothing is wrong with the file; please report it."),
    )
}

const MIB: u64 = 1024 * 1024;
