//! What every decoder gives.

use crate::pixels::Raster;

/// A decoded source.
pub(crate) struct Decoded {
    /// Pixels as stored: neither upright nor in sRGB yet.
    pub(crate) raster: Raster,
    /// The colour profile that the file carries.
    pub(crate) profile: Option<Vec<u8>>,
}
