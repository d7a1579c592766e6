//! The first page of a TIFF file, as its tags describe it.

use tiff::tags::{ByteOrder, Tag};
use tiff::{TiffError, TiffFormatError, TiffResult};

use super::grid::{Grid, Part};
use super::samples::Depth;
use super::tags::{self, Tags, count, first};
use super::ycbcr::{Conversion, Subsampling};
use crate::number;
use crate::pixels::Layout;
use crate::pixels::orient::Orientation;

/// Values of `PhotometricInterpretation` (TIFF 6.0).
const WHITE_IS_ZERO: u16 = 0;
const BLACK_IS_ZERO: u16 = 1;
const PALETTE: u16 = 3;
const YCBCR: u16 = 6;

/// Values of `Compression`. 7 is JPEG as in Technical Note 2 to TIFF 6.0, not the old 6.
const UNCOMPRESSED: u16 = 1;
const JPEG: u16 = 7;
/// Compressions that the `tiff` crate unpacks: none, LZW, Deflate (two values) and `PackBits`.
const UNPACKED: [u16; 5] = [UNCOMPRESSED, 5, 8, 32_946, 32_773];

/// Largest `JPEGTables`. Four quantization tables and eight Huffman tables fit in several times.
const JPEG_TABLES_MAX_BYTES: u64 = 16 * 1024;

/// Bytes per pixel of a strip of JPEG: its samples, the decoder's planes, and the coefficients of a progressive JPEG.
const JPEG_BYTES_PER_PIXEL: u64 = 12;

/// The first page of a file, of a kind that is decoded here.
pub(crate) struct Page {
    /// Width before the image is turned upright, in pixels.
    pub(crate) width: u32,
    /// Height before the image is turned upright, in pixels.
    pub(crate) height: u32,
    pub(crate) orientation: Orientation,
    pub(crate) packing: Packing,
    pub(crate) colours: Colours,
    alpha: Alpha,
    pub(crate) grid: Grid,
}

/// How samples are packed into strips or tiles.
pub(crate) struct Packing {
    pub(crate) compression: u16,
    pub(crate) predictor: u16,
    pub(crate) depth: Depth,
    /// Samples per pixel. 1 for subsampled chroma, whose data units are unpacked as rows of single samples.
    pub(crate) samples: u16,
    pub(crate) byte_order: ByteOrder,
    /// The tables that all strips of JPEG share.
    pub(crate) jpeg_tables: Vec<u8>,
}

impl Packing {
    pub(crate) const fn is_jpeg(&self) -> bool {
        self.compression == JPEG
    }

    pub(crate) const fn is_uncompressed(&self) -> bool {
        self.compression == UNCOMPRESSED
    }

    /// Samples per pixel.
    pub(crate) fn samples(&self) -> usize {
        self.samples.into()
    }
}

/// The meaning of the samples of a pixel, without alpha.
pub(crate) enum Colours {
    /// An index into a palette.
    Palette(Vec<[u8; 3]>),
    /// A sample, which is an index into these grey levels.
    Grey(Vec<[u8; 3]>),
    /// Luma and two samples of chroma.
    YCbCr(Subsampling, Box<Conversion>),
}

/// The meaning of the sample after the colours of a pixel.
#[derive(Clone, Copy)]
enum Alpha {
    /// There is none, or it has no meaning.
    None,
    /// Alpha; the colours are not premultiplied.
    Straight,
    /// Alpha; the colours are premultiplied.
    Premultiplied,
}

impl Page {
    /// Reads the tags. `None` for a kind that is left to the `image` crate, which also rejects the unsupported kinds.
    /// Allocates nothing that depends on the size of the image.
    pub(crate) fn read(data: &[u8]) -> TiffResult<Option<Self>> {
        let mut tags = tags::open(data)?;
        let (width, height) = tags.dimensions()?;
        let Some(mut packing) = packing(&mut tags)? else {
            return Ok(None);
        };
        let Some(colours) = colours(&mut tags, &packing)? else {
            return Ok(None);
        };
        if packing.is_jpeg() {
            packing.jpeg_tables = jpeg_tables(&mut tags)?;
        }
        let alpha = match (packing.samples, first(&mut tags, Tag::ExtraSamples, 0)?) {
            (2, 1) => Alpha::Premultiplied,
            (2, 2) => Alpha::Straight,
            _ => Alpha::None,
        };
        let orientation = first(&mut tags, Tag::Orientation, 1)
            .ok()
            .and_then(Orientation::from_tag)
            .unwrap_or(Orientation::UPRIGHT);
        let grid = Grid::read(&mut tags, width, height)?;
        if matches!(&colours, Colours::YCbCr(subsampling, _) if subsampling.is_reduced()) {
            packing.samples = 1;
        }
        Ok(Some(Self {
            width,
            height,
            orientation,
            packing,
            colours,
            alpha,
            grid,
        }))
    }

    /// Bytes of the decoder's buffers, without the file of `size_bytes` and the decoded image.
    pub(crate) fn buffer_bytes(&self, size_bytes: u64) -> u64 {
        if self.packing.is_jpeg() {
            // Tables and strip are joined in a copy of the longest strip.
            return number::area(self.grid.width, self.grid.height)
                .saturating_mul(JPEG_BYTES_PER_PIXEL)
                .saturating_add(self.grid.longest().min(size_bytes));
        }
        let (_, height) = self.packed(self.grid.width, self.grid.height.min(self.height));
        self.row_size().saturating_mul(height.into())
    }

    /// Bytes per row of samples of a strip or tile.
    pub(crate) fn row_bytes(&self) -> usize {
        usize::try_from(self.row_size()).unwrap_or(usize::MAX)
    }

    fn row_size(&self) -> u64 {
        let (width, _) = self.packed(self.grid.width, self.grid.height);
        number::area(width, self.packing.samples.into())
            .saturating_mul(self.packing.depth.bits().into())
            .div_ceil(8)
    }

    /// The layout of the decoded pixels.
    pub(crate) const fn layout(&self) -> Layout {
        match (self.alpha, &self.colours) {
            (Alpha::Straight, _) => Layout::Rgba,
            (Alpha::Premultiplied, _) => Layout::Premultiplied,
            (Alpha::None, Colours::Grey(_)) => Layout::Grey,
            (Alpha::None, Colours::Palette(_) | Colours::YCbCr(..)) => Layout::Rgb,
        }
    }

    /// Columns and rows of samples that are stored for `width` × `height` pixels.
    pub(crate) fn packed(&self, width: u32, height: u32) -> (u32, u32) {
        match &self.colours {
            Colours::YCbCr(subsampling, _) if subsampling.is_reduced() => {
                subsampling.packed(width, height)
            }
            Colours::YCbCr(..) | Colours::Palette(_) | Colours::Grey(_) => (width, height),
        }
    }

    /// All strips or tiles.
    pub(crate) fn parts(&self) -> impl Iterator<Item = Part> {
        self.grid.parts(self.width, self.height)
    }
}

/// The embedded colour profile.
pub(crate) fn profile(data: &[u8]) -> Option<Vec<u8>> {
    tags::open(data)
        .and_then(|mut tags| tags.get_tag_u8_vec(Tag::IccProfile))
        .ok()
}

/// Reads how samples are packed. `None` if it is unsupported here.
fn packing(tags: &mut Tags<'_>) -> TiffResult<Option<Packing>> {
    /// The supported `PlanarConfiguration` and `FillOrder`.
    const CHUNKY: u16 = 1;
    const HIGH_BIT_FIRST: u16 = 1;
    let compression = first(tags, Tag::Compression, UNCOMPRESSED)?;
    let samples = first(tags, Tag::SamplesPerPixel, 1)?;
    let bits = first(tags, Tag::BitsPerSample, 1)?;
    let format = first(tags, Tag::SampleFormat, 1)?;
    let is_known = compression == JPEG || UNPACKED.contains(&compression);
    let is_chunky = samples == 1 || first(tags, Tag::PlanarConfiguration, CHUNKY)? == CHUNKY;
    let is_plain = first(tags, Tag::FillOrder, HIGH_BIT_FIRST)? == HIGH_BIT_FIRST;
    let Some(depth) = Depth::new(bits, format) else {
        return Ok(None);
    };
    Ok((is_known && is_chunky && is_plain).then_some(Packing {
        compression,
        predictor: first(tags, Tag::Predictor, 1)?,
        depth,
        samples,
        byte_order: tags.byte_order(),
        jpeg_tables: Vec::new(),
    }))
}

/// Reads the meaning of the samples. `None` if this kind is left to `image`.
fn colours(tags: &mut Tags<'_>, packing: &Packing) -> TiffResult<Option<Colours>> {
    let has_extra = packing.samples == 2 && tags.find_tag(Tag::ExtraSamples)?.is_some();
    let photometric = first(tags, Tag::PhotometricInterpretation, BLACK_IS_ZERO)?;
    let is_ours = match (photometric, packing.depth) {
        (YCBCR, Depth::Eight) => packing.samples == 3,
        _ if packing.is_jpeg() => false,
        (PALETTE, Depth::Eight) => packing.samples == 1 || has_extra,
        (WHITE_IS_ZERO | BLACK_IS_ZERO, Depth::Eight | Depth::Sixteen) => has_extra,
        (PALETTE, Depth::Packed(_))
        // `image` supports grey with 1 bit.
        | (WHITE_IS_ZERO | BLACK_IS_ZERO, Depth::Packed(2..) | Depth::ThirtyTwo | Depth::Float) => packing.samples == 1,
        _ => false,
    };
    if !is_ours {
        return Ok(None);
    }
    Ok(match photometric {
        PALETTE => Some(Colours::Palette(palette(tags, packing.depth)?)),
        YCBCR => {
            // The JPEG decoder upsamples the chroma.
            let subsampling = if packing.is_jpeg() {
                Some(Subsampling::NONE)
            } else {
                Subsampling::read(tags)?
            };
            let conversion = Box::new(Conversion::read(tags)?);
            // With subsampled chroma, writers do not agree on what the predictor means.
            subsampling
                .filter(|subsampling| !subsampling.is_reduced() || packing.predictor == 1)
                .map(|subsampling| Colours::YCbCr(subsampling, conversion))
        }
        _ => Some(Colours::Grey(greys(
            packing.depth,
            photometric == WHITE_IS_ZERO,
        ))),
    })
}

/// Reads a palette: all reds, then all greens, then all blues, of 16 bits each.
fn palette(tags: &mut Tags<'_>, depth: Depth) -> TiffResult<Vec<[u8; 3]>> {
    let corrupt = || TiffError::FormatError(TiffFormatError::InvalidTag);
    let length = 1_usize << depth.bits().min(8);
    if count(tags, Tag::ColorMap) != number::bytes(length * 3) {
        return Err(corrupt());
    }
    let map = tags.get_tag_u16_vec(Tag::ColorMap)?;
    // Some writers store 8 bits. libtiff accepts this too.
    let shift = if map.iter().all(|&value| value < 256) {
        0
    } else {
        8
    };
    let byte = |value: u16| u8::try_from(value >> shift).unwrap_or(u8::MAX);
    let (reds, rest) = map.split_at_checked(length).ok_or_else(corrupt)?;
    let (greens, blues) = rest.split_at_checked(length).ok_or_else(corrupt)?;
    Ok(reds
        .iter()
        .zip(greens)
        .zip(blues)
        .map(|((&red, &green), &blue)| [red, green, blue].map(byte))
        .collect())
}

/// The grey level of every sample value. 0 is black, or white if `is_inverted`.
fn greys(depth: Depth, is_inverted: bool) -> Vec<[u8; 3]> {
    let invert = if is_inverted { u8::MAX } else { 0 };
    (0..=u8::MAX)
        .map(|sample| [sample.wrapping_mul(depth.scale()) ^ invert; 3])
        .collect()
}

/// Reads the tables that all strips of JPEG share, if there are any.
fn jpeg_tables(tags: &mut Tags<'_>) -> TiffResult<Vec<u8>> {
    match count(tags, Tag::JPEGTables) {
        0 => Ok(Vec::new()),
        1..=JPEG_TABLES_MAX_BYTES => tags.get_tag_u8_vec(Tag::JPEGTables),
        _ => Err(TiffError::FormatError(TiffFormatError::InvalidTag)),
    }
}
