//! Codec strings.

use shared::video::codecs::avc1;

#[test]
fn from_profile_and_level() {
    assert_eq!(avc1(0x64, 0, 0x1F), "avc1.64001F");
    assert_eq!(avc1(0x42, 0xC0, 0x0A), "avc1.42C00A");
}
