//! Reads the segments of a JPEG up to the frame header.

use shared::problem::Failure;

use super::exif;
use super::header::{Coding, Header, JpegColour};
use crate::bytes::be16;
use crate::fault;
use crate::format::Format;
use crate::pixels::orient::Orientation;

/// Markers (T.81, table B.1).
const TEM: u8 = 0x01;
const SOF_BASELINE: u8 = 0xc0;
const SOF_EXTENDED: u8 = 0xc1;
const SOF_PROGRESSIVE: u8 = 0xc2;
const DHT: u8 = 0xc4;
const JPG: u8 = 0xc8;
const DAC: u8 = 0xcc;
const SOI: u8 = 0xd8;
const EOI: u8 = 0xd9;
const SOS: u8 = 0xda;
const APP0: u8 = 0xe0;
const APP1: u8 = 0xe1;
const APP14: u8 = 0xee;

/// The supported number of bits per sample.
const PRECISION: u8 = 8;

/// Reads the header at the start of `data`. `None` if it continues after `data`.
pub(crate) fn read(data: &[u8]) -> Result<Option<Header>, Failure> {
    let mut at = 2;
    let mut orientation = None;
    let mut application = Application::default();
    loop {
        let Some((marker, body)) = marker(data, at) else {
            return Ok(None);
        };
        if marker == SOI || marker == TEM {
            at = body;
            continue;
        }
        if marker == SOS || marker == EOI {
            return Err(fault::corrupt(Format::Jpeg));
        }
        let Some(length) = be16(data, body).map(usize::from) else {
            return Ok(None);
        };
        let Some(segment) = data.get(body..body + length) else {
            return Ok(None);
        };
        match marker {
            APP1 => {
                orientation = orientation.or_else(|| segment.get(2..).and_then(exif_orientation));
            }
            APP0 => application.is_jfif |= segment.get(2..7) == Some(b"JFIF\0"),
            APP14 => application.read_adobe(segment),
            SOF_BASELINE..=0xcf if marker != DHT && marker != JPG && marker != DAC => {
                let mut header = frame(marker, segment)?;
                header.orientation = orientation.unwrap_or(Orientation::UPRIGHT);
                if let Coding::Jpeg { colour, .. } = &mut header.coding {
                    *colour = application.colour(segment);
                }
                return Ok(Some(header));
            }
            _ => {}
        }
        at = body + length;
    }
}

/// What the application segments say about colours.
#[derive(Default)]
struct Application {
    is_jfif: bool,
    /// Colour transform of the Adobe segment: 0 is none, 1 is YCbCr, 2 is YCCK.
    adobe: Option<u8>,
}

impl Application {
    fn read_adobe(&mut self, segment: &[u8]) {
        if segment.get(2..7) == Some(b"Adobe") {
            self.adobe = segment.get(13).copied();
        }
    }

    /// The meaning of the components of a frame header. As in libjpeg, known component identifiers come first, then
    /// JFIF (always YCbCr), then the transform of the Adobe segment.
    fn colour(&self, frame: &[u8]) -> JpegColour {
        let name = |component: usize| frame.get(8 + component * 3).copied();
        match frame.get(7) {
            Some(1) => JpegColour::Grey,
            Some(4) => JpegColour::Cmyk {
                is_inverted: self.adobe.is_some(),
            },
            _ => match [name(0), name(1), name(2)] {
                [Some(1), Some(2), Some(3)] => JpegColour::YCbCr,
                [Some(b'R'), Some(b'G'), Some(b'B')] => JpegColour::Rgb,
                _ if !self.is_jfif && self.adobe == Some(0) => JpegColour::Rgb,
                _ => JpegColour::YCbCr,
            },
        }
    }
}

fn exif_orientation(segment: &[u8]) -> Option<Orientation> {
    segment
        .starts_with(b"Exif\0\0")
        .then(|| exif::orientation(segment))
        .flatten()
}

/// Finds the next marker from `at` on. Returns it and the offset of its segment. Skips stray bytes before it, as all
/// decoders do.
pub(crate) fn marker(data: &[u8], at: usize) -> Option<(u8, usize)> {
    let mut at = at;
    loop {
        at += memchr::memchr(0xff, data.get(at..)?)?;
        while data.get(at) == Some(&0xff) {
            at += 1;
        }
        match data.get(at) {
            Some(0) => at += 1,
            Some(&marker) => return Some((marker, at + 1)),
            None => return None,
        }
    }
}

/// Reads a frame header. `segment` starts with its length.
fn frame(marker: u8, segment: &[u8]) -> Result<Header, Failure> {
    let feature = match marker {
        SOF_BASELINE | SOF_EXTENDED | SOF_PROGRESSIVE => None,
        0xc3 | 0xc7 | 0xcb | 0xcf => Some("A lossless JPEG"),
        0xc9 | 0xca | 0xcd | 0xce => Some("A JPEG with arithmetic coding"),
        _ => Some("A hierarchical JPEG"),
    };
    if let Some(feature) = feature {
        return Err(fault::unsupported(feature));
    }
    let corrupt = || fault::corrupt(Format::Jpeg);
    let precision = *segment.get(2).ok_or_else(corrupt)?;
    if precision != PRECISION {
        return Err(fault::unsupported(&format!(
            "A JPEG with {precision} bits per sample"
        )));
    }
    let height = be16(segment, 3).ok_or_else(corrupt)?;
    let width = be16(segment, 5).ok_or_else(corrupt)?;
    let components = *segment.get(7).ok_or_else(corrupt)?;
    if !matches!(components, 1 | 3 | 4) {
        return Err(fault::unsupported(&format!(
            "A JPEG with {components} colour components"
        )));
    }
    let table = segment
        .get(8..8 + usize::from(components) * 3)
        .ok_or_else(corrupt)?;
    Ok(Header {
        format: Format::Jpeg,
        width: u32::from(width),
        height: u32::from(height),
        orientation: Orientation::UPRIGHT,
        coding: Coding::Jpeg {
            is_progressive: marker == SOF_PROGRESSIVE,
            components,
            samples_per_pixel: samples_per_pixel(table).ok_or_else(corrupt)?,
            colour: JpegColour::Grey,
        },
    })
}

/// Samples per pixel, from the component table of a frame header. `None` if a sampling factor is not 1 to 4.
fn samples_per_pixel(table: &[u8]) -> Option<f64> {
    let factors = || {
        table
            .chunks_exact(3)
            .filter_map(|entry| entry.get(1))
            .map(|factor| (factor >> 4, factor & 15))
    };
    if !factors().all(|(across, down)| (1..=4).contains(&across) && (1..=4).contains(&down)) {
        return None;
    }
    let across_max = factors().map(|(across, _)| across).max()?;
    let down_max = factors().map(|(_, down)| down).max()?;
    let samples: f64 = factors()
        .map(|(across, down)| f64::from(across) * f64::from(down))
        .sum();
    Some(samples / (f64::from(across_max) * f64::from(down_max)))
}
