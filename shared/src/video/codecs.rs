//! RFC 6381 codec strings, read from the encoder's output.

/// AAC-LC: the codec of every audio rendition.
pub const AAC: &str = "mp4a.40.2";

/// `avc1.PPCCLL` from the content of an `avcC` box (`AVCDecoderConfigurationRecord`); `None` if it is malformed.
#[must_use]
pub fn codecs_from_avcc(avcc: &[u8]) -> Option<String> {
    match avcc {
        [1, profile, compatibility, level, _, _, ..] => {
            Some(format!("avc1.{profile:02X}{compatibility:02X}{level:02X}"))
        }
        _ => None,
    }
}

/// `avc1.PPCCLL` from an MP4 initialization segment; `None` if its first track is not H.264.
#[must_use]
pub fn codecs_from_init(init: &[u8]) -> Option<String> {
    const PATH: [[u8; 4]; 5] = [*b"moov", *b"trak", *b"mdia", *b"minf", *b"stbl"];
    let mut content = init;
    for name in PATH {
        content = find(content, name)?;
    }
    // stsd: 4 bytes of version and flags, 4 bytes of count. avc1: 78 bytes of VisualSampleEntry, then boxes (ISO/IEC
    // 14496-12).
    let entries = find(content, *b"stsd")?.get(8..)?;
    let boxes = find(entries, *b"avc1")?.get(78..)?;
    codecs_from_avcc(find(boxes, *b"avcC")?)
}

/// Content of the first box `name` in a sequence of boxes.
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
