//! AVIF out, looked at by another decoder.

use std::process::Command;

use image::{DynamicImage, ImageFormat, RgbaImage};
use shared::image::{ImagePlan, PIXELS_MAX, VariantFormat};

use crate::made::{self, Jpeg, faded, photo};
use crate::{MEMORY_MAX_BYTES, decoded, difference, pixels, run, whole};

fn native() -> ImagePlan {
    ImagePlan::native(PIXELS_MAX, MEMORY_MAX_BYTES)
}

/// Pixels by ffmpeg, which reads AVIF with libdav1d; the tests' machine has it (`cargo xtask setup`).
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

/// Peak signal-to-noise ratio of the colours, in dB.
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

/// Each twin has its image, is smaller than it, and is about as near to the source.
#[test]
fn twins_look_alike() {
    let file = made::png(photo());
    let (variants, _) = run(&file, &native()).unwrap();
    assert_eq!(variants.len(), 8);
    for (webp, webp_bytes) in variants
        .iter()
        .filter(|(made, _)| made.format == VariantFormat::Webp)
    {
        let (avif, avif_bytes) = variants
            .iter()
            .find(|(made, _)| made.name == format!("{}_avif", webp.name))
            .unwrap();
        assert_eq!(avif.format, VariantFormat::Avif);
        assert_eq!((avif.width, avif.height), (webp.width, webp.height));
        assert_eq!(avif.size_bytes, u64::try_from(avif_bytes.len()).unwrap());
        let shown = by_ffmpeg(avif_bytes, &avif.name);
        let near = psnr(&shown, &decoded(webp_bytes));
        assert!(near > 30.0, "{}: {near} dB from its twin", avif.name);
        // Our own decoder sees what ffmpeg sees.
        let own = psnr(&pixels(avif_bytes, &whole()), &shown);
        assert!(own > 38.0, "{}: {own} dB from ffmpeg", avif.name);
        // The small ones are mostly container.
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

/// The native plan's WebP variants and placeholder are the standard plan's, byte for byte.
#[test]
fn avif_changes_nothing_else() {
    let standard = ImagePlan::standard(PIXELS_MAX, MEMORY_MAX_BYTES);
    for file in [
        Jpeg::default().of(&made::photo_of(700, 500)),
        made::file(&faded(220, 330).into(), ImageFormat::Png),
        made::png(made::photo_of(100, 90)),
    ] {
        let (expected, expected_report) = run(&file, &standard).unwrap();
        let (made, report) = run(&file, &native()).unwrap();
        let webp: Vec<_> = made
            .into_iter()
            .filter(|(variant, _)| variant.format == VariantFormat::Webp)
            .collect();
        assert!(webp == expected);
        assert_eq!(report, expected_report);
    }
}

/// A plan of AVIF alone needs no twin.
#[test]
fn avif_alone() {
    let mut plan = native();
    plan.variants
        .retain(|spec| spec.format == VariantFormat::Avif);
    let (variants, report) = run(&Jpeg::default().of(&made::photo_of(500, 400)), &plan).unwrap();
    assert_eq!(variants.len(), 4);
    assert!(!report.placeholder.is_empty());
}

#[test]
fn transparency_and_no_metadata() {
    let image = faded(200, 200);
    let mut plan = native();
    plan.variants.retain(|spec| spec.name == "medium_avif");
    let file = made::file(&DynamicImage::from(image.clone()), ImageFormat::Png);
    let (variants, _) = run(&file, &plan).unwrap();
    let shown = pixels(&variants[0].1, &whole());
    assert_eq!(shown.get_pixel(2, 2)[3], 0);
    assert!(difference(&shown, &image) < 4.0);
    for kind in [b"Exif", b"mime", b"prof", b"rICC"] {
        assert!(!variants[0].1.windows(4).any(|window| window == kind));
    }
}
