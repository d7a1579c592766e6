//! What every decoder returns.

use crate::pixels::Raster;

/// A decoded file.
pub(crate) struct Decoded {
    /// The pixels, which are neither upright nor in sRGB yet.
    pub(crate) raster: Raster,
    /// The embedded colour profile.
    pub(crate) profile: Option<Vec<u8>>,
}
