//! The image plan: which variants are made, and within which limits.

use serde::{Deserialize, Serialize};

/// Media type of the variants that the edge makes.
pub const VARIANT_CONTENT_TYPE: &str = VariantFormat::Webp.content_type();

/// Default of the pixel limit (width × height): larger images are rejected.
pub const PIXELS_MAX: u64 = 100_000_000;

/// Default memory limit for decoding one image at the edge, in bytes. An isolate has 128 MB for the two wasm modules, the
/// JavaScript heap and all its requests (Cloudflare Workers' limits), which leaves 72 MiB for the codec.
pub const EDGE_MEMORY_MAX_BYTES: u64 = 72 * 1024 * 1024;

/// How a variant fills its box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The whole image fits inside the box. Keeps the aspect ratio; never enlarges.
    Inside,
    /// A centre crop with the aspect ratio of the box. Never enlarges.
    Cover,
}

/// File format of a variant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum VariantFormat {
    /// Lossy WebP: made at the edge and by native workers.
    #[default]
    Webp,
    /// AVIF: smaller files, much slower to encode; made by native workers only.
    Avif,
}

impl VariantFormat {
    /// Media type.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Webp => "image/webp",
            Self::Avif => "image/avif",
        }
    }

    /// File extension, without the dot.
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
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct VariantSpec {
    /// Name of the output, for example `thumbnail`.
    pub name: String,
    /// Width of the box in pixels.
    pub width: u32,
    /// Height of the box in pixels.
    pub height: u32,
    /// How the box is filled.
    pub fit: Fit,
    /// Quality on the encoder's scale, 0–100.
    #[cfg_attr(feature = "openapi", schema(maximum = 100))]
    pub quality: u8,
    /// File format. Older plans have no format and mean WebP.
    #[serde(default)]
    pub format: VariantFormat,
}

/// What the codec makes of one image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct ImagePlan {
    /// Variants to make. The codec may make them in a different order (from large to small); their names identify them.
    pub variants: Vec<VariantSpec>,
    /// Pixel limit: larger images fail with `image_too_large`.
    pub pixels_max: u64,
    /// Memory limit in bytes: an image whose decoding is estimated to need more fails with `image_memory_exceeded`.
    pub memory_max_bytes: u64,
}

/// WebP quality of the default variants: the default of sharp (80) and of imgproxy (79).
const QUALITY: u8 = 80;

/// AVIF quality, on rav1e's scale: as close to the source as WebP at [`QUALITY`], with 25 % fewer bytes.
const AVIF_QUALITY: u8 = 80;

impl ImagePlan {
    /// The default variants: `large`, `medium` and `thumbnail` fit inside their boxes; `preview` covers its box.
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

    /// The variants that a native worker makes: each default variant as WebP and as AVIF. The name of the AVIF variant ends
    /// with `_avif`, for example `large_avif`.
    #[must_use]
    pub fn native(pixels_max: u64, memory_max_bytes: u64) -> Self {
        let mut plan = Self::standard(pixels_max, memory_max_bytes);
        let twins: Vec<_> = plan.variants.iter().map(VariantSpec::avif_twin).collect();
        plan.variants.extend(twins);
        plan
    }
}

impl VariantSpec {
    /// The same variant as AVIF.
    fn avif_twin(&self) -> Self {
        Self {
            name: format!("{}_avif", self.name),
            quality: AVIF_QUALITY,
            format: VariantFormat::Avif,
            ..self.clone()
        }
    }
}
