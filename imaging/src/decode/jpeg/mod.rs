//! Decodes JPEG with `jpeg-decoder`, which can reduce the size in the inverse transform.

mod scans;
mod ycbcr;

use jpeg_decoder::{ColorTransform, Decoder, Error, PixelFormat};
use shared::problem::Failure;

use self::scans::Scans;
use crate::decode::decoded::Decoded;
use crate::fault;
use crate::format::Format;
use crate::pixels::{Layout, Raster};
use crate::probe::header::JpegColour;
use crate::scale::Shrink;

pub(super) fn decode(data: &[u8], shrink: &Shrink, colour: JpegColour) -> Result<Decoded, Failure> {
    let mut scans = Scans::new(data)?;
    let decoded = pixels(&mut scans, shrink, colour);
    let (raster, profile) = match decoded {
        Ok(decoded) => decoded,
        Err(Error::Unsupported(_)) => return Err(fault::unsupported("This kind of JPEG")),
        Err(Error::Io(_)) => return Err(fault::truncated(Format::Jpeg)),
        Err(Error::Format(_) | Error::Internal(_)) if scans.is_in_tail() => {
            return Err(fault::truncated(Format::Jpeg));
        }
        Err(Error::Format(_) | Error::Internal(_)) => return Err(fault::corrupt(Format::Jpeg)),
    };
    let mut raster = raster.ok_or_else(|| fault::corrupt(Format::Jpeg))?;
    match colour {
        JpegColour::YCbCr => ycbcr::to_rgb(&mut raster.pixels),
        // The decoder inverts all inks, as Adobe stores them. Without an Adobe marker, that is wrong.
        JpegColour::Cmyk { is_inverted: false } => {
            raster.pixels.iter_mut().for_each(|ink| *ink = 255 - *ink);
        }
        JpegColour::Cmyk { is_inverted: true } | JpegColour::Grey | JpegColour::Rgb => {}
    }
    Ok(Decoded { raster, profile })
}

type Pixels = (Option<Raster>, Option<Vec<u8>>);

fn pixels(scans: &mut Scans<'_>, shrink: &Shrink, colour: JpegColour) -> Result<Pixels, Error> {
    let mut decoder = Decoder::new(scans);
    if matches!(colour, JpegColour::YCbCr | JpegColour::Rgb) {
        // Samples as stored: the decoder has two colour transforms that round differently, and the machine decides
        // which pixels each of them converts. `ycbcr` gives the same bytes on every machine.
        decoder.set_color_transform(ColorTransform::RGB);
    }
    if shrink.divisor > 1 {
        let (width, height) = request(shrink);
        decoder.scale(width, height)?;
    }
    let pixels = decoder.decode()?;
    let Some(info) = decoder.info() else {
        return Ok((None, None));
    };
    let layout = match info.pixel_format {
        PixelFormat::L8 => Layout::Grey,
        PixelFormat::RGB24 => Layout::Rgb,
        PixelFormat::CMYK32 => Layout::Cmyk,
        PixelFormat::L16 => return Ok((None, None)),
    };
    let raster = Raster::new(
        u32::from(info.width),
        u32::from(info.height),
        layout,
        pixels,
    );
    Ok((raster, decoder.icc_profile()))
}

/// The size to request from the decoder. Trap: it takes the first reduction that reaches the requested size on *either*
/// axis, so the short side of a narrow image would make it too small. Only the long side is requested.
fn request(shrink: &Shrink) -> (u16, u16) {
    let side = |length: u32| u16::try_from(length).unwrap_or(u16::MAX);
    if shrink.width >= shrink.height {
        (side(shrink.width), u16::MAX)
    } else {
        (u16::MAX, side(shrink.height))
    }
}
