//! Converts colours to sRGB, the colour space of all outputs. This is done after resizing, on fewer pixels.

use moxcms::{ColorProfile, DataColorSpace, Layout as CmsLayout, TransformOptions};

use crate::bytes::be32;
use crate::number;
use crate::pixels::{Layout, Raster};

/// Larger profiles are ignored. Profiles of displays have a few kB. Those of printing presses have up to about 2 MB,
/// and the better colours are not worth that memory.
const PROFILE_MAX_BYTES: usize = 1024 * 1024;

/// Offset of the tag table in a profile, and size of an entry: name, offset, size (ICC.1, 7.2 and 7.3).
const TAGS_AT: usize = 128;
const TAG_BYTES: usize = 12;

/// The colour profile of a source. Parsed once, and used for every variant of the source.
pub(crate) struct Profile(Option<ColorProfile>);

impl Profile {
    /// Parses an embedded profile. A missing, invalid or too large one means sRGB.
    pub(crate) fn new(embedded: Option<&[u8]>) -> Self {
        let usable = embedded
            .filter(|profile| profile.len() <= PROFILE_MAX_BYTES && has_valid_tags(profile));
        Self(usable.and_then(|profile| ColorProfile::new_from_slice(profile).ok()))
    }

    /// Converts an image to sRGB, as RGB or RGBA.
    pub(crate) fn convert(&self, raster: Raster) -> Raster {
        match self.managed(&raster) {
            Some(pixels) => {
                let layout = if raster.layout == Layout::Rgba {
                    Layout::Rgba
                } else {
                    Layout::Rgb
                };
                Raster {
                    layout,
                    pixels,
                    ..raster
                }
            }
            None => plain(raster),
        }
    }

    /// Converts the pixels by the profile. `None` if there is no profile, or it is for another colour space.
    fn managed(&self, raster: &Raster) -> Option<Vec<u8>> {
        let profile = self.0.as_ref()?;
        let (space, from, to) = match raster.layout {
            Layout::Grey => (DataColorSpace::Gray, CmsLayout::Gray, CmsLayout::Rgb),
            Layout::Rgb => (DataColorSpace::Rgb, CmsLayout::Rgb, CmsLayout::Rgb),
            Layout::Rgba | Layout::Premultiplied => {
                (DataColorSpace::Rgb, CmsLayout::Rgba, CmsLayout::Rgba)
            }
            // moxcms has no layout of its own for CMYK: it expects four channels.
            Layout::Cmyk => (DataColorSpace::Cmyk, CmsLayout::Rgba, CmsLayout::Rgb),
        };
        if profile.color_space != space {
            return None;
        }
        let transform = profile
            .create_transform_8bit(
                from,
                &ColorProfile::new_srgb(),
                to,
                TransformOptions::default(),
            )
            .ok()?;
        let channels = if to == CmsLayout::Rgba { 4 } else { 3 };
        let mut pixels = vec![0; raster.pixels.len() / raster.layout.channels() * channels];
        transform.transform(&raster.pixels, &mut pixels).ok()?;
        Some(pixels)
    }
}

/// Whether every tag lies within its profile. Trap: moxcms adds the offset and the size of a tag unchecked. With 32
/// bits, the sum wraps around, and then the module traps. `tests/fixtures/damaged/profile-tag-wraps.webp` is such a
/// file.
fn has_valid_tags(profile: &[u8]) -> bool {
    let lies_inside = |tag: usize| {
        let at = TAGS_AT + 4 + tag * TAG_BYTES;
        let span = be32(profile, at + 4).zip(be32(profile, at + 8));
        span.is_some_and(|(offset, size)| {
            number::length(offset)
                .checked_add(number::length(size))
                .is_some_and(|end| end <= profile.len())
        })
    };
    be32(profile, TAGS_AT).is_some_and(|count| {
        let count = number::length(count);
        count <= profile.len() / TAG_BYTES && (0..count).all(lies_inside)
    })
}

/// Converts an image without a profile. RGB counts as sRGB, and inks absorb their complement.
fn plain(raster: Raster) -> Raster {
    let pixels = match raster.layout {
        Layout::Rgb | Layout::Rgba | Layout::Premultiplied => return raster,
        Layout::Grey => raster.pixels.iter().flat_map(|&grey| [grey; 3]).collect(),
        Layout::Cmyk => raster
            .pixels
            .as_chunks::<4>()
            .0
            .iter()
            .flat_map(|&[c, m, y, k]| [c, m, y].map(|ink| light(ink, k)))
            .collect(),
    };
    Raster {
        layout: Layout::Rgb,
        pixels,
        ..raster
    }
}

/// The light that remains behind a coloured ink and black.
fn light(ink: u8, black: u8) -> u8 {
    let product = u32::from(255 - ink) * u32::from(255 - black);
    u8::try_from((product + 127) / 255).unwrap_or(u8::MAX)
}
