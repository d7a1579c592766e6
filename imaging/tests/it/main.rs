//! The native codec with real and generated images. `module` does the same with the wasm module.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test stops at the first error; clippy allows that only in the test functions themselves"
)]

mod avif;
mod bomb;
mod format;
mod heif;
mod memory;
mod module;
mod mutation;
mod orientation;
mod pngsuite;
mod samples;
mod tiff;
mod truncation;

use image::RgbaImage;
use imaging::Session;
use shared::image::{Fit, ImagePlan, ImageReport, PIXELS_MAX, Variant, VariantFormat, VariantSpec};
use shared::problem::{ErrorCode, Failure};

/// A memory limit that no test image exceeds by accident.
const MEMORY_MAX_BYTES: u64 = 1 << 30;

/// A plan with these boxes, at the best quality, so that the encoder changes the pixels as little as possible.
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

/// A plan with one variant, which has the size of the image.
fn whole() -> ImagePlan {
    plan(&[("whole", 4000, 4000, Fit::Inside)])
}

/// Variants with their files, and the report.
type Outputs = (Vec<(Variant, Vec<u8>)>, ImageReport);

/// Makes all variants of a file, and the report.
fn run(file: &[u8], plan: &ImagePlan) -> Result<Outputs, Failure> {
    let mut session = Session::open(file.to_vec(), plan)?;
    let mut variants = Vec::new();
    while let Some(variant) = session.next_variant()? {
        variants.push(variant);
    }
    Ok((variants, session.report()?))
}

/// The pixels of the only variant of a plan.
fn pixels(file: &[u8], plan: &ImagePlan) -> RgbaImage {
    let (variants, _) = run(file, plan).unwrap();
    decoded(&variants[0].1)
}

fn decoded(webp: &[u8]) -> RgbaImage {
    image::load_from_memory_with_format(webp, image::ImageFormat::WebP)
        .unwrap()
        .into_rgba8()
}

/// The code of the failure for a file.
fn code(file: &[u8], plan: &ImagePlan) -> ErrorCode {
    match run(file, plan) {
        Ok((variants, _)) => panic!("{} variants were made", variants.len()),
        Err(failure) => failure.code,
    }
}

/// The mean absolute difference between the samples of two images, weighted by alpha.
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

/// The path of a fixture.
fn fixture(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}

fn read(name: &str) -> Vec<u8> {
    std::fs::read(fixture(name)).unwrap()
}
