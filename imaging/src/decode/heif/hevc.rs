//! HEVC still images by heic-rs. It allocates what the coded sequence says, so that is compared with the item first.

use heic_rs::error::{Error, Result};
use heic_rs::hevc;
use heic_rs::props::colr::Range;
use heic_rs::props::hvcc::{HevcConfig, NAL_SPS};
use heic_rs::props::simple::Ispe;

use super::planes::Planes;

/// Sides are coded in blocks of at most this size, and what is too much is cropped.
const BLOCK_MAX: u32 = 64;

/// Decodes the one image of an item. Fails if it is larger than the item says, before it is allocated.
pub(super) fn decode(data: &[u8], config: &HevcConfig<'_>, item: Ispe) -> Result<Planes> {
    let sets = config.parameter_sets();
    let mut sequences = sets.iter().filter(|set| kind(set) == Some(NAL_SPS));
    let (Some(sequence), None) = (sequences.next(), sequences.next()) else {
        return Err(Error::Unsupported("HEVC of several sequences"));
    };
    let (width, height) = size(sequence)?;
    let fits = |coded: u32, side: u32| coded < side.saturating_add(BLOCK_MAX);
    if !fits(width, item.width) || !fits(height, item.height) {
        return Err(Error::Malformed("the image is larger than its item"));
    }
    Ok(Planes {
        frame: hevc::decode_still(&sets, &config.split_nals(data)?)?,
        // Not what a video's sequence means by saying nothing, but what stills are: phones and libheif write full range,
        // and say so in the sequence, of which nothing here reads that part.
        range: Range::Full,
    })
}

/// Kind of a unit (H.265, 7.3.1.2).
fn kind(unit: &[u8]) -> Option<u8> {
    unit.first().map(|head| head >> 1 & 0x3f)
}

/// Width and height as coded, from a sequence parameter set (H.265, 7.3.2.2).
fn size(set: &[u8]) -> Result<(u32, u32)> {
    /// Head of the unit, and the profile, tier and level of a sequence without layers.
    const HEAD_BYTES: usize = 2;
    const PROFILE_BITS: u32 = 96;
    const QUARTER_CHROMA: u32 = 1;
    let mut bits = Bits::new(set.get(HEAD_BYTES..).unwrap_or_default());
    bits.take(4)?;
    if bits.take(3)? != 0 {
        return Err(Error::Unsupported("HEVC in temporal layers"));
    }
    bits.take(1)?;
    for _ in 0..PROFILE_BITS / u8::BITS {
        bits.take(u8::BITS)?;
    }
    let _id = bits.golomb()?;
    // Trap: heic-rs 0.1.4 takes these and then fails on valid ones, which is not the file's fault. No camera writes them.
    if bits.golomb()? > QUARTER_CHROMA {
        return Err(Error::Unsupported("HEVC in 4:2:2 or 4:4:4"));
    }
    Ok((bits.golomb()?, bits.golomb()?))
}

/// Bits of a unit, the bytes that keep start codes out of it left away (H.265, 7.4.2).
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn new(unit: &[u8]) -> Self {
        /// More than what is read here can have.
        const BYTES_MAX: usize = 128;
        let mut bytes = Vec::new();
        let mut zeros = 0;
        for &byte in unit.iter().take(BYTES_MAX) {
            if zeros >= 2 && byte == 3 {
                zeros = 0;
                continue;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            bytes.push(byte);
        }
        Self { bytes, at: 0 }
    }

    fn take(&mut self, count: u32) -> Result<u32> {
        let mut value = 0;
        for _ in 0..count {
            let byte = self
                .bytes
                .get(self.at / 8)
                .ok_or(Error::Truncated("an HEVC sequence"))?;
            value = value << 1 | u32::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        Ok(value)
    }

    /// An unsigned Exp-Golomb number (H.265, 9.2).
    fn golomb(&mut self) -> Result<u32> {
        const ZEROS_MAX: u32 = 16;
        let mut zeros = 0;
        while self.take(1)? == 0 {
            zeros += 1;
            if zeros > ZEROS_MAX {
                return Err(Error::Malformed("a number in an HEVC sequence"));
            }
        }
        Ok((1 << zeros) - 1 + self.take(zeros)?)
    }
}
