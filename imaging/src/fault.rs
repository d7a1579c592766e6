//! The failures of the codec. Each text says what happened, why, and what the user can do.

use shared::problem::{ErrorCode, Failure};

use crate::format::Format;

/// The file ends before its pixels are complete.
pub(crate) fn truncated(format: Format) -> Failure {
    let name = format.name();
    Failure::new(
        ErrorCode::ImageTruncated,
        format!(
            "The {name} file ends before its image data is complete. Upload the complete file."
        ),
    )
}

/// The file violates the rules of its format.
pub(crate) fn corrupt(format: Format) -> Failure {
    let name = format.name();
    Failure::new(
        ErrorCode::ImageCorrupt,
        format!(
            "The {name} file is damaged: its data is invalid. Export the image again and upload the new file."
        ),
    )
}

/// The file uses `feature`, which this build cannot decode. `feature` starts the sentence.
pub(crate) fn unsupported(feature: &str) -> Failure {
    Failure::new(
        ErrorCode::ImageUnsupported,
        format!(
            "{feature} is not supported. Save the image as a standard JPEG, PNG or WebP file and upload that file."
        ),
    )
}

/// The plan has a variant that only the native build can encode.
pub(crate) fn not_encoded() -> Failure {
    Failure::new(
        ErrorCode::ImageUnsupported,
        "AVIF variants are not supported at the edge. Remove them from the plan, or run the job on a native worker.",
    )
}

/// The width or the height is zero, or larger than the format allows.
pub(crate) fn dimensions(width: u32, height: u32) -> Failure {
    Failure::new(
        ErrorCode::ImageDimensionsInvalid,
        format!(
            "The size in the file is invalid: {width} × {height} pixels. Export the image again and upload the new file."
        ),
    )
}

/// The image has more pixels than the plan allows.
pub(crate) fn too_large(width: u32, height: u32, pixels_max: u64) -> Failure {
    Failure::new(
        ErrorCode::ImageTooLarge,
        format!(
            "The image has {width} × {height} pixels. The limit is {pixels_max} pixels in total. Upload a smaller version."
        ),
    )
}

/// Decoding would take more memory than the plan allows.
pub(crate) fn memory(needed_bytes: u64, max_bytes: u64) -> Failure {
    let (needed, max) = (needed_bytes.div_ceil(MIB), max_bytes / MIB);
    Failure::new(
        ErrorCode::ImageMemoryExceeded,
        format!(
            "Decoding this image takes about {needed} MiB of memory. The limit is {max} MiB. Progressive, interlaced, lossless, transparent and GIF images need the most memory. Upload a smaller version, or a baseline JPEG."
        ),
    )
}

/// The codec itself failed. `step` completes "The codec could not …".
pub(crate) fn internal(step: &str) -> Failure {
    Failure::new(
        ErrorCode::Internal,
        format!(
            "Internal error: the codec could not {step}. The file is not the cause. Please report this."
        ),
    )
}

const MIB: u64 = 1024 * 1024;
