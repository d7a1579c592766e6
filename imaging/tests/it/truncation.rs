//! A cut file fails. It never gives variants that show only part of the image.

use image::{DynamicImage, ImageFormat};
use shared::problem::ErrorCode;

use crate::samples::{self, Jpeg, animation, canvas, chunk, faded, gif, photo_of, quarters, webp};
use crate::{code, plan, read, run, whole};
use shared::image::Fit;

/// Checks that the file fails when it is cut at any sixteenth, and that junk after it is ignored.
fn check(name: &str, file: &[u8]) {
    let small = plan(&[("small", 40, 40, Fit::Inside)]);
    for plan in [whole(), small] {
        assert!(run(file, &plan).is_ok(), "{name}: complete");
        for sixteenth in 1..16 {
            let length = file.len() * sixteenth / 16;
            let code = code(&file[..length], &plan);
            assert_eq!(
                code,
                ErrorCode::ImageTruncated,
                "{name}: {sixteenth}/16 to {}",
                plan.variants[0].name
            );
        }
        let junk = [file, b"junk after the image".as_slice()].concat();
        assert!(run(&junk, &plan).is_ok(), "{name}: junk");
    }
}

#[test]
fn jpeg() {
    let photo = photo_of(333, 222);
    check("baseline", &Jpeg::default().of(&photo));
    check(
        "subsampled",
        &Jpeg {
            subsampled: true,
            ..Jpeg::default()
        }
        .of(&photo),
    );
    check(
        "progressive",
        &Jpeg {
            progressive: true,
            ..Jpeg::default()
        }
        .of(&photo),
    );
    check(
        "restarts",
        &Jpeg {
            restart: Some(7),
            ..Jpeg::default()
        }
        .of(&photo),
    );
    check(
        "progressive restarts",
        &Jpeg {
            progressive: true,
            restart: Some(7),
            ..Jpeg::default()
        }
        .of(&photo),
    );
    check("photo", &read("exif-orientation/Landscape_6.jpg"));
}

/// A cut file with a new end marker: only the coded data shows that the image is incomplete.
#[test]
fn jpeg_with_a_false_end_marker() {
    let photo = photo_of(333, 222);
    for (progressive, restart) in [(false, None), (true, None), (false, Some(7))] {
        let file = Jpeg {
            progressive,
            restart,
            ..Jpeg::default()
        }
        .of(&photo);
        for sixteenth in 4..16 {
            let cut = [&file[..file.len() * sixteenth / 16], &[0xff, 0xd9]].concat();
            let code = code(&cut, &whole());
            let is_expected = matches!(code, ErrorCode::ImageTruncated | ErrorCode::ImageCorrupt);
            assert!(
                is_expected,
                "{sixteenth}/16, progressive {progressive}, {restart:?}: {code:?}"
            );
        }
    }
}

#[test]
fn png() {
    check("rows", &samples::png(photo_of(333, 222)));
    check(
        "alpha",
        &samples::file(&faded(200, 150).into(), ImageFormat::Png),
    );
    check("interlaced", &read("pngsuite/basi6a16.png"));
    let whole_file = samples::png(photo_of(60, 40));
    assert_eq!(
        code(&whole_file[..whole_file.len() - 12], &whole()),
        ErrorCode::ImageTruncated,
        "no IEND"
    );
}

#[test]
fn webp_files() {
    let photo = DynamicImage::from(photo_of(333, 222));
    check("lossy", &webp(&photo));
    check("lossless", &samples::file(&photo, ImageFormat::WebP));
    check("alpha", &webp(&faded(200, 150).into()));
    check("animation", &animation(200, 150, &photo_of(100, 80)));
    // The container may be complete while the bitstream in it is cut.
    let image = samples::image_chunks(&webp(&photo));
    let cut = chunk(*b"VP8 ", &image[8..image.len() / 2]);
    assert_eq!(
        code(&canvas(0, 333, 222, &[cut]), &whole()),
        ErrorCode::ImageTruncated
    );
}

#[test]
fn gif_files() {
    check("still", &gif(&[photo_of(200, 150)]));
    check("animation", &gif(&[photo_of(100, 80), quarters(100, 80)]));
}

/// Mutated files that once made the codec trap or report an internal error.
#[test]
fn damaged_files() {
    assert!(
        run(&read("damaged/profile-tag-wraps.webp"), &whole()).is_ok(),
        "an invalid profile is ignored"
    );
    assert_eq!(
        code(&read("damaged/alpha.webp"), &whole()),
        ErrorCode::ImageCorrupt
    );
}
