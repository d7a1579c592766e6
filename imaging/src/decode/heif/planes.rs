//! What the AV1 and HEVC decoders return.

use heic_rs::hevc::Frame;
use heic_rs::props::colr::Range;

/// The planes of one item.
pub(super) struct Planes {
    pub(super) frame: Frame,
    /// The range of the samples, as the coded data declares it.
    pub(super) range: Range,
}
