//! RFC 6381 codec strings of what is encoded.

/// AAC-LC, which every audio rendition is.
pub const AAC: &str = "mp4a.40.2";

/// `avc1.PPCCLL` of an H.264 stream: profile, constraint flags and level, as its `avcC` box has them (RFC 6381, section 3.3).
///
/// ```
/// assert_eq!(shared::video::codecs::avc1(0x64, 0, 0x1f), "avc1.64001F");
/// ```
#[must_use]
pub fn avc1(profile: u8, compatibility: u8, level: u8) -> String {
    format!("avc1.{profile:02X}{compatibility:02X}{level:02X}")
}
