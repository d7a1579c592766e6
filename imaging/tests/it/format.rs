//! Every supported format, and the kinds of each.

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use jpeg_encoder::ColorType;
use moxcms::ColorProfile;
use shared::image::{Fit, ImagePlan, PIXELS_MAX};
use shared::problem::ErrorCode;

use crate::samples::{
    self, Jpeg, animation, canvas, chunk, exif, faded, file, gif, image_chunks, photo_of, quarters,
    webp,
};
use crate::{MEMORY_MAX_BYTES, code, decoded, difference, pixels, plan, read, run, whole};

/// Largest mean difference to a photo, for lossy sources and the lossy output.
const TOLERANCE: f64 = 4.0;

/// Checks that the file shows the image, at full size and at a third of it.
fn shows(name: &str, file: &[u8], image: &RgbImage) {
    let expected = DynamicImage::from(image.clone()).into_rgba8();
    let whole = difference(&pixels(file, &whole()), &expected);
    assert!(whole < TOLERANCE, "{name} differs by {whole}");
    let (width, height) = (image.width() / 3, image.height() / 3);
    let small = image::imageops::resize(
        &expected,
        width,
        height,
        image::imageops::FilterType::Lanczos3,
    );
    let shrunk = difference(
        &pixels(file, &plan(&[("small", width, height, Fit::Inside)])),
        &small,
    );
    assert!(shrunk < TOLERANCE, "{name}, shrunk, differs by {shrunk}");
}

#[test]
fn jpeg_kinds() {
    let photo = photo_of(640, 400);
    shows("4:4:4", &Jpeg::default().of(&photo), &photo);
    shows(
        "4:2:0",
        &Jpeg {
            subsampled: true,
            ..Jpeg::default()
        }
        .of(&photo),
        &photo,
    );
    shows(
        "progressive",
        &Jpeg {
            progressive: true,
            ..Jpeg::default()
        }
        .of(&photo),
        &photo,
    );
    shows(
        "restarts",
        &Jpeg {
            restart: Some(11),
            ..Jpeg::default()
        }
        .of(&photo),
        &photo,
    );
}

#[test]
fn grey_jpeg() {
    let grey = DynamicImage::from(photo_of(320, 200)).into_luma8();
    let file = Jpeg::default().encode(grey.as_raw(), grey.dimensions(), ColorType::Luma);
    shows("grey", &file, &DynamicImage::from(grey).into_rgb8());
}

/// Inks as Adobe stores them, which is inverted: as CMYK and as YCCK.
#[test]
fn cmyk_jpeg() {
    let photo = photo_of(320, 200);
    let inks: Vec<u8> = photo
        .pixels()
        .flat_map(|pixel| [255 - pixel[0], 255 - pixel[1], 255 - pixel[2], 0])
        .collect();
    let adobe = Jpeg::default().encode(&inks, photo.dimensions(), ColorType::Cmyk);
    shows("CMYK", &adobe, &photo);
    shows(
        "YCCK",
        &Jpeg::default().encode(&inks, photo.dimensions(), ColorType::CmykAsYcck),
        &photo,
    );
    // Without the Adobe marker, the inks are not inverted.
    let mut plain = adobe;
    let marker = plain
        .windows(5)
        .position(|bytes| bytes == b"Adobe")
        .unwrap();
    plain[marker] = b'a';
    let negative = RgbImage::from_fn(320, 200, |x, y| Rgb(photo.get_pixel(x, y).0.map(|_| 0)));
    let shown = pixels(&plain, &whole());
    assert!(
        difference(&shown, &DynamicImage::from(negative).into_rgba8()) < TOLERANCE,
        "a black of 0, inverted, is full black"
    );
}

#[test]
fn png_webp_and_tiff() {
    let photo = photo_of(300, 210);
    let image = DynamicImage::from(photo.clone());
    shows("PNG", &samples::png(photo.clone()), &photo);
    shows("lossy WebP", &webp(&image), &photo);
    shows("lossless WebP", &file(&image, ImageFormat::WebP), &photo);
    shows("TIFF", &file(&image, ImageFormat::Tiff), &photo);
    shows(
        "16-bit PNG",
        &file(&DynamicImage::from(image.to_rgb16()), ImageFormat::Png),
        &photo,
    );
    shows(
        "16-bit TIFF",
        &file(&DynamicImage::from(image.to_rgb16()), ImageFormat::Tiff),
        &photo,
    );
}

#[test]
fn the_first_frame_of_an_animation_is_used() {
    let (first, second) = (quarters(300, 180), RgbImage::new(300, 180));
    shows("GIF", &gif(&[first.clone(), second]), &first);
    let shown = pixels(&animation(360, 220, &first), &whole());
    assert_eq!(shown.dimensions(), (360, 220));
    assert_eq!(shown.get_pixel(5, 5)[3], 0, "beside the frame");
    let part = image::imageops::crop_imm(&shown, 20, 10, 300, 180).to_image();
    assert!(difference(&part, &DynamicImage::from(first).into_rgba8()) < TOLERANCE);
}

#[test]
fn variants_have_the_planned_size() {
    let plan = ImagePlan::standard(PIXELS_MAX, MEMORY_MAX_BYTES);
    for (width, height) in [
        (1, 1),
        (1, 5000),
        (5000, 1),
        (3, 2),
        (150, 150),
        (1199, 1201),
        (2501, 1667),
        (9, 4001),
    ] {
        let image = quarters(width, height);
        for file in [
            Jpeg {
                subsampled: true,
                ..Jpeg::default()
            }
            .of(&image),
            samples::png(image.clone()),
            file(&image.into(), ImageFormat::WebP),
        ] {
            let (variants, report) = run(&file, &plan).unwrap();
            assert_eq!((report.width, report.height), (width, height));
            assert_eq!(variants.len(), plan.variants.len());
            for (variant, bytes) in variants {
                let spec = plan
                    .variants
                    .iter()
                    .find(|spec| spec.name == variant.name)
                    .unwrap();
                let planned = spec.geometry(width, height);
                let size = (planned.width, planned.height);
                assert_eq!(
                    (variant.width, variant.height),
                    size,
                    "{} of {width} × {height}",
                    variant.name
                );
                assert_eq!(
                    decoded(&bytes).dimensions(),
                    size,
                    "{} of {width} × {height}",
                    variant.name
                );
                assert_eq!(variant.size_bytes, u64::try_from(bytes.len()).unwrap());
            }
        }
    }
}

/// Alpha is kept, and the red of invisible pixels does not show at the edges.
#[test]
fn alpha_has_no_halo() {
    let image = DynamicImage::from(faded(400, 400));
    for (name, file) in [
        ("PNG", file(&image, ImageFormat::Png)),
        ("WebP", file(&image, ImageFormat::WebP)),
    ] {
        for side in [400, 190, 57] {
            let shown = pixels(&file, &plan(&[("square", side, side, Fit::Inside)]));
            assert_eq!(shown.get_pixel(1, 1)[3], 0, "{name} {side}: corner");
            assert_eq!(
                shown.get_pixel(side / 2, side / 2)[3],
                255,
                "{name} {side}: middle"
            );
            let band = shown.get_pixel(side * 20 / 100, side / 2);
            assert!(
                band[3].abs_diff(128) < 6,
                "{name} {side}: half visible is {band:?}"
            );
            for pixel in shown.pixels().filter(|pixel| pixel[3] > 24) {
                let is_blue = pixel[2] > pixel[0].saturating_add(100);
                assert!(is_blue, "{name} {side}: {pixel:?} is not blue");
            }
        }
    }
}

/// Converts a colour from Display P3 to sRGB, by the definitions of both.
fn p3_to_srgb(colour: [u8; 3]) -> [f64; 3] {
    let linear = colour.map(|sample| {
        let value = f64::from(sample) / 255.0;
        if value <= 0.04045 {
            value / 12.92
        } else {
            ((value + 0.055) / 1.055).powf(2.4)
        }
    });
    let rows = [
        [1.224_940, -0.224_940, 0.0],
        [-0.042_057, 1.042_057, 0.0],
        [-0.019_638, -0.078_636, 1.098_274],
    ];
    rows.map(|row: [f64; 3]| {
        let value: f64 = row
            .iter()
            .zip(linear)
            .map(|(weight, sample)| weight * sample)
            .sum();
        let value = value.clamp(0.0, 1.0);
        255.0
            * if value <= 0.003_130_8 {
                12.92 * value
            } else {
                1.055 * value.powf(1.0 / 2.4) - 0.055
            }
    })
}

/// Checks that the image in the file has one colour, which is `colour` in Display P3.
pub(crate) fn check_p3(file: &[u8], colour: [u8; 3]) {
    let shown = *pixels(file, &whole()).get_pixel(16, 16);
    for (sample, expected) in p3_to_srgb(colour).into_iter().enumerate() {
        let distance = (f64::from(shown[sample]) - expected).abs();
        assert!(
            distance < 5.0,
            "{colour:?} becomes {shown:?}, sample {sample} should be {expected}"
        );
    }
}

#[test]
fn display_p3_becomes_srgb() {
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    for colour in [[200, 80, 60], [60, 180, 90], [70, 90, 190], [128, 128, 128]] {
        let image = RgbImage::from_pixel(64, 64, Rgb(colour));
        let file = Jpeg {
            icc: Some(profile.clone()),
            ..Jpeg::default()
        }
        .of(&image);
        check_p3(&file, colour);
    }
}

/// A profile that is damaged or for another colour space does not make the image fail.
#[test]
fn an_invalid_profile_is_ignored() {
    let photo = photo_of(100, 60);
    let good = ColorProfile::new_display_p3().encode().unwrap();
    let grey = ColorProfile::new_gray_with_gamma(2.2).encode().unwrap();
    for profile in [good[..good.len() / 2].to_vec(), vec![7; 200], grey] {
        shows(
            "invalid profile",
            &Jpeg {
                icc: Some(profile),
                ..Jpeg::default()
            }
            .of(&photo),
            &photo,
        );
    }
}

#[test]
fn outputs_carry_no_metadata() {
    let photo = photo_of(200, 100);
    let profile = ColorProfile::new_display_p3().encode().unwrap();
    let exif = [b"Exif\0\0".to_vec(), exif(1, true)].concat();
    let jpeg = Jpeg {
        exif: Some(exif),
        icc: Some(profile),
        ..Jpeg::default()
    }
    .of(&photo);
    let chunks = [image_chunks(&webp(&photo.into())), chunk(*b"XMP ", b"<x/>")];
    let alpha = file(&faded(64, 64).into(), ImageFormat::Png);
    for file in [jpeg, canvas(0x04, 200, 100, &chunks), alpha] {
        let (variants, _) = run(&file, &ImagePlan::standard(PIXELS_MAX, MEMORY_MAX_BYTES)).unwrap();
        for (_, bytes) in variants {
            for kind in [b"EXIF", b"XMP ", b"ICCP"] {
                assert!(!bytes.windows(4).any(|window| window == kind));
            }
        }
    }
}

#[test]
fn the_report_has_a_placeholder() {
    use base64::Engine as _;
    let (_, report) = run(
        &read("exif-orientation/Landscape_1.jpg"),
        &ImagePlan::standard(PIXELS_MAX, MEMORY_MAX_BYTES),
    )
    .unwrap();
    let hash = base64::engine::general_purpose::STANDARD
        .decode(report.placeholder)
        .unwrap();
    let aspect = thumbhash::thumb_hash_to_approximate_aspect_ratio(&hash).unwrap();
    assert!((aspect - 1.5).abs() < 0.3, "{aspect}");
}

#[test]
fn other_formats_are_unsupported() {
    let jpeg = Jpeg::default().of(&quarters(16, 16));
    let at = jpeg
        .windows(2)
        .position(|bytes| bytes == [0xff, 0xc0])
        .unwrap();
    let with = |offset: usize, value: u8| {
        let mut changed = jpeg.clone();
        changed[at + offset] = value;
        changed
    };
    for (name, file) in [
        ("lossless JPEG", with(1, 0xc3)),
        ("arithmetic JPEG", with(1, 0xc9)),
        ("12-bit JPEG", with(4, 12)),
        ("JPEG XL", b"\0\0\0\x0cJXL \r\n\x87\n".to_vec()),
        ("BMP", b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0".to_vec()),
        ("ICO", b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0".to_vec()),
        ("SVG", b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()),
        ("text", b"this is not an image".to_vec()),
    ] {
        assert_eq!(code(&file, &whole()), ErrorCode::ImageUnsupported, "{name}");
    }
    assert_eq!(code(b"", &whole()), ErrorCode::ImageTruncated, "empty");
}

/// Variants made from larger variants look like variants made from the source.
#[test]
fn chained_variants_are_sharp() {
    let photo = samples::photo();
    let (variants, _) = run(
        &samples::png(photo.clone()),
        &ImagePlan::standard(PIXELS_MAX, MEMORY_MAX_BYTES),
    )
    .unwrap();
    for (variant, bytes) in variants
        .iter()
        .filter(|(variant, _)| variant.name != "preview")
    {
        let direct = image::imageops::resize(
            &photo,
            variant.width,
            variant.height,
            image::imageops::FilterType::Lanczos3,
        );
        let difference = difference(&decoded(bytes), &DynamicImage::from(direct).into_rgba8());
        assert!(difference < 5.0, "{} differs by {difference}", variant.name);
    }
}

#[test]
fn grey_with_alpha_keeps_its_alpha() {
    let image = RgbaImage::from_fn(40, 40, |x, _| {
        if x < 20 {
            Rgba([90, 90, 90, 255])
        } else {
            Rgba([90, 90, 90, 0])
        }
    });
    let grey = DynamicImage::from(DynamicImage::from(image).into_luma_alpha8());
    let shown = pixels(&file(&grey, ImageFormat::Png), &whole());
    assert_eq!(
        (shown.get_pixel(5, 5)[3], shown.get_pixel(35, 5)[3]),
        (255, 0)
    );
}
