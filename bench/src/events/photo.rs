//! A photo like a phone's: 12 megapixels, JPEG of quality 92 with 4:2:0 subsampling, made from the bundled one.

use anyhow::{Context as _, Result, bail};
use fs_err as fs;
use jpeg_decoder::{Decoder, PixelFormat};
use jpeg_encoder::{ColorType, Encoder, SamplingFactor};

use xtask::paths::Paths;
use xtask::say;
use xtask::stamp;

const SOURCE: &str = "tests/fixtures/photo.jpg";
const WIDTH: u16 = 4000;
const HEIGHT: u16 = 3000;
const QUALITY: u8 = 92;

/// The photo; made once per checkout.
pub(super) fn twelve_megapixels(paths: &Paths) -> Result<Vec<u8>> {
    let digest = stamp::digest(&paths.root, &[SOURCE, "bench/src/events/photo.rs"], &[])?;
    let folder = paths.private.join("bench");
    let file = folder.join(format!("photo-{}.jpg", digest.get(..16).unwrap_or(&digest)));
    if let Ok(bytes) = fs::read(&file) {
        return Ok(bytes);
    }
    say::step("making a photo of 12 megapixels", || {
        let bytes = mosaic(&fs::read(paths.root.join(SOURCE))?)?;
        fs::create_dir_all(&folder)?;
        let fresh = file.with_extension(format!("new-{}", std::process::id()));
        fs::write(&fresh, &bytes)?;
        fs::rename(&fresh, &file)?;
        Ok(bytes)
    })
}

/// Tiles of the source, every second one mirrored so that no edges appear between them.
fn mosaic(source: &[u8]) -> Result<Vec<u8>> {
    let mut decoder = Decoder::new(source);
    let pixels = decoder.decode()?;
    let details = decoder.info().context("the source has no header")?;
    if details.pixel_format != PixelFormat::RGB24 {
        bail!("the source is not an RGB image");
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

/// The position in the source of position `at` in a row of tiles of `size`, every second one mirrored.
const fn mirrored(at: usize, size: usize) -> usize {
    let (tile, place) = (at / size, at % size);
    if tile % 2 == 0 {
        place
    } else {
        size - 1 - place
    }
}
