//! Decodes HEVC still images with heic-rs. It allocates as much as the coded sequence declares, so that size is
//! compared with the size of the item first.

use heic_rs::error::{Error, Result};
use heic_rs::hevc;
use heic_rs::props::colr::Range;
use heic_rs::props::hvcc::{HevcConfig, NAL_SPS};
use heic_rs::props::simple::Ispe;

use super::planes::Planes;

/// Largest size of a coding block. Coded sides are rounded up to whole blocks, and the image is cropped.
const BLOCK_MAX: u32 = 64;

/// Decodes the image of an item. Fails if it is larger than the declared size of the item, before it is allocated.
pub(super) fn decode(data: &[u8], config: &HevcConfig<'_>, item: Ispe) -> Result<Planes> {
    let sets = config.parameter_sets();
    let mut sequences = sets.iter().filter(|set| kind(set) == Some(NAL_SPS));
    let (Some(sequence), None) = (sequences.next(), sequences.next()) else {
        return Err(Error::Unsupported("HEVC with several sequences"));
    };
    let (width, height) = size(sequence)?;
    let fits = |coded: u32, side: u32| coded < side.saturating_add(BLOCK_MAX);
    if !fits(width, item.width) || !fits(height, item.height) {
        return Err(Error::Malformed("the image is larger than its item"));
    }
    Ok(Planes {
        frame: hevc::decode_still(&sets, &config.split_nals(data)?)?,
        // Phones and libheif write stills in full range. They declare it in a part of the sequence that is not read
        // here. The default of the standard, limited range, is that of video.
        range: Range::Full,
    })
}

/// The type of a NAL unit (H.265, 7.3.1.2).
fn kind(unit: &[u8]) -> Option<u8> {
    unit.first().map(|head| head >> 1 & 0x3f)
}

/// The coded width and height, from a sequence parameter set (H.265, 7.3.2.2).
fn size(set: &[u8]) -> Result<(u32, u32)> {
    /// Bytes of the header of the unit, and bits of profile, tier and level of a sequence without layers.
    const HEAD_BYTES: usize = 2;
    const PROFILE_BITS: u32 = 96;
    const QUARTER_CHROMA: u32 = 1;
    let mut bits = Bits::new(set.get(HEAD_BYTES..).unwrap_or_default());
    bits.take(4)?;
    if bits.take(3)? != 0 {
        return Err(Error::Unsupported("HEVC with temporal layers"));
    }
    bits.take(1)?;
    for _ in 0..PROFILE_BITS / u8::BITS {
        bits.take(u8::BITS)?;
    }
    let _id = bits.golomb()?;
    // Trap: heic-rs 0.1.4 accepts these, and then fails on valid ones. No camera writes them.
    if bits.golomb()? > QUARTER_CHROMA {
        return Err(Error::Unsupported("HEVC in 4:2:2 or 4:4:4"));
    }
    Ok((bits.golomb()?, bits.golomb()?))
}

/// The bits of a NAL unit, without emulation prevention bytes (H.265, 7.4.2).
struct Bits {
    bytes: Vec<u8>,
    at: usize,
}

impl Bits {
    fn new(unit: &[u8]) -> Self {
        /// More bytes than this file reads.
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

    /// Reads an unsigned Exp-Golomb number (H.265, 9.2).
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
