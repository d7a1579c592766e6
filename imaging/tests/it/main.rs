//! The codec on real and made-up images, natively; `module` runs the same on the wasm build.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that cannot go on shall stop where it stands; clippy knows only the test functions themselves"
)]

mod avif;
mod bomb;
mod format;
mod heif;
mod made;
mod memory;
mod module;
mod mutation;
mod orientation;
mod pngsuite;
mod tiff;
mod tiff_file;
mod tiff_kinds;
mod truncation;

use image::RgbaImage;
use imaging::Session;
use shared::image::{Fit, ImagePlan, ImageReport, PIXELS_MAX, Variant, VariantFormat, VariantSpec};
use shared::problem::{ErrorCode, Failure};

/// What the tests allow, so that no image is refused that is not meant to be.
const MEMORY_MAX_BYTES: u64 = 1 << 30;

/// A plan of the given boxes at the best quality, so that differences are the codec's and not the encoder's.
fn plan(boxes: &[(&str, u32, u32, Fit)]) -> ImagePlan {
    let spec = |&(name, width, height, fit): &(&str, u32, u32, Fit)| VariantSpec {
        name: name.to_owned(),
        width,
        height,
        fit,
        quality: 100,
        format: VariantFormat::Webp,
    };
    ImagePlan {
        variants: boxes.iter().map(spec).collect(),
        pixels_max: PIXELS_MAX,
        memory_max_bytes: MEMORY_MAX_BYTES,
    }
}

/// A plan of one variant that takes the image as it is.
fn whole() -> ImagePlan {
    plan(&[("whole", 4000, 4000, Fit::Inside)])
}

/// Variants with their files, and the report.
type Made = (Vec<(Variant, Vec<u8>)>, ImageReport);

/// All variants and the report of a file.
fn run(file: &[u8], plan: &ImagePlan) -> Result<Made, Failure> {
    let mut session = Session::open(file.to_vec(), plan)?;
    let mut variants = Vec::new();
    while let Some(made) = session.next_variant()? {
        variants.push(made);
    }
    Ok((variants, session.report()?))
}

/// Pixels of a file's single variant.
fn pixels(file: &[u8], plan: &ImagePlan) -> RgbaImage {
    let (variants, _) = run(file, plan).unwrap();
    decoded(&variants[0].1)
}

fn decoded(webp: &[u8]) -> RgbaImage {
    image::load_from_memory_with_format(webp, image::ImageFormat::WebP)
        .unwrap()
        .into_rgba8()
}

/// Code of the failure that a file gives.
fn code(file: &[u8], plan: &ImagePlan) -> ErrorCode {
    match run(file, plan) {
        Ok((variants, _)) => panic!("{} variants were made", variants.len()),
        Err(failure) => failure.code,
    }
}

/// Mean absolute difference of two images' samples, weighted by alpha.
fn difference(left: &RgbaImage, right: &RgbaImage) -> f64 {
    assert_eq!(left.dimensions(), right.dimensions());
    let pairs = left.pixels().zip(right.pixels());
    let sum: f64 = pairs
        .map(|(left, right)| {
            let seen = f64::from(left[3]) / 255.0;
            let colours: f64 = (0..3)
                .map(|sample| f64::from(left[sample].abs_diff(right[sample])))
                .sum();
            seen * colours / 3.0 + f64::from(left[3].abs_diff(right[3]))
        })
        .sum();
    sum / f64::from(left.width() * left.height())
}

/// Path of a fixture.
fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}
