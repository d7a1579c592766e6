//! RFC 6381 codec strings, read from what the encoder wrote.

/// AAC-LC, which every audio rendition is.
pub const AAC: &str = "mp4a.40.2";

/// `avc1.PPCCLL` of an `avcC` box's content (`AVCDecoderConfigurationRecord`); `None` if it is none.
#[must_use]
pub fn codecs_from_avcc(avcc: &[u8]) -> Option<String> {
    match avcc {
        [1, profile, compatibility, level, _, _, ..] => {
            Some(format!("avc1.{profile:02X}{compatibility:02X}{level:02X}"))
        }
        _ => None,
    }
}

/// `avc1.PPCCLL` of an MP4 initialization segment whose first track is H.264; `None` if there is none.
#[must_use]
pub fn codecs_from_init(init: &[u8]) -> Option<String> {
    const PATH: [[u8; 4]; 5] = [*b"moov", *b"trak", *b"mdia", *b"minf", *b"stbl"];
    let mut content = init;
    for name in PATH {
        content = find(content, name)?;
    }
    // stsd: version and flags, then a count; avc1: 78 bytes of a VisualSampleEntry before its boxes (ISO/IEC 14496-12).
    let entries = find(content, *b"stsd")?.get(8..)?;
    let boxes = find(entries, *b"avc1")?.get(78..)?;
    codecs_from_avcc(find(boxes, *b"avcC")?)
}

/// Content of the first box `name` in a row of boxes.
fn find(mut boxes: &[u8], name: [u8; 4]) -> Option<&[u8]> {
    loop {
        let (size, rest) = boxes.split_first_chunk::<4>()?;
        let (kind, _) = rest.split_first_chunk::<4>()?;
        let size = usize::try_from(u32::from_be_bytes(*size)).ok()?;
        if size < 8 {
            return None;
        }
        if *kind == name {
            return boxes.get(8..size);
        }
        boxes = boxes.get(size..)?;
    }
}
