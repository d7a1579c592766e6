//! AVIF and HEIC sources: fixtures by other encoders, and hostile variations of them.

use image::{DynamicImage, RgbaImage};
use imaging::{Probe, probe};
use shared::image::{Fit, ImagePlan, PIXELS_MAX};
use shared::problem::ErrorCode;

use crate::format::check_p3;
use crate::samples::{faded, quarters};
use crate::{MEMORY_MAX_BYTES, code, difference, pixels, plan, read, run, whole};

fn fixture(name: &str) -> Vec<u8> {
    read(&format!("heif/{name}"))
}

fn photo() -> RgbaImage {
    image::load_from_memory(&fixture("photo.png"))
        .unwrap()
        .into_rgba8()
}

#[test]
fn kinds_of_planes() {
    for name in [
        "libaom-420-8.avif",
        "libaom-422-10.avif",
        "libaom-444-12.avif",
        "libaom-limited-bt709.avif",
        "libaom-identity.avif",
        "x265-420-8.heic",
        "x265-420-10.heic",
    ] {
        let difference = difference(&pixels(&fixture(name), &whole()), &photo());
        assert!(difference < 5.0, "{name} differs by {difference}");
    }
}

#[test]
fn grey() {
    let expected = DynamicImage::from(DynamicImage::from(photo()).into_luma8()).into_rgba8();
    let difference = difference(&pixels(&fixture("libaom-400-8.avif"), &whole()), &expected);
    assert!(difference < 5.0, "{difference}");
}

/// As in libavif and libheif, the image is rotated anticlockwise and then mirrored.
#[test]
fn rotations_and_mirrors() {
    let stored = DynamicImage::from(quarters(98, 62));
    for rotation in 0..4 {
        let turned = match rotation {
            0 => stored.clone(),
            1 => stored.rotate270(),
            2 => stored.rotate180(),
            _ => stored.rotate90(),
        };
        for (name, expected) in [
            (format!("irot{rotation}.avif"), turned.clone()),
            (format!("irot{rotation}-imir0.avif"), turned.flipv()),
            (format!("irot{rotation}-imir1.avif"), turned.fliph()),
        ] {
            let shown = pixels(&fixture(&name), &whole());
            let difference = difference(&shown, &expected.into_rgba8());
            assert!(difference < 4.0, "{name} differs by {difference}");
        }
    }
}

#[test]
fn tiles_and_crops() {
    let shown = pixels(&fixture("grid.avif"), &whole());
    let expected = DynamicImage::from(quarters(256, 128)).into_rgba8();
    assert!(difference(&shown, &expected) < 3.0, "grid");
    let shown = pixels(&fixture("clap.avif"), &whole());
    let expected = image::imageops::crop_imm(&photo(), 24, 16, 48, 32).to_image();
    assert!(difference(&shown, &expected) < 5.0, "clap");
}

#[test]
fn alpha() {
    let expected = faded(80, 80);
    for name in ["alpha.avif", "premultiplied.avif", "x265-alpha.heic"] {
        let shown = pixels(&fixture(name), &whole());
        assert_eq!(shown.get_pixel(1, 1)[3], 0, "{name}");
        assert_eq!(shown.get_pixel(40, 40)[3], 255, "{name}");
        let half = shown.get_pixel(16, 40);
        assert!(half[3].abs_diff(128) < 4, "{name}: {half:?}");
        assert!(
            half[2].abs_diff(220) < 12 && half[0] < 45,
            "{name}: {half:?}"
        );
        let inner = |image: &RgbaImage| image::imageops::crop_imm(image, 24, 24, 32, 32).to_image();
        assert!(
            difference(&inner(&shown), &inner(&expected)) < 4.0,
            "{name}"
        );
    }
}

/// Display P3, declared by nclx instead of a profile.
#[test]
fn display_p3_becomes_srgb() {
    check_p3(&fixture("p3.avif"), [200, 80, 60]);
}

#[test]
fn cut_files_are_truncated() {
    for name in [
        "libaom-420-8.avif",
        "alpha.avif",
        "grid.avif",
        "x265-420-8.heic",
    ] {
        let file = fixture(name);
        for part in 1..32 {
            let length = file.len() * part / 32;
            let code = code(&file[..length], &whole());
            assert_eq!(code, ErrorCode::ImageTruncated, "{name}: {part}/32");
        }
        assert_eq!(
            code(&file[..file.len() - 1], &whole()),
            ErrorCode::ImageTruncated
        );
    }
}

/// The header is enough to reject an image. The decoders reject an image that is larger than its header declares.
#[test]
fn bombs() {
    for name in ["libaom-420-8.avif", "x265-420-8.heic"] {
        let size = |width: u32, height: u32| {
            let mut file = fixture(name);
            let at = file.windows(4).position(|kind| kind == b"ispe").unwrap() + 8;
            file[at..at + 4].copy_from_slice(&width.to_be_bytes());
            file[at + 4..at + 8].copy_from_slice(&height.to_be_bytes());
            file
        };
        let mut plan = ImagePlan::native(PIXELS_MAX, MEMORY_MAX_BYTES);
        assert_eq!(
            code(&size(40_000, 40_000), &plan),
            ErrorCode::ImageTooLarge,
            "{name}"
        );
        assert_eq!(
            code(&size(u32::MAX, u32::MAX), &plan),
            ErrorCode::ImageTooLarge,
            "{name}"
        );
        assert_eq!(
            code(&size(9_000, 9_000), &plan),
            ErrorCode::ImageMemoryExceeded,
            "{name}"
        );
        assert_eq!(
            code(&size(16, 16), &plan),
            ErrorCode::ImageCorrupt,
            "{name}"
        );
        assert_eq!(
            code(&size(97, 64), &plan),
            ErrorCode::ImageCorrupt,
            "{name}"
        );
        plan.pixels_max = 96 * 64 - 1;
        assert_eq!(
            code(&fixture(name), &plan),
            ErrorCode::ImageTooLarge,
            "{name}"
        );
    }
}

#[test]
fn a_prefix_is_enough() {
    for name in ["libaom-420-8.avif", "x265-420-8.heic"] {
        let file = fixture(name);
        let (plan, size_bytes) = (whole(), u64::try_from(file.len()).unwrap());
        assert_eq!(
            probe(&file[..20], size_bytes, &plan),
            Ok(Probe::NeedMore),
            "{name}"
        );
        match probe(&file[..1500], size_bytes, &plan) {
            Ok(Probe::Ready(summary)) => assert_eq!((summary.width, summary.height), (96, 64)),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn other_kinds_are_unsupported() {
    let mut file = fixture("libaom-420-8.avif");
    let at = file.windows(4).position(|kind| kind == b"av01").unwrap();
    file[at..at + 4].copy_from_slice(b"jpeg");
    assert_eq!(
        code(&file, &whole()),
        ErrorCode::ImageUnsupported,
        "JPEG in HEIF"
    );
    let full_chroma = fixture("x265-444-8.heic");
    assert_eq!(code(&full_chroma, &whole()), ErrorCode::ImageUnsupported);
    let mp4 = b"\0\0\0\x18ftypisom\0\0\x02\0isommp41\0\0\0\0".to_vec();
    assert_eq!(code(&mp4, &whole()), ErrorCode::ImageUnsupported, "MP4");
}

#[test]
fn several_variants() {
    let plan = plan(&[
        ("small", 30, 30, Fit::Inside),
        ("cover", 20, 20, Fit::Cover),
    ]);
    for name in ["irot1.avif", "x265-420-8.heic", "alpha.avif"] {
        let (variants, _) = run(&fixture(name), &plan).unwrap();
        assert_eq!(variants.len(), 2, "{name}");
    }
}
