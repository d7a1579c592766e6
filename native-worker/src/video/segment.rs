//! Verification of fragmented MP4: the boxes of every segment are read before it is published.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use mp4_atom::{Codec, Decode as _, Moof, Moov, Traf, Trak, Trex};
use shared::video::codecs::avc1;

/// Size limit of an initialization segment and of the index of a fragment.
const INDEX_BYTES_MAX: u64 = 8 << 20;

/// `sample_is_non_sync_sample` of ISO/IEC 14496-12.
const NON_SYNC: u32 = 0x1_0000;

/// A fault of a file that the encoder wrote.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// It cannot be read from the disk.
    #[error("it cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is empty.
    #[error("it is empty")]
    Empty,
    /// It is not a fragmented MP4, or it is cut off.
    #[error("it is not a complete fragmented MP4: {0}")]
    Structure(&'static str),
    /// Its index cannot be decoded.
    #[error("its index cannot be decoded: {0}")]
    Index(#[from] mp4_atom::Error),
    /// It does not start where the previous one ends.
    #[error("it starts at tick {found}, but the previous one ends at {expected}")]
    Gap {
        /// Where it should start.
        expected: u64,
        /// Where it starts.
        found: u64,
    },
    /// Playback cannot start with it.
    #[error("its first frame is not a key frame")]
    NoKeyFrame,
}

/// The track of an initialization segment.
#[derive(Debug, Clone)]
pub(crate) struct Init {
    /// Ticks per second.
    pub(crate) timescale: u32,
    /// RFC 6381 codec string of H.264; `None` for audio.
    pub(crate) codecs: Option<String>,
    defaults: Trex,
}

impl Init {
    /// Reads and verifies an initialization segment.
    pub(crate) fn read(path: &Path) -> Result<Self, Fault> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        if size == 0 {
            return Err(Fault::Empty);
        }
        if size > INDEX_BYTES_MAX {
            return Err(Fault::Structure("its index is too large"));
        }
        let mut moov = None;
        while let Some(Header { kind, content, .. }) = Header::next(&mut file, size)? {
            if &kind == b"moov" {
                moov = Some(Moov::decode(&mut content.whole(&mut file)?.as_slice())?);
            } else {
                content.skip(&mut file)?;
            }
        }
        let moov = moov.ok_or(Fault::Structure("it has no moov"))?;
        let [track] = moov.trak.as_slice() else {
            return Err(Fault::Structure("it does not have exactly one track"));
        };
        let defaults = moov.mvex.and_then(|mvex| mvex.trex.into_iter().next());
        Ok(Self {
            timescale: track.mdia.mdhd.timescale.max(1),
            codecs: codecs(track),
            defaults: defaults.ok_or(Fault::Structure("it has no trex"))?,
        })
    }
}

/// The codec of an H.264 track.
fn codecs(track: &Trak) -> Option<String> {
    let Some(Codec::Avc1(entry)) = track.mdia.minf.stbl.stsd.codecs.first() else {
        return None;
    };
    let avcc = &entry.avcc;
    Some(avc1(
        avcc.avc_profile_indication,
        avcc.profile_compatibility,
        avcc.avc_level_indication,
    ))
}

/// The content of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Content {
    /// Tick of its first sample.
    pub(crate) start: u64,
    /// Length in ticks: the sum of its samples.
    pub(crate) ticks: u64,
    /// Number of samples (frames).
    pub(crate) samples: u64,
    /// Size in bytes.
    pub(crate) size_bytes: u64,
}

impl Content {
    /// Reads and verifies a segment of the track of `init`. It has to start at tick `ended`, where the previous one ends.
    pub(crate) fn read(path: &Path, init: &Init, ended: Option<u64>) -> Result<Self, Fault> {
        let mut file = File::open(path)?;
        let size_bytes = file.metadata()?.len();
        if size_bytes == 0 {
            return Err(Fault::Empty);
        }
        let mut fragments = Fragments::new(init, ended);
        while let Some(Header { kind, content, .. }) = Header::next(&mut file, size_bytes)? {
            match &kind {
                b"moof" => {
                    let bytes = content.whole(&mut file)?;
                    fragments.moof(&Moof::decode(&mut bytes.as_slice())?)?;
                }
                b"mdat" => {
                    fragments.mdat(content.length)?;
                    content.skip(&mut file)?;
                }
                b"styp" | b"sidx" | b"prft" | b"emsg" | b"free" | b"mfra" => {
                    content.skip(&mut file)?;
                }
                _ => return Err(Fault::Structure("it has an unexpected box")),
            }
        }
        fragments.end(size_bytes)
    }
}

/// Verifies and sums up the fragments of a segment.
struct Fragments<'a> {
    init: &'a Init,
    /// Tick at which the next fragment has to start.
    at: Option<u64>,
    start: Option<u64>,
    samples: u64,
    /// Size that the next `mdat` must have.
    expected_bytes: Option<u64>,
}

impl<'a> Fragments<'a> {
    const fn new(init: &'a Init, ended: Option<u64>) -> Self {
        Self {
            init,
            at: ended,
            start: None,
            samples: 0,
            expected_bytes: None,
        }
    }

    fn moof(&mut self, moof: &Moof) -> Result<(), Fault> {
        if self.expected_bytes.is_some() {
            return Err(Fault::Structure("an index has no content"));
        }
        let [traf] = moof.traf.as_slice() else {
            return Err(Fault::Structure(
                "a fragment does not have exactly one track",
            ));
        };
        let found = traf
            .tfdt
            .as_ref()
            .map(|tfdt| tfdt.base_media_decode_time)
            .ok_or(Fault::Structure("a fragment has no time"))?;
        if let Some(expected) = self.at
            && expected != found
        {
            return Err(Fault::Gap { expected, found });
        }
        let samples = Samples::of(traf, &self.init.defaults);
        if samples.count == 0 {
            return Err(Fault::Structure("a fragment has no samples"));
        }
        if self.start.is_none() {
            self.start = Some(found);
            if samples.first_flags & NON_SYNC != 0 {
                return Err(Fault::NoKeyFrame);
            }
        }
        self.at = Some(found.saturating_add(samples.ticks));
        self.samples = self.samples.saturating_add(samples.count);
        self.expected_bytes = Some(samples.bytes);
        Ok(())
    }

    fn mdat(&mut self, length: u64) -> Result<(), Fault> {
        match self.expected_bytes.take() {
            Some(bytes) if bytes == length => Ok(()),
            Some(_) => Err(Fault::Structure(
                "the size of its content is not that of its samples",
            )),
            None => Err(Fault::Structure("content has no index")),
        }
    }

    fn end(self, size_bytes: u64) -> Result<Content, Fault> {
        let (Some(start), Some(end), None) = (self.start, self.at, self.expected_bytes) else {
            return Err(Fault::Structure("it ends too early"));
        };
        let ticks = end.saturating_sub(start);
        if ticks == 0 {
            return Err(Fault::Structure("its samples have no length"));
        }
        Ok(Content {
            start,
            ticks,
            samples: self.samples,
            size_bytes,
        })
    }
}

/// Summary of the samples of a fragment.
#[derive(Default)]
struct Samples {
    count: u64,
    ticks: u64,
    bytes: u64,
    first_flags: u32,
}

impl Samples {
    /// Sums up a fragment. What a sample does not define comes from its fragment, or else from its track.
    fn of(traf: &Traf, track: &Trex) -> Self {
        let fragment = &traf.tfhd;
        let default_duration = fragment
            .default_sample_duration
            .unwrap_or(track.default_sample_duration);
        let default_size = fragment
            .default_sample_size
            .unwrap_or(track.default_sample_size);
        let default_flags = fragment
            .default_sample_flags
            .unwrap_or(track.default_sample_flags);
        let mut samples = Self::default();
        for sample in traf.trun.iter().flat_map(|run| run.samples.iter()) {
            if samples.count == 0 {
                samples.first_flags = sample.flags.unwrap_or(default_flags);
            }
            samples.count += 1;
            samples.ticks += u64::from(sample.duration.unwrap_or(default_duration));
            samples.bytes += u64::from(sample.size.unwrap_or(default_size));
        }
        samples
    }
}

/// The head of a box. The file is positioned at its content.
struct Header {
    kind: [u8; 4],
    content: Span,
}

/// The content of a box.
struct Span {
    /// Offset of the box.
    from: u64,
    /// Size of its content.
    length: u64,
    /// Size of its head.
    head: u64,
}

impl Header {
    /// The next box of a file of `size` bytes; `None` at its end.
    fn next(file: &mut File, size: u64) -> Result<Option<Self>, Fault> {
        let cut = Fault::Structure("it ends in the middle of a box");
        let from = file.stream_position()?;
        if from == size {
            return Ok(None);
        }
        if size - from < 8 {
            return Err(cut);
        }
        let mut word = [0; 4];
        let mut kind = [0; 4];
        file.read_exact(&mut word)?;
        file.read_exact(&mut kind)?;
        let (total, head) = match u32::from_be_bytes(word) {
            0 => (size - from, 8),
            1 if size - from >= 16 => {
                let mut long = [0; 8];
                file.read_exact(&mut long)?;
                (u64::from_be_bytes(long), 16)
            }
            short => (u64::from(short), 8),
        };
        if total < head || total > size - from {
            return Err(cut);
        }
        let length = total - head;
        let content = Span { from, length, head };
        Ok(Some(Self { kind, content }))
    }
}

impl Span {
    fn skip(&self, file: &mut File) -> Result<(), Fault> {
        file.seek(SeekFrom::Start(self.from + self.head + self.length))?;
        Ok(())
    }

    /// The whole box, including its head.
    fn whole(&self, file: &mut File) -> Result<Vec<u8>, Fault> {
        let total = self.head + self.length;
        if total > INDEX_BYTES_MAX {
            return Err(Fault::Structure("its index is too large"));
        }
        file.seek(SeekFrom::Start(self.from))?;
        let mut bytes = Vec::new();
        file.take(total).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use mp4_atom::{
        Avc1, Avcc, Encode as _, Hev1, Mfhd, Mvex, Tfdt, Tfhd, Trun, TrunEntry, TrunSamples,
    };

    use super::*;

    const KEY: u32 = 0x0200_0000;

    fn init() -> Init {
        Init {
            timescale: 1_000,
            codecs: None,
            defaults: Trex {
                default_sample_duration: 40,
                default_sample_flags: NON_SYNC,
                ..Trex::default()
            },
        }
    }

    /// An initialization segment of one track with these sample entries.
    fn initialization(entries: Vec<Codec>) -> Vec<u8> {
        let mut track = Trak::default();
        track.mdia.mdhd.timescale = 12_800;
        track.mdia.minf.stbl.stsd.codecs = entries;
        // The decoder demands a table of chunks, even an empty one.
        track.mdia.minf.stbl.stco = Some(mp4_atom::Stco::default());
        let moov = Moov {
            trak: vec![track],
            mvex: Some(Mvex {
                trex: vec![Trex::default()],
                ..Mvex::default()
            }),
            ..Moov::default()
        };
        let mut bytes = b"\0\0\0\x10ftypiso5\0\0\x02\0".to_vec();
        moov.encode(&mut bytes).unwrap();
        bytes
    }

    fn read_init(bytes: &[u8]) -> Result<Init, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("init");
        std::fs::write(&path, bytes).unwrap();
        Init::read(&path).map_err(|fault| fault.to_string())
    }

    #[test]
    fn an_initialization_segment_names_the_codec_of_h264() {
        let avcc = Avcc::new(&[0x67, 0x64, 0, 0x1f], &[0x68]).unwrap();
        let h264 = Codec::from(Avc1 {
            avcc,
            ..Avc1::default()
        });
        let whole = initialization(vec![h264]);
        let init = read_init(&whole).unwrap();
        assert_eq!(init.codecs.as_deref(), Some("avc1.64001F"));
        assert_eq!(init.timescale, 12_800);
        for entries in [vec![Codec::from(Hev1::default())], Vec::new()] {
            let init = read_init(&initialization(entries)).unwrap();
            assert_eq!(init.codecs, None);
        }
        // Cut anywhere, it is refused; nothing panics.
        for length in 0..whole.len() {
            assert!(read_init(&whole[..length]).is_err(), "{length}");
        }
    }

    /// A fragment at `start` of two samples of 40 ticks, three bytes each; the first has `flags`.
    fn fragment(start: u64, flags: Option<u32>) -> Vec<u8> {
        let sample = |flags| TrunEntry {
            duration: None,
            size: Some(3),
            flags,
            cts: None,
        };
        let moof = Moof {
            mfhd: Mfhd { sequence_number: 1 },
            traf: vec![Traf {
                tfhd: Tfhd {
                    track_id: 1,
                    ..Tfhd::default()
                },
                tfdt: Some(Tfdt {
                    base_media_decode_time: start,
                }),
                trun: vec![Trun {
                    data_offset: Some(0),
                    samples: TrunSamples::Explicit(vec![sample(flags), sample(Some(NON_SYNC))]),
                }],
                ..Traf::default()
            }],
        };
        let mut bytes = Vec::new();
        moof.encode(&mut bytes).unwrap();
        bytes.extend([0, 0, 0, 14]);
        bytes.extend(b"mdat");
        bytes.extend(b"abcdef");
        bytes
    }

    fn read(bytes: &[u8], ended: Option<u64>) -> Result<Content, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("segment");
        std::fs::write(&path, bytes).unwrap();
        Content::read(&path, &init(), ended).map_err(|fault| fault.to_string())
    }

    #[test]
    fn a_whole_segment() {
        let two = [fragment(80, Some(KEY)), fragment(160, Some(NON_SYNC))].concat();
        let expected = Content {
            start: 80,
            ticks: 160,
            samples: 4,
            size_bytes: u64::try_from(two.len()).unwrap(),
        };
        assert_eq!(read(&two, Some(80)), Ok(expected));
        assert_eq!(read(&two, None), Ok(expected));
    }

    #[test]
    fn every_cut_is_detected() {
        let whole = fragment(0, Some(KEY));
        for length in 0..whole.len() {
            assert!(read(&whole[..length], None).is_err(), "{length}");
        }
        assert_eq!(read(&[], None), Err("it is empty".to_owned()));
        assert!(read(&[0; 100], None).is_err());
    }

    #[test]
    fn inconsistent_segments_are_detected() {
        let whole = fragment(80, Some(KEY));
        let gap = "it starts at tick 80, but the previous one ends at 40";
        assert_eq!(read(&whole, Some(40)), Err(gap.to_owned()));
        let apart = [fragment(0, Some(KEY)), fragment(120, None)].concat();
        assert!(
            read(&apart, None)
                .unwrap_err()
                .contains("starts at tick 120")
        );
        let no_key = fragment(80, Some(NON_SYNC));
        assert!(read(&no_key, None).unwrap_err().contains("not a key frame"));
        let mut longer = whole.clone();
        longer.extend([0, 0, 0, 9, b'm', b'd', b'a', b't', 0]);
        assert!(read(&longer, None).unwrap_err().contains("no index"));
        let mut short = whole;
        let at = short.len() - 11;
        short[at] -= 1;
        assert!(read(&short[..short.len() - 1], None).is_err());
    }
}
