//! A photo as a phone takes it: 12 megapixels, JPEG of quality 92 with halved chroma, made from the bundled one.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use jpeg_decoder::{Decoder, PixelFormat};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use xtask::paths::Paths;
use xtask::say::Step;
use xtask::stamp;

const SOURCE: &str = "tests/fixtures/photo.jpg";
const WIDTH: u16 = 4000;
const HEIGHT: u16 = 3000;
const QUALITY: u8 = 92;

/// The photo; made once per checkout.
pub(super) fn twelve_megapixels(paths: &Paths) -> Result<Vec<u8>> {
    let digest = stamp::digest(&paths.root, &[SOURCE, "bench/src/events/photo.rs"], &[])?;
    let name: String = digest.chars().take(16).collect();
    let file: PathBuf = paths
        .private
        .join("bench")
        .join(format!("photo-{name}.jpg"));
    if let Ok(bytes) = fs::read(&file) {
        return Ok(bytes);
    }
    let step = Step::start("making a photo of 12 megapixels");
    let source =
        fs::read(paths.root.join(SOURCE)).with_context(|| format!("cannot read {SOURCE}"))?;
    let bytes = mosaic(&source)?;
    fs::create_dir_all(paths.private.join("bench"))?;
    let fresh = file.with_extension(format!("new-{}", std::process::id()));
    fs::write(&fresh, &bytes)
        .and_then(|()| fs::rename(&fresh, &file))
        .with_context(|| format!("cannot write {}", file.display()))?;
    step.ok();
    Ok(bytes)
}

/// Tiles of the source side by side, every second one mirrored so that no edges are added.
fn mosaic(source: &[u8]) -> Result<Vec<u8>> {
    let mut decoder = Decoder::new(source);
    let pixels = decoder.decode()?;
    let details = decoder.info().context("the source has no header")?;
    if details.pixel_format != PixelFormat::RGB24 {
        bail!("the source has no three channels");
    }
    let (width, height) = (usize::from(details.width), usize::from(details.height));
    let lines: Vec<&[u8]> = pixels.chunks_exact(width * 3).collect();
    let mut all = Vec::with_capacity(usize::from(WIDTH) * usize::from(HEIGHT) * 3);
    for y in 0..usize::from(HEIGHT) {
        let line = lines.get(mirrored(y, height)).context("a line")?;
        for x in 0..usize::from(WIDTH) {
            let at = mirrored(x, width) * 3;
            all.extend_from_slice(line.get(at..at + 3).context("a pixel")?);
        }
    }
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, QUALITY);
    encoder.set_sampling_factor(SamplingFactor::R_4_2_0);
    encoder.encode(&all, WIDTH, HEIGHT, ColorType::Rgb)?;
    Ok(bytes)
}

/// Place `at` on a strip of tiles of `size`, every second one mirrored.
const fn mirrored(at: usize, size: usize) -> usize {
    let (tile, place) = (at / size, at % size);
    if tile % 2 == 0 {
        place
    } else {
        size - 1 - place
    }
}
