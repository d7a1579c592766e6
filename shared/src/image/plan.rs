//! Which variants an image gets, and within which limits.

use serde::{Deserialize, Serialize};

/// Media type of every variant that the edge makes.
pub const VARIANT_CONTENT_TYPE: &str = VariantFormat::Webp.content_type();

/// Pixels (width × height) above which an image is refused; a setting.
pub const PIXELS_MAX: u64 = 100_000_000;

/// Memory that decoding one image may take at the edge, in bytes: an isolate has 128 MB for the two wasm
/// modules, the JavaScript heap and all requests in it (Workers limits), which leaves 72 MiB for the codec.
pub const EDGE_MEMORY_MAX_BYTES: u64 = 72 * 1024 * 1024;

/// How a variant fills its box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The whole image inside the box, aspect kept, never enlarged.
    Inside,
    /// The box's aspect cut from the middle of the image, never enlarged.
    Cover,
}

/// How a variant is encoded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VariantFormat {
    /// Lossy WebP: made everywhere.
    #[default]
    Webp,
    /// AVIF: smaller and much slower to make, by native workers only.
    Avif,
}

impl VariantFormat {
    /// Media type of a file.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
            Self::Avif => "image/avif",
        }
    }

    /// What a file's name ends with, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Webp => "webp",
            Self::Avif => "avif",
        }
    }
}

/// One variant to make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantSpec {
    /// Name of the output, for example `thumbnail`.
    pub name: String,
    /// Width of the box in pixels.
    pub width: u32,
    /// Height of the box in pixels.
    pub height: u32,
    /// How the box is filled.
    pub fit: Fit,
    /// Quality on the format's own scale, 0–100.
    pub quality: u8,
    /// How it is encoded; plans from before there was a choice mean WebP.
    #[serde(default)]
    pub format: VariantFormat,
}

/// All that the codec is told about one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImagePlan {
    /// Variants to make. The codec may make them in another order (large to small); names tell them apart.
    pub variants: Vec<VariantSpec>,
    /// Refuse images of more pixels than this (`image_too_large`).
    pub pixels_max: u64,
    /// Refuse images whose decoding is estimated to take more bytes than this (`image_memory_exceeded`).
    pub memory_max_bytes: u64,
}

/// Quality of the default variants: sharp's and imgproxy's default for WebP is 79–80.
const QUALITY: u8 = 80;

/// Quality of AVIF variants, on rav1e's scale: as near to the source as WebP at [`QUALITY`] for a quarter less bytes.
const AVIF_QUALITY: u8 = 80;

impl ImagePlan {
    /// The default variants: `large`, `medium`, `thumbnail` inside their boxes and `preview` covering its own.
    #[must_use]
    pub fn standard(pixels_max: u64, memory_max_bytes: u64) -> Self {
        let spec = |name: &str, width, height, fit| VariantSpec {
            name: name.to_owned(),
            width,
            height,
            fit,
            quality: QUALITY,
            format: VariantFormat::Webp,
        };
        Self {
            variants: vec![
                spec("large", 1200, 1200, Fit::Inside),
                spec("medium", 600, 600, Fit::Inside),
                spec("preview", 320, 240, Fit::Cover),
                spec("thumbnail", 150, 150, Fit::Inside),
            ],
            pixels_max,
            memory_max_bytes,
        }
    }

    /// The variants that a native worker makes: the default ones, and each once more as AVIF under the name with `_avif`
    /// at its end, for example `large_avif`.
    #[must_use]
    pub fn native(pixels_max: u64, memory_max_bytes: u64) -> Self {
        let mut plan = Self::standard(pixels_max, memory_max_bytes);
        let twins: Vec<_> = plan.variants.iter().map(VariantSpec::avif_twin).collect();
        plan.variants.extend(twins);
        plan
    }
}

impl VariantSpec {
    /// The same picture as AVIF.
    fn avif_twin(&self) -> Self {
        Self {
            name: format!("{}_avif", self.name),
            quality: AVIF_QUALITY,
            format: VariantFormat::Avif,
            ..self.clone()
        }
    }
}
