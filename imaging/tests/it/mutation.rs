//! Damaged files give variants or a failure, but no panic.

use std::sync::LazyLock;

use image::{DynamicImage, ImageFormat};
use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, any};
use proptest::proptest;

use crate::samples::{self, Jpeg, animation, faded, gif, photo_of, webp};
use crate::tiff::file::{LZW, PACK_BITS};
use crate::tiff::kinds::{jpeg, palette, subsampled};
use crate::{plan, read, run};
use shared::image::Fit;

/// Small files of every format.
static FILES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let photo = photo_of(48, 36);
    let image = DynamicImage::from(photo.clone());
    let mut files = vec![
        Jpeg {
            subsampled: true,
            ..Jpeg::default()
        }
        .of(&photo),
        Jpeg {
            progressive: true,
            restart: Some(3),
            ..Jpeg::default()
        }
        .of(&photo),
        samples::png(photo.clone()),
        samples::file(&faded(48, 36).into(), ImageFormat::Png),
        webp(&image),
        webp(&faded(48, 36).into()),
        animation(48, 46, &photo_of(20, 20)),
        gif(&[photo]),
    ];
    files
        .extend([ImageFormat::WebP, ImageFormat::Tiff].map(|format| samples::file(&image, format)));
    files.extend(
        [
            palette(4).compressed(PACK_BITS),
            subsampled(2, 2).compressed(LZW),
            jpeg(true),
        ]
        .map(|tiff| tiff.file()),
    );
    files.extend(
        ["basi6a16", "basn3p02", "tbbn3p08", "ct1n0g04"]
            .map(|name| read(&format!("pngsuite/{name}.png"))),
    );
    files.extend(
        [
            "libaom-420-8.avif",
            "libaom-444-12.avif",
            "alpha.avif",
            "grid.avif",
            "x265-420-8.heic",
            "x265-alpha.heic",
        ]
        .map(|name| read(&format!("heif/{name}"))),
    );
    files
});

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn flipped_bytes(which in any::<proptest::sample::Index>(), flips in vec((any::<proptest::sample::Index>(), any::<u8>()), 1..8), cut in any::<proptest::sample::Index>()) {
        let mut file = FILES[which.index(FILES.len())].clone();
        for (at, value) in flips {
            let at = at.index(file.len());
            file[at] = value;
        }
        let mut plan = plan(&[("small", 20, 20, Fit::Cover)]);
        // A low limit, so that a changed header does not make the test slow.
        plan.memory_max_bytes = 32 << 20;
        let _outcome = run(&file, &plan);
        let cut = cut.index(file.len());
        let _outcome = run(&file[..cut], &plan);
    }
}
