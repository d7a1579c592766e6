//! Decodes AVIF and HEIC: decodes the items of the primary image to planes, and converts these to RGB. `av1` and `hevc`
//! are the codecs.

mod av1;
mod hevc;
mod planes;

use heic_rs::context::Context;
use heic_rs::error::{Error, Result};
use heic_rs::hevc::ChromaFormat;
use heic_rs::meta::iref::RefKind;
use heic_rs::props::colr::{MatrixCoefficients, Nclx, Range};
use heic_rs::{Image, PixelLayout, color, grid, transform};
use moxcms::{CicpColorPrimaries, CicpProfile, ColorProfile, TransferCharacteristics};
use shared::problem::Failure;

use self::planes::Planes;
use crate::decode::decoded::Decoded;
use crate::fault;
use crate::heif;
use crate::number;
use crate::pixels::alpha;
use crate::pixels::{Layout, Raster};
use crate::probe::header::Header;
use crate::probe::heif::split;

pub(super) fn decode(data: &[u8], header: &Header) -> std::result::Result<Decoded, Failure> {
    let (image, profile, is_premultiplied) =
        heif::guarded(|| primary(data)).map_err(|cause| heif::failure(&cause, header.format))?;
    let corrupt = || fault::corrupt(header.format);
    let layout = match image.layout {
        PixelLayout::Gray8 => Layout::Grey,
        PixelLayout::Rgb8 => Layout::Rgb,
        PixelLayout::Rgba8 if is_premultiplied => Layout::Premultiplied,
        PixelLayout::Rgba8 => Layout::Rgba,
        PixelLayout::Bgr8 | PixelLayout::Bgra8 | PixelLayout::Rgb16 | PixelLayout::Rgba16 => {
            return Err(corrupt());
        }
    };
    if (image.width, image.height) != (header.width, header.height) {
        return Err(corrupt());
    }
    let raster = Raster::new(image.width, image.height, layout, image.data).ok_or_else(corrupt)?;
    Ok(Decoded {
        raster: alpha::divide(raster),
        profile,
    })
}

/// Decodes the primary image. Returns it, cropped but not yet upright, with its colour profile and whether its colours
/// are premultiplied.
fn primary(data: &[u8]) -> Result<(Image, Option<Vec<u8>>, bool)> {
    let file = heif::open(data)?;
    let item = file.meta.primary;
    let props = file.props(item)?;
    let size = props.ispe.ok_or(Error::MissingBox("ispe"))?;
    let Planes { frame, range } = planes(&file, item)?;
    if (frame.width, frame.height) != (size.width, size.height) {
        return Err(Error::Malformed(
            "the size of the image is not that of its item",
        ));
    }
    let alpha = match file.alpha_item(item)? {
        Some(item) => Some((item, planes(&file, item)?.frame)),
        None => None,
    };
    if alpha
        .as_ref()
        .is_some_and(|(_, alpha)| (alpha.width, alpha.height) != (frame.width, frame.height))
    {
        return Err(Error::Unsupported("alpha of another size than the image"));
    }
    let is_premultiplied = alpha.as_ref().is_some_and(|&(alpha, _)| {
        file.meta.refs.iter().any(|reference| {
            reference.kind == RefKind::Other(*b"prem")
                && reference.from == item
                && reference.to.contains(&alpha)
        })
    });
    let layout = match (frame.chroma, &alpha) {
        (_, Some(_)) => PixelLayout::Rgba8,
        (ChromaFormat::Monochrome, None) => PixelLayout::Gray8,
        (ChromaFormat::Yuv420 | ChromaFormat::Yuv422 | ChromaFormat::Yuv444, None) => {
            PixelLayout::Rgb8
        }
    };
    let nclx = samples(props.nclx, range)?;
    let image = color::convert(
        &frame,
        alpha.as_ref().map(|(_, alpha)| alpha),
        nclx,
        layout,
        number::area(size.width, size.height),
        Some(1),
    )?;
    drop((frame, alpha));
    let (crops, _) = split(&props.transforms)?;
    let profile = props.icc.map(<[u8]>::to_vec).or_else(|| profile(nclx));
    Ok((
        transform::apply_all(image, crops)?,
        profile,
        is_premultiplied,
    ))
}

/// The planes of an item. Tiles are assembled.
fn planes(file: &Context<'_>, item: u32) -> Result<Planes> {
    let Some((grid, tiles)) = file.grid(item)? else {
        return coded(file, item);
    };
    let mut frames = Vec::new();
    let mut range = Range::Limited;
    for tile in tiles {
        let planes = coded(file, tile)?;
        frames.push(planes.frame);
        range = planes.range;
    }
    let pixels_max = number::area(grid.output_width, grid.output_height);
    let frame = grid::compose(&grid, &frames, pixels_max)?;
    Ok(Planes { frame, range })
}

/// The planes of a coded item. They must not be larger than its declared size, for which the memory was estimated.
fn coded(file: &Context<'_>, item: u32) -> Result<Planes> {
    let props = file.props(item)?;
    let size = props.ispe.ok_or(Error::MissingBox("ispe"))?;
    let pixels_max = number::area(size.width, size.height);
    let kind = file
        .meta
        .item(item)
        .ok_or(Error::MissingItem(item))?
        .item_type;
    let data = file.item_data(item)?;
    let planes = match &kind {
        b"av01" => av1::decode(&data, pixels_max)?,
        b"hvc1" | b"hev1" => {
            let config = props.hvcc.as_ref().ok_or(Error::MissingBox("hvcC"))?;
            hevc::decode(&data, config, size)?
        }
        _ => return Err(Error::Unsupported("this codec")),
    };
    planes.frame.validate()?;
    Ok(planes)
}

/// How samples are converted to colours: as declared by the container, or else as encoders mean it.
fn samples(declared: Option<Nclx>, range: Range) -> Result<Nclx> {
    let nclx = declared.unwrap_or(Nclx {
        primaries: 1,
        transfer: 13,
        matrix: MatrixCoefficients::Unspecified,
        matrix_code: 2,
        range,
    });
    match nclx.matrix {
        // libavif, libheif and browsers use BT.601 if the matrix is unspecified.
        MatrixCoefficients::Unspecified => Ok(Nclx {
            matrix: MatrixCoefficients::Bt601,
            matrix_code: 6,
            ..nclx
        }),
        MatrixCoefficients::Other(_) => Err(Error::Unsupported("this colour matrix")),
        MatrixCoefficients::Identity
        | MatrixCoefficients::Bt709
        | MatrixCoefficients::Bt601
        | MatrixCoefficients::Smpte240m
        | MatrixCoefficients::Bt2020Ncl
        | _ => Ok(nclx),
    }
}

/// A profile for colour primaries beyond sRGB. `None` for HDR transfer functions: their images are shown without tone
/// mapping.
fn profile(nclx: Nclx) -> Option<Vec<u8>> {
    /// Codes of primaries (ITU-T H.273): BT.2020, and P3 with either white point.
    const WIDE: [u8; 3] = [9, 11, 12];
    /// Codes of transfer functions (ITU-T H.273): unspecified, sRGB, and those of video, which are all shown like sRGB.
    const STANDARD_RANGE: [u16; 6] = [1, 2, 6, 13, 14, 15];
    let primaries = u8::try_from(nclx.primaries)
        .ok()
        .filter(|code| WIDE.contains(code))?;
    if !STANDARD_RANGE.contains(&nclx.transfer) {
        return None;
    }
    ColorProfile::new_from_cicp(CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
        transfer_characteristics: TransferCharacteristics::Srgb,
        matrix_coefficients: moxcms::MatrixCoefficients::Bt709,
        full_range: true,
    })
    .encode()
    .ok()
}
