//! Unpacks a strip or tile to samples, with the decompressors of the `tiff` crate and the JPEG decoder.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use shared::problem::{ErrorCode, Failure};
use tiff::TiffResult;
use tiff::decoder::{Decoder, Limits};
use tiff::tags::{ByteOrder, Tag};

use crate::decode::jpeg;
use crate::fault;
use crate::format::Format;
use crate::number;
use crate::probe::header::{Coding, JpegColour};
use crate::probe::jpeg::read as jpeg_header;
use crate::scale::Shrink;
use crate::tiff::failure;
use crate::tiff::grid::Part;
use crate::tiff::page::{Packing, Page};
use crate::tiff::samples::Depth;

/// Unpacks a strip or tile. Samples of more than a byte get the byte order of this machine.
pub(super) fn part(
    page: &Page,
    data: &[u8],
    part: &Part,
    samples: &mut Vec<u8>,
) -> Result<(), Failure> {
    let packing = &page.packing;
    if packing.is_jpeg() {
        *samples = of_jpeg(page, part, file_part(data, part.at, part.length)?)?;
        return Ok(());
    }
    let (width, height) = page.packed(part.width, part.height);
    let length = page.row_bytes().saturating_mul(number::length(height));
    // Without compression, the length is known. Some writers store a wrong one.
    let stored = if packing.is_uncompressed() {
        number::bytes(length)
    } else {
        part.length
    };
    let body = file_part(data, part.at, stored)?;
    samples.resize(length, 0);
    unpack(packing, body, (width, height), samples).map_err(|cause| {
        let cause = failure(&cause);
        if cause.code == ErrorCode::ImageTruncated {
            // The file is complete, but the strip is too short.
            fault::corrupt(Format::Tiff)
        } else {
            cause
        }
    })
}

/// A range of the file.
fn file_part(data: &[u8], at: u64, length: u64) -> Result<&[u8], Failure> {
    let part = || {
        let at = usize::try_from(at).ok()?;
        data.get(at..at.checked_add(usize::try_from(length).ok()?)?)
    };
    part().ok_or_else(|| fault::truncated(Format::Tiff))
}

/// Unpacks a strip with the `tiff` crate, as a file that has only this strip.
fn unpack(packing: &Packing, body: &[u8], size: (u32, u32), samples: &mut [u8]) -> TiffResult<()> {
    let head = head(packing, u32::try_from(body.len())?, size);
    let file = Spliced {
        head: &head,
        body,
        at: 0,
    };
    Decoder::new(file)?
        // The buffer for the samples already exists, and the decoder allocates at most the size of the file.
        .with_limits(Limits::unlimited())
        .read_chunk_bytes(0, samples)
}

/// The header and directory of a file whose only strip follows.
fn head(packing: &Packing, length: u32, (width, height): (u32, u32)) -> Vec<u8> {
    const DIRECTORY_AT: u32 = 8;
    const ENTRIES: u32 = 11;
    const ENTRY_BYTES: u32 = 12;
    const LONG: u16 = 4;
    const BLACK_IS_ZERO: u32 = 1;
    let strip_at = DIRECTORY_AT + 2 + ENTRIES * ENTRY_BYTES + 4;
    let format = if packing.depth == Depth::Float { 3 } else { 1 };
    let entries = [
        (Tag::ImageWidth, width),
        (Tag::ImageLength, height),
        (Tag::BitsPerSample, packing.depth.bits().into()),
        (Tag::Compression, packing.compression.into()),
        (Tag::PhotometricInterpretation, BLACK_IS_ZERO),
        (Tag::StripOffsets, strip_at),
        (Tag::SamplesPerPixel, packing.samples.into()),
        (Tag::RowsPerStrip, height),
        (Tag::StripByteCounts, length),
        (Tag::Predictor, packing.predictor.into()),
        (Tag::SampleFormat, format),
    ];
    let is_little = packing.byte_order == ByteOrder::LittleEndian;
    let short = |value: u16| {
        if is_little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    };
    let long = |value: u32| {
        if is_little {
            value.to_le_bytes()
        } else {
            value.to_be_bytes()
        }
    };
    let mut head = if is_little {
        b"II".to_vec()
    } else {
        b"MM".to_vec()
    };
    head.extend(short(42));
    head.extend(long(DIRECTORY_AT));
    head.extend(short(11));
    for (tag, value) in entries {
        head.extend(short(tag.to_u16()));
        head.extend(short(LONG));
        head.extend(long(1));
        head.extend(long(value));
    }
    head.extend(long(0));
    head
}

/// Two slices that are read as one file.
struct Spliced<'a> {
    head: &'a [u8],
    body: &'a [u8],
    at: u64,
}

impl Read for Spliced<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        let rest = match at.checked_sub(self.head.len()) {
            None => self.head.get(at..),
            Some(at) => self.body.get(at..),
        };
        let read = rest.unwrap_or_default().read(buffer)?;
        self.at += number::bytes(read);
        Ok(read)
    }
}

impl Seek for Spliced<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = number::bytes(self.head.len()) + number::bytes(self.body.len());
        let at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::End(by) => end.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = at.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// Decodes a strip of JPEG. Tables and strip together are a JPEG file.
fn of_jpeg(page: &Page, part: &Part, strip: &[u8]) -> Result<Vec<u8>, Failure> {
    const START: &[u8] = &[0xff, 0xd8];
    const END: &[u8] = &[0xff, 0xd9];
    let corrupt = || fault::corrupt(Format::Tiff);
    let tables = page.packing.jpeg_tables.as_slice();
    let tables = tables.strip_suffix(END).unwrap_or(tables);
    let joined;
    let file = if tables.is_empty() {
        strip
    } else {
        joined = [tables, strip.strip_prefix(START).ok_or_else(corrupt)?].concat();
        &joined
    };
    let within = |cause: Failure| {
        if cause.code == ErrorCode::ImageUnsupported {
            fault::unsupported("A TIFF with this kind of JPEG inside")
        } else {
            corrupt()
        }
    };
    let header = jpeg_header(file).map_err(within)?.ok_or_else(corrupt)?;
    // The last strip or tile may reach beyond the bottom of the image.
    let heights = part.height..=page.grid.height;
    let is_as_told = header.width == part.width && heights.contains(&header.height);
    if !is_as_told || !matches!(header.coding, Coding::Jpeg { components: 3, .. }) {
        return Err(corrupt());
    }
    let shrink = Shrink {
        width: header.width,
        height: header.height,
        scale_x: 1.0,
        scale_y: 1.0,
        divisor: 1,
    };
    // No colour transform: the tags of the TIFF define what the samples mean.
    let decoded = jpeg::decode(file, &shrink, JpegColour::Rgb).map_err(within)?;
    Ok(decoded.raster.pixels)
}
