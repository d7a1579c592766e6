//! What a file is by its first bytes, whatever its name and its declared type say: one family of containers per reader.

/// A family of files that one reader opens.
///
/// MP4, `QuickTime`, M4V, 3GP and M4A are one family: the same boxes, told apart by a brand that writers choose freely. `WebM` is a
/// profile of Matroska, and what browsers record as one is often named as the other: one family, too.
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
    /// AVIF: an ISO file with a brand of pictures.
    Avif,
    /// HEIC: the same with another codec.
    Heif,
    /// ISO base media: MP4, `QuickTime`, M4V, 3GP, M4A.
    IsoMedia,
    /// Matroska and `WebM`.
    Matroska,
    /// MPEG transport stream, with packets of 188 or (Blu-ray) 192 bytes.
    MpegTs,
    /// MPEG program stream, or a bare MPEG-1 or MPEG-2 video.
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
    /// An ID3 tag, often larger than what is looked at; sound follows.
    Id3,
}

/// Bytes of a transport stream's packet, without and with Blu-ray's time stamp before it.
const TS_PACKETS: [(usize, usize); 2] = [(0, 188), (4, 192)];

/// Boxes that an ISO file without a brand begins with: `QuickTime`'s first version had none.
const FIRST_BOXES: [&[u8]; 6] = [b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"];

impl Container {
    /// The family that the first bytes of a file show.
    #[must_use]
    pub fn sniff(head: &[u8]) -> Option<Self> {
        Self::by_magic(head)
            .or_else(|| iso(head))
            .or_else(|| ebml(head))
            .or_else(|| is_transport_stream(head).then_some(Self::MpegTs))
            .or_else(|| mpeg_audio(head))
    }

    /// Families that begin with bytes of their own.
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

    /// The family in words, for an error's detail.
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
            Self::Id3 => "sound with an ID3 tag",
        }
    }
}

/// Brands of an ISO file, the major one first; `None` when it has none.
pub(crate) fn brands(head: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let [a, b, c, d, b'f', b't', b'y', b'p', rest @ ..] = head else {
        return None;
    };
    let size = usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok()?;
    let listed = rest.get(..size.checked_sub(8)?).unwrap_or(rest);
    // Between the major brand and the compatible ones stands a version.
    let brands = listed.chunks_exact(4).enumerate();
    Some(brands.filter_map(|(index, brand)| (index != 1).then_some(brand)))
}

/// ISO base media (ISO/IEC 14496-12) by its brands, or by the first box of a file from before there were brands.
fn iso(head: &[u8]) -> Option<Container> {
    let is_avif = |brand: &[u8]| [b"avif", b"avis"].iter().any(|one| brand == *one);
    let pictures: [&[u8]; 9] = [
        b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1", b"miaf",
    ];
    if let Some(mut all) = brands(head) {
        let major = all.next()?;
        return Some(if is_avif(major) {
            Container::Avif
        } else if !pictures.contains(&major) {
            Container::IsoMedia
        } else if all.any(is_avif) {
            Container::Avif
        } else {
            Container::Heif
        });
    }
    let (size, name) = (head.get(..4)?, head.get(4..8)?);
    let size = u32::from_be_bytes(size.try_into().ok()?);
    // 0: to the end of the file; 1: a longer size follows.
    let is_size = matches!(size, 0 | 1 | 8..);
    (is_size && FIRST_BOXES.contains(&name)).then_some(Container::IsoMedia)
}

/// What `DocType` an EBML file has (RFC 8794): `webm`, or `matroska`.
pub(crate) fn doc_type(head: &[u8]) -> Option<&[u8]> {
    let header = head.strip_prefix(&[0x1A, 0x45, 0xDF, 0xA3])?;
    // Element 0x4282, then its length in one byte. The header is short, and stands before everything else.
    let header = header.get(..64).unwrap_or(header);
    let at = header.windows(2).position(|id| id == [0x42, 0x82])?;
    let length = usize::from(header.get(at + 2)? & 0x7F);
    header.get(at + 3..at + 3 + length)
}

fn ebml(head: &[u8]) -> Option<Container> {
    matches!(doc_type(head)?, b"webm" | b"matroska").then_some(Container::Matroska)
}

/// Whether every packet that begins here begins with the sync byte; one alone is a letter G.
fn is_transport_stream(head: &[u8]) -> bool {
    TS_PACKETS.iter().any(|&(first, length)| {
        let mut starts = head.iter().skip(first).step_by(length);
        starts.len() >= 2 && starts.all(|byte| *byte == 0x47)
    })
}

/// A frame of MPEG audio (ISO/IEC 11172-3) or of AAC (ISO/IEC 13818-7): both begin with twelve set bits.
///
/// Trap: `FF FE` is also how UTF-16 begins; as a frame it would be layer I, which nobody uses.
fn mpeg_audio(head: &[u8]) -> Option<Container> {
    let [0xFF, second, third, ..] = head else {
        return None;
    };
    let (version, layer) = (second >> 3 & 0b11, second >> 1 & 0b11);
    let (bitrate, rate) = (third >> 4, third >> 2 & 0b11);
    if second & 0xF6 == 0xF0 {
        // ADTS: a sampling frequency index of 0–12.
        return (third >> 2 & 0b1111 < 13).then_some(Container::Adts);
    }
    let is_frame = second & 0xE0 == 0xE0
        && version != 0b01
        && matches!(layer, 0b01 | 0b10)
        && bitrate != 0b1111
        && rate != 0b11;
    is_frame.then_some(Container::MpegAudio)
}
