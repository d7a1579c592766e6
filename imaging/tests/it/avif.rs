//! AVIF variants, compared with what another decoder makes of them.

use std::process::Command;

use image::{DynamicImage, ImageFormat, RgbaImage};
use shared::image::{ImagePlan, PIXELS_MAX, VariantFormat};

use crate::samples::{self, Jpeg, faded, photo};
use crate::{MEMORY_MAX_BYTES, decoded, difference, pixels, run, whole};

fn native() -> ImagePlan {
    ImagePlan::native(PIXELS_MAX, MEMORY_MAX_BYTES)
}

/// Decodes with ffmpeg, which uses libdav1d. `cargo xtask setup` requires ffmpeg.
fn by_ffmpeg(avif: &[u8], name: &str) -> RgbaImage {
    let path = std::env::temp_dir().join(format!("ferrotype-{}-{name}.avif", std::process::id()));
    std::fs::write(&path, avif).unwrap();
    let output = Command::new("ffmpeg")
        .args(["-v", "error", "-i"])
        .arg(&path)
        .args([
            "-frames:v",
            "1",
            "-c:v",
            "png",
            "-pix_fmt",
            "rgb24",
            "-f",
            "image2pipe",
            "-",
        ])
        .output()
        .unwrap();
    std::fs::remove_file(&path).unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    image::load_from_memory_with_format(&output.stdout, ImageFormat::Png)
        .unwrap()
        .into_rgba8()
}

/// The peak signal-to-noise ratio of the colours, in dB.
fn psnr(left: &RgbaImage, right: &RgbaImage) -> f64 {
    assert_eq!(left.dimensions(), right.dimensions());
    let squares: f64 = left
        .pixels()
        .zip(right.pixels())
        .flat_map(|(left, right)| (0..3).map(|at| f64::from(left[at].abs_diff(right[at])).powi(2)))
        .sum();
    let mean = squares / f64::from(3 * left.width() * left.height());
    10.0 * (255.0 * 255.0 / mean).log10()
}

/// Each AVIF variant looks like its WebP twin, is smaller, and has about the same distance to the source.
#[test]
fn an_avif_variant_looks_like_its_webp_twin() {
    let file = samples::png(photo());
    let (variants, _) = run(&file, &native()).unwrap();
    assert_eq!(variants.len(), 8);
    for (webp, webp_bytes) in variants
        .iter()
        .filter(|(variant, _)| variant.format == VariantFormat::Webp)
    {
        let (avif, avif_bytes) = variants
            .iter()
            .find(|(variant, _)| variant.name == format!("{}_avif", webp.name))
            .unwrap();
        assert_eq!(avif.format, VariantFormat::Avif);
        assert_eq!((avif.width, avif.height), (webp.width, webp.height));
        assert_eq!(avif.size_bytes, u64::try_from(avif_bytes.len()).unwrap());
        let shown = by_ffmpeg(avif_bytes, &avif.name);
        let near = psnr(&shown, &decoded(webp_bytes));
        assert!(near > 30.0, "{}: {near} dB from its twin", avif.name);
        // Our decoder gives the same pixels as ffmpeg.
        let own = psnr(&pixels(avif_bytes, &whole()), &shown);
        assert!(own > 38.0, "{}: {own} dB from ffmpeg", avif.name);
        // Small files consist mostly of the container.
        if webp.name == "large" {
            let direct = image::imageops::resize(
                &photo(),
                avif.width,
                avif.height,
                image::imageops::FilterType::Lanczos3,
            );
            let direct = DynamicImage::from(direct).into_rgba8();
            let (by_webp, by_avif) = (psnr(&decoded(webp_bytes), &direct), psnr(&shown, &direct));
            assert!(
                (by_webp - by_avif).abs() < 2.0,
                "{by_webp} dB and {by_avif} dB"
            );
            assert!(
                avif.size_bytes < webp.size_bytes,
                "{} and {} bytes",
                avif.size_bytes,
                webp.size_bytes
            );
        }
    }
}

/// The native plan and the standard plan give the same WebP files and placeholder, byte for byte.
#[test]
fn avif_variants_do_not_change_webp_variants() {
    let standard = ImagePlan::standard(PIXELS_MAX, MEMORY_MAX_BYTES);
    for file in [
        Jpeg::default().of(&samples::photo_of(700, 500)),
        samples::file(&faded(220, 330).into(), ImageFormat::Png),
        samples::png(samples::photo_of(100, 90)),
    ] {
        let (expected, expected_report) = run(&file, &standard).unwrap();
        let (variants, report) = run(&file, &native()).unwrap();
        let webp: Vec<_> = variants
            .into_iter()
            .filter(|(variant, _)| variant.format == VariantFormat::Webp)
            .collect();
        assert!(webp == expected);
        assert_eq!(report, expected_report);
    }
}

/// A plan may have AVIF variants without WebP variants.
#[test]
fn a_plan_with_avif_only() {
    let mut plan = native();
    plan.variants
        .retain(|spec| spec.format == VariantFormat::Avif);
    let (variants, report) = run(&Jpeg::default().of(&samples::photo_of(500, 400)), &plan).unwrap();
    assert_eq!(variants.len(), 4);
    assert!(!report.placeholder.is_empty());
}

#[test]
fn avif_keeps_alpha_and_no_metadata() {
    let image = faded(200, 200);
    let mut plan = native();
    plan.variants.retain(|spec| spec.name == "medium_avif");
    let file = samples::file(&DynamicImage::from(image.clone()), ImageFormat::Png);
    let (variants, _) = run(&file, &plan).unwrap();
    let shown = pixels(&variants[0].1, &whole());
    assert_eq!(shown.get_pixel(2, 2)[3], 0);
    assert!(difference(&shown, &image) < 4.0);
    for kind in [b"Exif", b"mime", b"prof", b"rICC"] {
        assert!(!variants[0].1.windows(4).any(|window| window == kind));
    }
}
