//! What the decoders of HEIF's codings give.

use heic_rs::hevc::Frame;
use heic_rs::props::colr::Range;

/// Planes of one item.
pub(super) struct Planes {
    pub(super) frame: Frame,
    /// The range of its samples, as the coded data itself declares it.
    pub(super) range: Range,
}
