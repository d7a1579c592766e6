//! `PngSuite`: valid files decode to the same pixels as with the `image` crate, and invalid ones are rejected.

use image::{DynamicImage, ImageFormat};
use shared::problem::ErrorCode;

use crate::{code, difference, fixture, pixels, samples, whole};

/// Largest mean difference, which comes from rounding 16 bits to 8 and from the lossy encoder.
const TOLERANCE: f64 = 1.0;

fn files() -> impl Iterator<Item = (String, Vec<u8>)> {
    let paths = std::fs::read_dir(fixture("pngsuite"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|extension| extension == "png"))
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                std::fs::read(&path).unwrap(),
            )
        })
}

#[test]
fn valid_files_decode() {
    let valid = files().filter(|(name, _)| !name.starts_with('x'));
    let mut count = 0;
    for (name, file) in valid {
        let image = image::load_from_memory(&file).unwrap();
        let plain = if image.color().has_alpha() {
            DynamicImage::from(image.into_rgba8())
        } else {
            DynamicImage::from(image.into_rgb8())
        };
        let expected = pixels(&samples::file(&plain, ImageFormat::Png), &whole());
        let difference = difference(&pixels(&file, &whole()), &expected);
        assert!(difference < TOLERANCE, "{name} differs by {difference}");
        count += 1;
    }
    assert_eq!(count, 161);
}

#[test]
fn invalid_files_are_rejected() {
    let mut count = 0;
    for (name, file) in files().filter(|(name, _)| name.starts_with('x')) {
        let code = code(&file, &whole());
        let is_expected = matches!(
            code,
            ErrorCode::ImageCorrupt | ErrorCode::ImageTruncated | ErrorCode::ImageUnsupported
        );
        assert!(is_expected, "{name} gives {code:?}");
        count += 1;
    }
    assert_eq!(count, 14);
}
