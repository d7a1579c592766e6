//! Images to upload, and checks of their outputs by other decoders.

use std::io::Cursor;

use image::{ImageFormat, RgbImage, RgbaImage};
use tests::{Client, Created, root};

/// An image file and its properties.
#[derive(Debug, Clone)]
pub(crate) struct Photo {
    pub(crate) name: String,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
    /// Size as displayed.
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Photo {
    /// The whole upload.
    pub(crate) async fn upload(&self, client: &Client) -> Created {
        client
            .upload(&self.name, self.content_type, self.bytes.clone())
            .await
    }

    /// The same image, padded to this many bytes: decoders ignore bytes after the end.
    pub(crate) fn padded(mut self, size: usize) -> Self {
        assert!(self.bytes.len() <= size);
        self.bytes.resize(size, 0);
        self
    }
}

/// A photo, stored in one of the eight EXIF orientations; all look the same when displayed upright.
pub(crate) fn landscape(orientation: u8) -> Photo {
    let name = format!("Landscape_{orientation}.jpg");
    let path = root()
        .join("imaging/tests/fixtures/exif-orientation")
        .join(&name);
    Photo {
        name,
        content_type: "image/jpeg",
        bytes: std::fs::read(path).unwrap(),
        width: 1800,
        height: 1200,
    }
}

/// A generated image: gradients, with texture so that it does not compress to almost nothing.
pub(crate) fn made(width: u32, height: u32, format: ImageFormat) -> Photo {
    let share = |at: u32, of: u32| u8::try_from(at * 255 / of).unwrap();
    let image = RgbImage::from_fn(width, height, |x, y| {
        let texture = u8::try_from(x.wrapping_mul(31) ^ y.wrapping_mul(17) & 15).unwrap_or(7);
        image::Rgb([share(x, width), share(y, height), texture])
    });
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    Photo {
        name: format!("{width}x{height}"),
        content_type: format.to_mime_type(),
        bytes: bytes.into_inner(),
        width,
        height,
    }
}

/// Name and exact size of every output of an image with this display size.
pub(crate) fn outputs(width: u32, height: u32) -> [(&'static str, u32, u32); 4] {
    let (wide, high) = (f64::from(width), f64::from(height));
    let inside = |side: f64| {
        let ratio = (side / wide).min(side / high).min(1.0);
        (pixels(wide * ratio), pixels(high * ratio))
    };
    let cover = (
        pixels(wide.min(320.0).min(high * 4.0 / 3.0)),
        pixels(high.min(240.0).min(wide * 3.0 / 4.0)),
    );
    let sized = |name, (width, height)| (name, width, height);
    [
        sized("large", inside(1200.0)),
        sized("medium", inside(600.0)),
        sized("preview", cover),
        sized("thumbnail", inside(150.0)),
    ]
}

#[expect(
    clippy::as_conversions,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a size in pixels"
)]
fn pixels(length: f64) -> u32 {
    length.round().max(1.0) as u32
}

/// Downloads every output of a ready asset and checks size, type and absence of metadata; returns the pixels by name.
pub(crate) async fn check_outputs(
    client: &Client,
    asset_id: &str,
    photo: &Photo,
) -> Vec<(&'static str, RgbaImage)> {
    let asset = client.asset(asset_id).await.expect(200);
    assert_eq!(asset["state"], "ready", "{asset}");
    assert_eq!(
        (&asset["width"], &asset["height"]),
        (&photo.width.into(), &photo.height.into())
    );
    let listed = asset["outputs"].as_array().unwrap();
    assert_eq!(listed.len(), 4, "{asset}");
    let mut images = Vec::new();
    for (name, width, height) in outputs(photo.width, photo.height) {
        let output = listed.iter().find(|output| output["name"] == name).unwrap();
        let file = client.fetch(output["url"].as_str().unwrap()).await;
        assert_eq!(file.status, 200, "{name}: {}", file.text());
        assert_eq!(file.header("content-type"), "image/webp");
        assert_eq!(output["size_bytes"], file.body.len(), "{output}");
        for chunk in chunks(&file.body) {
            assert!(
                ["VP8 ", "VP8L", "VP8X", "ALPH"].contains(&chunk.as_str()),
                "{name} of {} holds {chunk}",
                photo.name
            );
        }
        let image = image::load_from_memory_with_format(&file.body, ImageFormat::WebP)
            .unwrap()
            .into_rgba8();
        assert_eq!(
            image.dimensions(),
            (width, height),
            "{name} of {}",
            photo.name
        );
        assert_eq!(
            (&output["width"], &output["height"]),
            (&width.into(), &height.into())
        );
        images.push((name, image));
    }
    images
}

/// Names of the chunks of a RIFF file; together they must fill the file exactly.
fn chunks(file: &[u8]) -> Vec<String> {
    assert_eq!((&file[..4], &file[8..12]), (&b"RIFF"[..], &b"WEBP"[..]));
    let length = |at: usize| {
        usize::try_from(u32::from_le_bytes(file[at..at + 4].try_into().unwrap())).unwrap()
    };
    assert_eq!(length(4) + 8, file.len());
    let mut names = Vec::new();
    let mut at = 12;
    while at < file.len() {
        names.push(String::from_utf8_lossy(&file[at..at + 4]).into_owned());
        at += 8 + length(at + 4).next_multiple_of(2);
    }
    assert_eq!(at, file.len());
    names
}

/// Mean difference of two images, both reduced so far that compression artefacts do not matter.
pub(crate) fn difference(one: &RgbaImage, other: &RgbaImage) -> f64 {
    let reduced = |image| image::imageops::thumbnail(image, 8, 8);
    let (one, other) = (reduced(one), reduced(other));
    let pairs = one.iter().zip(other.iter());
    let sum: f64 = pairs
        .map(|(one, other)| f64::from(one.abs_diff(*other)))
        .sum();
    sum / 256.0
}
