//! Codec strings.

use shared::video::codecs::{codecs_from_avcc, codecs_from_init};

/// Content of an `avcC` box: version, profile, compatibility, level, NAL sizes, no parameter sets.
const AVCC: [u8; 7] = [1, 0x64, 0, 0x1F, 0xFF, 0xE0, 0];

fn boxed(name: [u8; 4], content: &[u8]) -> Vec<u8> {
    let size = u32::try_from(content.len() + 8).unwrap();
    [&size.to_be_bytes(), name.as_slice(), content].concat()
}

/// A minimal initialization segment: the boxes on the path to `avcC`.
fn init(entry: [u8; 4]) -> Vec<u8> {
    let avc1 = boxed(
        entry,
        &[
            &[0; 78],
            boxed(*b"pasp", &[0; 8]).as_slice(),
            &boxed(*b"avcC", &AVCC),
        ]
        .concat(),
    );
    let stsd = boxed(
        *b"stsd",
        &[&[0, 0, 0, 0, 0, 0, 0, 1], avc1.as_slice()].concat(),
    );
    let stbl = boxed(*b"stbl", &stsd);
    let minf = boxed(*b"minf", &[boxed(*b"vmhd", &[0; 12]), stbl].concat());
    let mdia = boxed(*b"mdia", &[boxed(*b"mdhd", &[0; 24]), minf].concat());
    let trak = boxed(*b"trak", &[boxed(*b"tkhd", &[0; 84]), mdia].concat());
    let moov = boxed(*b"moov", &[boxed(*b"mvhd", &[0; 100]), trak].concat());
    [boxed(*b"ftyp", b"iso5"), moov].concat()
}

#[test]
fn from_avcc() {
    assert_eq!(codecs_from_avcc(&AVCC).as_deref(), Some("avc1.64001F"));
    assert_eq!(
        codecs_from_avcc(&[1, 0x42, 0xC0, 0x0A, 0xFF, 0xE1]).as_deref(),
        Some("avc1.42C00A")
    );
    assert_eq!(codecs_from_avcc(&[0, 0x64, 0, 0x1F, 0xFF, 0xE0, 0]), None);
    assert_eq!(codecs_from_avcc(&[1, 0x64]), None);
    assert_eq!(codecs_from_avcc(&[]), None);
}

#[test]
fn from_init() {
    let segment = init(*b"avc1");
    assert_eq!(codecs_from_init(&segment).as_deref(), Some("avc1.64001F"));
    assert_eq!(codecs_from_init(&init(*b"hvc1")), None);
    // Truncated anywhere, it is invalid, and nothing panics.
    for end in 0..segment.len() {
        assert_eq!(codecs_from_init(&segment[..end]), None, "{end}");
    }
    assert_eq!(
        codecs_from_init(&[0; 64]),
        None,
        "a box of no size ends the walk"
    );
}
