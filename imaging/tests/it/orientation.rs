//! Variants are upright, wherever the orientation is in the file.

use image::{DynamicImage, ImageFormat};
use imaging::Session;
use shared::image::Fit;

use crate::samples::{Jpeg, canvas, chunk, exif, file, image_chunks, png_chunk, quarters, webp};
use crate::{decoded, difference, pixels, plan, read, run};

/// Eight photos of the same scene, each stored in another orientation.
#[test]
fn photos_are_upright() {
    let plan = plan(&[
        ("inside", 300, 300, Fit::Inside),
        ("cover", 80, 120, Fit::Cover),
    ]);
    let (upright, _) = run(&read("exif-orientation/Landscape_1.jpg"), &plan).unwrap();
    for tag in 2..=8 {
        let (turned, report) = run(
            &read(&format!("exif-orientation/Landscape_{tag}.jpg")),
            &plan,
        )
        .unwrap();
        assert_eq!(
            (report.width, report.height),
            (1800, 1200),
            "orientation {tag}"
        );
        for (turned, upright) in turned.iter().zip(&upright) {
            let difference = difference(&decoded(&turned.1), &decoded(&upright.1));
            assert!(
                difference < 4.0,
                "orientation {tag}, {}: differs by {difference}",
                turned.0.name
            );
        }
    }
}

/// The stored image that the orientation `tag` turns into `upright`.
pub(crate) fn stored(upright: &DynamicImage, tag: u8) -> DynamicImage {
    match tag {
        2 => upright.fliph(),
        3 => upright.rotate180(),
        4 => upright.flipv(),
        5 => upright.rotate90().fliph(),
        6 => upright.rotate270(),
        7 => upright.rotate270().fliph(),
        8 => upright.rotate90(),
        _ => upright.clone(),
    }
}

/// Checks all eight tags with files that `write` makes, for several sizes.
fn check(write: impl Fn(&DynamicImage, u8) -> Vec<u8>) {
    let upright = DynamicImage::from(quarters(97, 61));
    for plan in [
        plan(&[("whole", 97, 61, Fit::Inside)]),
        plan(&[("cover", 20, 20, Fit::Cover)]),
        plan(&[("small", 12, 12, Fit::Inside)]),
    ] {
        let expected = pixels(&write(&upright, 1), &plan);
        for tag in 1..=8 {
            let file = write(&stored(&upright, tag), tag);
            let session = Session::open(file.clone(), &plan)
                .unwrap()
                .report()
                .unwrap();
            assert_eq!(
                (session.width, session.height),
                (97, 61),
                "orientation {tag}"
            );
            let difference = difference(&pixels(&file, &plan), &expected);
            assert!(
                difference < 4.0,
                "orientation {tag}, {}: differs by {difference}",
                plan.variants[0].name
            );
        }
    }
}

#[test]
fn jpeg_with_exif() {
    check(|image, tag| {
        let exif = [b"Exif\0\0".to_vec(), exif(tag, false)].concat();
        Jpeg {
            exif: Some(exif),
            ..Jpeg::default()
        }
        .of(&image.to_rgb8())
    });
}

#[test]
fn png_with_exif_after_the_pixels() {
    check(|image, tag| {
        let mut bytes = file(image, ImageFormat::Png);
        bytes.truncate(bytes.len() - 12);
        [
            bytes,
            png_chunk(*b"eXIf", &exif(tag, true)),
            png_chunk(*b"IEND", &[]),
        ]
        .concat()
    });
}

#[test]
fn webp_with_exif_after_the_pixels() {
    check(|image, tag| {
        let chunks = [
            image_chunks(&webp(image)),
            chunk(*b"EXIF", &exif(tag, true)),
        ];
        canvas(0x08, image.width(), image.height(), &chunks)
    });
}

/// A damaged block has no orientation, and does not make the image fail.
#[test]
fn damaged_exif_is_ignored() {
    let good = [b"Exif\0\0".to_vec(), exif(6, true)].concat();
    for length in 6..good.len() - 6 {
        let file = Jpeg {
            exif: Some(good[..length].to_vec()),
            ..Jpeg::default()
        }
        .of(&quarters(20, 10));
        let (_, report) = run(&file, &plan(&[("whole", 20, 20, Fit::Inside)])).unwrap();
        assert_eq!((report.width, report.height), (20, 10), "cut at {length}");
    }
}
