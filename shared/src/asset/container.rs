//! Container families, detected by a file's first bytes, independent of its name and declared type.

/// A family of file formats that the same demuxer or decoder reads.
///
/// MP4, `QuickTime`, M4V, 3GP and M4A are one family: they have the same boxes and differ only in a brand, which writers
/// choose freely. `WebM` is a profile of Matroska, and browsers often record one but name the file as the other, so these
/// also are one family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Container {
    /// JPEG.
    Jpeg,
    /// PNG.
    Png,
    /// WebP.
    WebP,
    /// GIF.
    Gif,
    /// TIFF and `BigTIFF`.
    Tiff,
    /// AVIF: an ISO file with an AVIF brand.
    Avif,
    /// HEIC: an ISO file with a HEIF brand.
    Heif,
    /// ISO base media: MP4, `QuickTime`, M4V, 3GP, M4A.
    IsoMedia,
    /// Matroska and `WebM`.
    Matroska,
    /// MPEG transport stream, with packets of 188 or (Blu-ray) 192 bytes.
    MpegTs,
    /// MPEG program stream, or an elementary stream of MPEG-1 or MPEG-2 video.
    MpegPs,
    /// AVI.
    Avi,
    /// Flash video.
    Flv,
    /// Ogg.
    Ogg,
    /// WAV.
    Wav,
    /// FLAC.
    Flac,
    /// MPEG audio, layer II or III.
    MpegAudio,
    /// AAC in ADTS frames.
    Adts,
    /// An ID3 tag; audio follows. The tag is often larger than the bytes that are read.
    Id3,
}

/// Offset of the first sync byte and packet length of a transport stream, without and with Blu-ray's time stamps.
const TS_PACKETS: [(usize, usize); 2] = [(0, 188), (4, 192)];

/// First boxes of an ISO file without a brand: the first version of `QuickTime` had no brands.
const FIRST_BOXES: [&[u8]; 6] = [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];

impl Container {
    /// Detects the family from the first bytes of a file.
    #[must_use]
    pub fn sniff(head: &[u8]) -> Option<Self> {
        Self::by_magic(head)
            .or_else(|| iso(head))
            .or_else(|| ebml(head))
            .or_else(|| is_transport_stream(head).then_some(Self::MpegTs))
            .or_else(|| mpeg_audio(head))
    }

    /// Families with a magic number at the start.
    fn by_magic(head: &[u8]) -> Option<Self> {
        Some(match head {
            [0xFF, 0xD8, 0xFF, ..] => Self::Jpeg,
            [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Self::Png,
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Self::Gif,
            [b'I', b'I', b'*' | b'+', 0, ..] | [b'M', b'M', 0, b'*' | b'+', ..] => Self::Tiff,
            [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..] if form.starts_with(b"WEBP") => {
                Self::WebP
            }
            [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..] if form.starts_with(b"AVI ") => {
                Self::Avi
            }
            [b'R', b'I', b'F', b'F', _, _, _, _, form @ ..]
            | [b'R', b'F', b'6', b'4', _, _, _, _, form @ ..]
                if form.starts_with(b"WAVE") =>
            {
                Self::Wav
            }
            [b'F', b'L', b'V', 1, ..] => Self::Flv,
            [b'O', b'g', b'g', b'S', 0, ..] => Self::Ogg,
            [b'f', b'L', b'a', b'C', ..] => Self::Flac,
            [b'I', b'D', b'3', 2..=4, ..] => Self::Id3,
            [0, 0, 1, 0xBA | 0xB3, ..] => Self::MpegPs,
            _ => return None,
        })
    }

    /// Description of the family for an error's detail.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::WebP => "image/webp",
            Self::Gif => "image/gif",
            Self::Tiff => "image/tiff",
            Self::Avif => "image/avif",
            Self::Heif => "image/heic",
            Self::IsoMedia => "an ISO media file (MP4, QuickTime, 3GP or M4A)",
            Self::Matroska => "a Matroska or WebM file",
            Self::MpegTs => "an MPEG transport stream",
            Self::MpegPs => "an MPEG program stream",
            Self::Avi => "an AVI file",
            Self::Flv => "a Flash video",
            Self::Ogg => "an Ogg file",
            Self::Wav => "a WAV file",
            Self::Flac => "a FLAC file",
            Self::MpegAudio => "MPEG audio",
            Self::Adts => "AAC audio (ADTS)",
            Self::Id3 => "audio with an ID3 tag",
        }
    }
}

/// Brands of an ISO file, the major brand first; `None` if it has none.
pub(crate) fn brands(head: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let [a, b, c, d, b'f', b't', b'y', b'p', rest @ ..] = head else {
        return None;
    };
    let size = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok()?;
    let listed = rest.get(..size.checked_sub(8)?).unwrap_or(rest);
    // A version follows the major brand.
    let brands = listed.chunks_exact(4).enumerate();
    Some(brands.filter_map(|(index, brand)| (index != 1).then_some(brand)))
}

/// ISO base media (ISO/IEC 14496-12), detected by its brands or, in older files without brands, by the first box.
fn iso(head: &[u8]) -> Option<Container> {
    let is_avif = |brand: &[u8]| [b"avif", b"avis"].iter().any(|one| brand == *one);
    let heif: [&[u8]; 9] = [
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"miaf",
    ];
    if let Some(mut all) = brands(head) {
        let major = all.next()?;
        return Some(if is_avif(major) {
            Container::Avif
        } else if !heif.contains(&major) {
            Container::IsoMedia
        } else if all.any(is_avif) {
            Container::Avif
        } else {
            Container::Heif
        });
    }
    let (size, name) = (head.get(..4)?, head.get(4..8)?);
    let size = u32::from_be_bytes(size.try_into().ok()?);
    // 0: the box extends to the end of the file; 1: a 64-bit size follows.
    let is_size = matches!(size, 0 | 1 | 8..);
    (is_size && FIRST_BOXES.contains(&name)).then_some(Container::IsoMedia)
}

/// `DocType` of an EBML file (RFC 8794): `webm` or `matroska`.
pub(crate) fn doc_type(head: &[u8]) -> Option<&[u8]> {
    let header = head.strip_prefix(&[0x1A, 0x45, 0xDF, 0xA3])?;
    // Element 0x4282, then its length in one byte. The header is short and at the start of the file.
    let header = header.get(..64).unwrap_or(header);
    let at = header.windows(2).position(|id| id == [0x42, 0x82])?;
    let length = usize::from(header.get(at + 2)? & 0x7F);
    header.get(at + 3..at + 3 + length)
}

fn ebml(head: &[u8]) -> Option<Container> {
    matches!(doc_type(head)?, b"webm" | b"matroska").then_some(Container::Matroska)
}

/// Whether every packet in `head` starts with the sync byte. At least two packets are required: a single sync byte is also
/// the letter G.
fn is_transport_stream(head: &[u8]) -> bool {
    TS_PACKETS.iter().any(|&(first, length)| {
        let mut starts = head.iter().skip(first).step_by(length);
        starts.len() >= 2 && starts.all(|byte| *byte == 0x47)
    })
}

/// A frame of MPEG audio (ISO/IEC 11172-3) or AAC (ISO/IEC 13818-7): both start with twelve set bits.
///
/// Trap: UTF-16 text starts with `FF FE`. As a frame header this would be layer I, which is not in use and not accepted.
fn mpeg_audio(head: &[u8]) -> Option<Container> {
    let [0xFF, second, third, ..] = head else {
        return None;
    };
    let (version, layer) = (second >> 3 & 0b11, second >> 1 & 0b11);
    let (bitrate, rate) = (third >> 4, third >> 2 & 0b11);
    if second & 0xF6 == 0xF0 {
        // ADTS: the sampling frequency index is 0–12.
        return (third >> 2 & 0b1111 < 13).then_some(Container::Adts);
    }
    let is_frame = second & 0xE0 == 0xE0
        && version != 0b01
        && matches!(layer, 0b01 | 0b10)
        && bitrate != 0b1111
        && rate != 0b11;
    is_frame.then_some(Container::MpegAudio)
}
