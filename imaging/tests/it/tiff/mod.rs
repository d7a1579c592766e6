//! TIFF files that the `tiff` crate can write: kinds of samples, orientation, profile, damage.

pub(crate) mod file;
pub(crate) mod kinds;

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use moxcms::ColorProfile;
use shared::problem::ErrorCode;
use tiff::encoder::colortype::{CMYK8, ColorType, Gray8, RGB8, RGB16, RGBA8};
use tiff::encoder::{Compression, TiffEncoder};
use tiff::tags::Tag;

use crate::format::check_p3;
use crate::orientation::stored;
use crate::samples::{faded, file, photo_of, quarters};
use crate::{code, difference, pixels, run, whole};

const COMPRESSIONS: [(&str, Compression); 3] = [
    ("uncompressed", Compression::Uncompressed),
    ("LZW", Compression::Lzw),
    ("PackBits", Compression::Packbits),
];

/// Writes a file with an orientation and a profile.
fn written<C: ColorType>(
    (width, height): (u32, u32),
    samples: &[C::Inner],
    compression: Compression,
    orientation: u16,
    profile: &[u8],
) -> Vec<u8>
where
    [C::Inner]: tiff::encoder::TiffValue,
{
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes)
        .unwrap()
        .with_compression(compression);
    let mut image = encoder.new_image::<C>(width, height).unwrap();
    image
        .encoder()
        .write_tag(Tag::Orientation, orientation)
        .unwrap();
    if !profile.is_empty() {
        image.encoder().write_tag(Tag::IccProfile, profile).unwrap();
    }
    image.write_data(samples).unwrap();
    bytes.into_inner()
}

#[test]
fn kinds_of_samples() {
    let photo = photo_of(120, 80);
    let size = photo.dimensions();
    let expected = DynamicImage::from(photo.clone()).into_rgba8();
    let wide: Vec<u16> = photo
        .iter()
        .map(|&sample| u16::from(sample) * 257)
        .collect();
    let inks: Vec<u8> = photo
        .pixels()
        .flat_map(|pixel| [255 - pixel[0], 255 - pixel[1], 255 - pixel[2], 0])
        .collect();
    for (packed, compression) in COMPRESSIONS {
        for (name, bytes) in [
            (
                "RGB",
                written::<RGB8>(size, photo.as_raw(), compression, 1, &[]),
            ),
            (
                "RGB with 16 bits",
                written::<RGB16>(size, &wide, compression, 1, &[]),
            ),
            (
                "RGBA",
                written::<RGBA8>(size, expected.as_raw(), compression, 1, &[]),
            ),
            ("CMYK", written::<CMYK8>(size, &inks, compression, 1, &[])),
        ] {
            let difference = difference(&pixels(&bytes, &whole()), &expected);
            assert!(
                difference < 4.0,
                "{name}, {packed}: differs by {difference}"
            );
        }
    }
    let grey = DynamicImage::from(photo).into_luma8();
    let bytes = written::<Gray8>(size, grey.as_raw(), Compression::Lzw, 1, &[]);
    let expected = DynamicImage::from(grey).into_rgba8();
    assert!(
        difference(&pixels(&bytes, &whole()), &expected) < 4.0,
        "grey"
    );
    let clear = pixels(&file(&faded(64, 64).into(), ImageFormat::Tiff), &whole());
    assert_eq!(
        (clear.get_pixel(1, 1)[3], clear.get_pixel(32, 32)[3]),
        (0, 255)
    );
}

#[test]
fn orientations() {
    let upright = DynamicImage::from(quarters(97, 61));
    for tag in 1..=8 {
        let stored = stored(&upright, tag).into_rgb8();
        let bytes = written::<RGB8>(
            stored.dimensions(),
            stored.as_raw(),
            Compression::Lzw,
            tag.into(),
            &[],
        );
        let difference = difference(&pixels(&bytes, &whole()), &upright.to_rgba8());
        assert!(
            difference < 4.0,
            "orientation {tag} differs by {difference}"
        );
    }
}

#[test]
fn a_profile_is_used() {
    let image = RgbImage::from_pixel(32, 32, Rgb([200, 80, 60]));
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    let bytes = written::<RGB8>(
        (32, 32),
        image.as_raw(),
        Compression::Uncompressed,
        1,
        &profile,
    );
    check_p3(&bytes, [200, 80, 60]);
}

#[test]
fn cut_files_are_truncated() {
    let photo = photo_of(120, 80);
    for (packed, compression) in COMPRESSIONS {
        let bytes = written::<RGB8>(photo.dimensions(), photo.as_raw(), compression, 1, &[]);
        assert!(run(&bytes, &whole()).is_ok());
        for part in 1..32 {
            let code = code(&bytes[..bytes.len() * part / 32], &whole());
            assert_eq!(code, ErrorCode::ImageTruncated, "{packed}: {part}/32");
        }
    }
}
