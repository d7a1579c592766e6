//! Writes TIFF files tag by tag, for the kinds that the encoder of the `tiff` crate does not support.

use image::RgbImage;
use tiff::encoder::compression::{
    CompressionAlgorithm, Compressor, Deflate, DeflateLevel, Lzw, Packbits, Uncompressed,
};

/// Tags (TIFF 6.0).
pub(crate) const WIDTH: u16 = 256;
pub(crate) const HEIGHT: u16 = 257;
pub(crate) const BITS: u16 = 258;
pub(crate) const COMPRESSION: u16 = 259;
pub(crate) const PHOTOMETRIC: u16 = 262;
pub(crate) const FILL_ORDER: u16 = 266;
const STRIP_OFFSETS: u16 = 273;
pub(crate) const ORIENTATION: u16 = 274;
pub(crate) const SAMPLES: u16 = 277;
pub(crate) const ROWS_PER_STRIP: u16 = 278;
const STRIP_LENGTHS: u16 = 279;
pub(crate) const PLANAR: u16 = 284;
pub(crate) const PREDICTOR: u16 = 317;
pub(crate) const COLOR_MAP: u16 = 320;
const TILE_WIDTH: u16 = 322;
const TILE_HEIGHT: u16 = 323;
const TILE_OFFSETS: u16 = 324;
const TILE_LENGTHS: u16 = 325;
pub(crate) const EXTRA_SAMPLES: u16 = 338;
pub(crate) const SAMPLE_FORMAT: u16 = 339;
pub(crate) const JPEG_TABLES: u16 = 347;
pub(crate) const COEFFICIENTS: u16 = 529;
pub(crate) const SUBSAMPLING: u16 = 530;
pub(crate) const REFERENCE_BLACK_WHITE: u16 = 532;
pub(crate) const PROFILE: u16 = 34_675;

/// Values of `PhotometricInterpretation`.
pub(crate) const WHITE_IS_ZERO: u16 = 0;
pub(crate) const BLACK_IS_ZERO: u16 = 1;
pub(crate) const PALETTE: u16 = 3;
pub(crate) const YCBCR: u16 = 6;

/// Values of `Compression`.
pub(crate) const UNCOMPRESSED: u16 = 1;
pub(crate) const LZW: u16 = 5;
pub(crate) const JPEG: u16 = 7;
pub(crate) const DEFLATE: u16 = 8;
pub(crate) const PACK_BITS: u16 = 32_773;
pub(crate) const COMPRESSIONS: [u16; 4] = [UNCOMPRESSED, LZW, DEFLATE, PACK_BITS];

/// A file with one page.
#[derive(Clone)]
pub(crate) struct Tiff {
    pub(crate) is_big_endian: bool,
    tags: Vec<(u16, Value)>,
    /// Strips or tiles, as they are stored.
    pub(crate) parts: Vec<Vec<u8>>,
    is_tiled: bool,
}

#[derive(Clone)]
enum Value {
    Bytes(Vec<u8>),
    Shorts(Vec<u16>),
    Longs(Vec<u32>),
    /// In thousandths.
    Rationals(Vec<u32>),
}

impl Tiff {
    /// A page of strips of `rows` rows each.
    pub(crate) fn strips(size: (u32, u32), rows: u32, parts: Vec<Vec<u8>>) -> Self {
        Self {
            is_big_endian: false,
            tags: Vec::new(),
            parts,
            is_tiled: false,
        }
        .longs(WIDTH, &[size.0])
        .longs(HEIGHT, &[size.1])
        .longs(ROWS_PER_STRIP, &[rows])
    }

    /// A page of tiles.
    pub(crate) fn tiles(size: (u32, u32), tile: (u32, u32), parts: Vec<Vec<u8>>) -> Self {
        let mut tiff = Self::strips(size, 0, parts)
            .without(ROWS_PER_STRIP)
            .longs(TILE_WIDTH, &[tile.0])
            .longs(TILE_HEIGHT, &[tile.1]);
        tiff.is_tiled = true;
        tiff
    }

    /// Sets the photometric interpretation, the samples per pixel and the bits per sample.
    pub(crate) fn of(self, photometric: u16, samples: u16, bits: u16) -> Self {
        self.shorts(PHOTOMETRIC, &[photometric])
            .shorts(SAMPLES, &[samples])
            .shorts(BITS, &vec![bits; samples.into()])
    }

    pub(crate) fn shorts(self, tag: u16, values: &[u16]) -> Self {
        self.with(tag, Value::Shorts(values.to_vec()))
    }

    pub(crate) fn longs(self, tag: u16, values: &[u32]) -> Self {
        self.with(tag, Value::Longs(values.to_vec()))
    }

    pub(crate) fn bytes(self, tag: u16, values: &[u8]) -> Self {
        self.with(tag, Value::Bytes(values.to_vec()))
    }

    /// Numbers in thousandths.
    pub(crate) fn thousandths(self, tag: u16, values: &[u32]) -> Self {
        self.with(tag, Value::Rationals(values.to_vec()))
    }

    pub(crate) fn without(mut self, tag: u16) -> Self {
        self.tags.retain(|&(name, _)| name != tag);
        self
    }

    fn with(self, tag: u16, value: Value) -> Self {
        let mut tiff = self.without(tag);
        tiff.tags.push((tag, value));
        tiff
    }

    /// Compresses the parts.
    pub(crate) fn compressed(mut self, compression: u16) -> Self {
        for part in &mut self.parts {
            let mut compressor = match compression {
                LZW => Compressor::Lzw(Lzw),
                DEFLATE => Compressor::Deflate(Deflate::with_level(DeflateLevel::Fast)),
                PACK_BITS => Compressor::Packbits(Packbits),
                _ => Compressor::Uncompressed(Uncompressed),
            };
            let mut bytes = Vec::new();
            compressor.write_to(&mut bytes, part).unwrap();
            *part = bytes;
        }
        self.shorts(COMPRESSION, &[compression])
    }

    /// The file: tags, the values of the tags, and the strips or tiles.
    pub(crate) fn file(&self) -> Vec<u8> {
        let (starts, lengths) = if self.is_tiled {
            (TILE_OFFSETS, TILE_LENGTHS)
        } else {
            (STRIP_OFFSETS, STRIP_LENGTHS)
        };
        let length = |part: &Vec<u8>| u32::try_from(part.len()).unwrap();
        let all_lengths: Vec<u32> = self.parts.iter().map(length).collect();
        let described = self.clone().longs(lengths, &all_lengths);
        // The offsets depend on the size of the directory, which does not depend on their values.
        let unplaced = described
            .clone()
            .longs(starts, &vec![0; self.parts.len()])
            .directory();
        let mut at = length(&unplaced);
        let all_starts: Vec<u32> = all_lengths
            .iter()
            .map(|length| {
                at += length;
                at - length
            })
            .collect();
        let mut file = described.longs(starts, &all_starts).directory();
        file.extend(self.parts.concat());
        file
    }

    fn directory(&self) -> Vec<u8> {
        let mut tags = self.tags.clone();
        tags.sort_by_key(|&(tag, _)| tag);
        let mut entries = if self.is_big_endian {
            b"MM".to_vec()
        } else {
            b"II".to_vec()
        };
        entries.extend(self.short(42));
        entries.extend(self.long(8));
        entries.extend(self.short(u16::try_from(tags.len()).unwrap()));
        let mut values = Vec::new();
        let values_at = 8 + 2 + tags.len() * 12 + 4;
        for (tag, value) in tags {
            let (kind, count, mut bytes) = self.value(&value);
            entries.extend(self.short(tag));
            entries.extend(self.short(kind));
            entries.extend(self.long(u32::try_from(count).unwrap()));
            if bytes.len() <= 4 {
                bytes.resize(4, 0);
                entries.extend(bytes);
            } else {
                entries.extend(self.long(u32::try_from(values_at + values.len()).unwrap()));
                values.extend(bytes);
            }
        }
        entries.extend(self.long(0));
        entries.extend(values);
        entries
    }

    fn value(&self, value: &Value) -> (u16, usize, Vec<u8>) {
        match value {
            Value::Bytes(bytes) => (7, bytes.len(), bytes.clone()),
            Value::Shorts(values) => {
                let bytes = values.iter().flat_map(|&value| self.short(value));
                (3, values.len(), bytes.collect())
            }
            Value::Longs(values) => {
                let bytes = values.iter().flat_map(|&value| self.long(value));
                (4, values.len(), bytes.collect())
            }
            Value::Rationals(values) => {
                let bytes = values
                    .iter()
                    .flat_map(|&value| [self.long(value), self.long(1000)].concat());
                (5, values.len(), bytes.collect())
            }
        }
    }

    /// 16 bits in the byte order of the file.
    pub(crate) fn short(&self, value: u16) -> [u8; 2] {
        if self.is_big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }

    /// 32 bits in the byte order of the file.
    pub(crate) fn long(&self, value: u32) -> [u8; 4] {
        if self.is_big_endian {
            value.to_be_bytes()
        } else {
            value.to_le_bytes()
        }
    }
}

/// Joins rows to strips of `rows_per_part` rows each.
pub(crate) fn cut(rows: &[Vec<u8>], rows_per_part: usize) -> Vec<Vec<u8>> {
    rows.chunks(rows_per_part).map(<[_]>::concat).collect()
}

/// The palette of an image with at most `1 << bits` colours, and its rows as packed indices.
pub(crate) fn indexed(image: &RgbImage, bits: u16) -> (Vec<u16>, Vec<Vec<u8>>) {
    let mut colours: Vec<[u8; 3]> = Vec::new();
    let rows = image
        .rows()
        .map(|row| {
            let indices = row.map(|pixel| {
                let known = colours.iter().position(|&colour| colour == pixel.0);
                known.unwrap_or_else(|| {
                    colours.push(pixel.0);
                    colours.len() - 1
                })
            });
            packed(indices.map(|index| u8::try_from(index).unwrap()), bits)
        })
        .collect();
    colours.resize(1 << bits, [0; 3]);
    let channel = |which: usize| {
        colours
            .iter()
            .map(move |colour| u16::from(colour[which]) * 257)
    };
    let map = channel(0).chain(channel(1)).chain(channel(2)).collect();
    (map, rows)
}

/// Packs samples of `bits` bits into bytes.
pub(crate) fn packed(samples: impl Iterator<Item = u8>, bits: u16) -> Vec<u8> {
    let samples: Vec<u8> = samples.collect();
    let per_byte = 8 / usize::from(bits);
    let byte = |samples: &[u8]| {
        (0..per_byte).fold(0_u8, |byte, at| {
            byte.checked_shl(bits.into()).unwrap_or(0) | samples.get(at).copied().unwrap_or(0)
        })
    };
    samples.chunks(per_byte).map(byte).collect()
}

/// The rows of data units of an image: the luma of every pixel, then the chroma of the first one. `ycbcr` converts a
/// pixel.
pub(crate) fn units(
    image: &RgbImage,
    (across, down): (u32, u32),
    ycbcr: impl Fn([u8; 3]) -> [u8; 3],
) -> Vec<Vec<u8>> {
    let (width, height) = image.dimensions();
    let at = |x: u32, y: u32| ycbcr(image.get_pixel(x.min(width - 1), y.min(height - 1)).0);
    let unit = |left: u32, top: u32| {
        let pixels = (0..down).flat_map(|y| (0..across).map(move |x| (left + x, top + y)));
        let mut unit: Vec<u8> = pixels.map(|(x, y)| at(x, y)[0]).collect();
        unit.extend(&at(left, top)[1..]);
        unit
    };
    (0..height.div_ceil(down))
        .map(|y| {
            (0..width.div_ceil(across))
                .flat_map(|x| unit(x * across, y * down))
                .collect()
        })
        .collect()
}

/// Converts a colour to YCbCr as in JPEG.
pub(crate) fn full_range(rgb: [u8; 3]) -> [u8; 3] {
    ycbcr(rgb, [0.299, 0.587, 0.114], [0.0, 255.0, 127.0])
}

/// Converts a colour to YCbCr with this matrix. The second array has the luma of black, the luma of white, and the
/// distance of the largest chroma from 128.
pub(crate) fn ycbcr(
    rgb: [u8; 3],
    [red, green, blue]: [f64; 3],
    [black, white, chroma_max]: [f64; 3],
) -> [u8; 3] {
    let [r, g, b] = rgb.map(f64::from);
    let y = red * r + green * g + blue * b;
    let chroma =
        |from: f64, share: f64| 128.0 + (from - y) / (2.0 - 2.0 * share) * chroma_max / 127.0;
    [
        black + y * (white - black) / 255.0,
        chroma(b, blue),
        chroma(r, red),
    ]
    .map(rounded)
}

/// Rounds to a byte.
#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast of a float saturates"
)]
fn rounded(value: f64) -> u8 {
    value.round() as u8
}
