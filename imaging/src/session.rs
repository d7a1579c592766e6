//! One image, from the file to its variants.

use shared::image::{
    Crop, Fit, Geometry, ImagePlan, ImageReport, Variant, VariantFormat, VariantSpec,
};
use shared::problem::Failure;

use crate::admit::admit;
use crate::decode::{self, Decoded};
use crate::encode::encode;
use crate::fault;
use crate::number;
use crate::pixels::Raster;
use crate::pixels::alpha;
use crate::pixels::colour::Profile;
use crate::pixels::orient::Orientation;
use crate::pixels::placeholder::{self, placeholder};
use crate::pixels::resize::resize;
use crate::probe;
use crate::scale::{self, Shrink};

/// A decoded image. Its variants are made one at a time, so that the caller can store one before the next is made.
///
/// ```
/// use imaging::Session;
/// use shared::image::ImagePlan;
///
/// // The smallest GIF: one white pixel.
/// let file = b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;".to_vec();
/// let plan = ImagePlan::standard(100_000_000, 72 * 1024 * 1024);
/// let mut session = Session::open(file, &plan)?;
/// let mut names = Vec::new();
/// while let Some((variant, webp)) = session.next_variant()? {
///     assert!(webp.starts_with(b"RIFF"));
///     names.push(variant.name);
/// }
/// names.sort();
/// assert_eq!(names, ["large", "medium", "preview", "thumbnail"]);
/// assert_eq!(session.report()?.width, 1);
/// # Ok::<(), shared::problem::Failure>(())
/// ```
pub struct Session {
    /// Width and height of the upright image, in pixels.
    size: (u32, u32),
    /// The variants that are still to be made, the smallest first. They are taken from the end.
    specs: Vec<VariantSpec>,
    /// Variants that have the same pixels as one of `specs` but another format.
    twins: Vec<VariantSpec>,
    /// The pixels of the last variant, as long as one of `twins` needs them.
    last: Option<(VariantSpec, Raster)>,
    base: Base,
    /// The whole image at several sizes, the largest first. Variants are made from these. The first one is the decoded
    /// image.
    levels: Vec<Level>,
    placeholder: Option<String>,
}

/// What has to be done to the decoded image: turning it upright, and converting it to sRGB.
struct Base {
    orientation: Orientation,
    profile: Profile,
}

/// The whole image at one size.
struct Level {
    raster: Raster,
    /// Scale in pixels per source pixel, along the axes of `raster`.
    scale_x: f64,
    scale_y: f64,
    /// Whether this is the decoded image, which is neither upright nor in sRGB.
    is_base: bool,
}

impl Level {
    fn scale(&self) -> f64 {
        self.scale_x.min(self.scale_y)
    }
}

impl Session {
    /// Decodes a complete file for a plan. Frees the memory of the file before it returns.
    ///
    /// # Errors
    /// Fails if the plan does not allow the image, as [`probe`] does, or if the file cannot be decoded:
    /// `image_unsupported`, `image_corrupt` or `image_truncated`.
    ///
    /// [`probe`]: crate::probe()
    pub fn open(input: Vec<u8>, plan: &ImagePlan) -> Result<Self, Failure> {
        let header = probe::whole(&input)?;
        admit(&header, number::bytes(input.len()), plan)?;
        let shrink = Shrink::for_plan(&header, plan);
        let Decoded { raster, profile } = decode::decode(&input, &header, &shrink)?;
        drop(input);
        let (width, height) = header.shown();
        let (mut specs, twins) = partition(plan);
        specs.sort_by(|left, right| {
            let needed = |spec| scale::needed(spec, width, height);
            // `Inside` comes before `Cover` at the same scale, because a `Cover` variant can be cut from it.
            needed(left)
                .total_cmp(&needed(right))
                .then_with(|| (left.fit == Fit::Inside).cmp(&(right.fit == Fit::Inside)))
        });
        Ok(Self {
            size: (width, height),
            specs,
            twins,
            last: None,
            base: Base {
                orientation: header.orientation,
                profile: Profile::new(profile.as_deref()),
            },
            levels: vec![Level {
                raster: alpha::premultiply(raster),
                scale_x: shrink.scale_x,
                scale_y: shrink.scale_y,
                is_base: true,
            }],
            placeholder: None,
        })
    }

    /// Makes the next variant and its file, starting with the largest. `None` after the last one.
    ///
    /// # Errors
    /// Fails with `internal` if an encoder fails.
    pub fn next_variant(&mut self) -> Result<Option<(Variant, Vec<u8>)>, Failure> {
        if let Some(made) = self.next_twin()? {
            return Ok(Some(made));
        }
        let Some(spec) = self.specs.pop() else {
            return Ok(None);
        };
        let geometry = spec.geometry(self.size.0, self.size.1);
        let raster = self.make(geometry, scale::needed(&spec, self.size.0, self.size.1))?;
        if self.specs.is_empty() {
            self.placeholder = Some(self.hash()?);
        }
        if self.twins.iter().any(|twin| are_twins(&spec, twin)) {
            self.last = Some((spec.clone(), raster.clone()));
        }
        let (width, height) = (raster.width, raster.height);
        let bytes = if spec.fit == Fit::Inside && !self.specs.is_empty() {
            // `keep` comes first: it frees the larger levels, so that the encoder can use their memory.
            encode(self.keep(raster), &spec)?
        } else {
            encode(&raster, &spec)?
        };
        Ok(Some(variant(spec, (width, height), bytes)))
    }

    /// Encodes the pixels of the last variant in another format, if the plan has one.
    fn next_twin(&mut self) -> Result<Option<(Variant, Vec<u8>)>, Failure> {
        let Some((spec, raster)) = &self.last else {
            return Ok(None);
        };
        let Some(at) = self.twins.iter().position(|twin| are_twins(spec, twin)) else {
            self.last = None;
            return Ok(None);
        };
        let twin = self.twins.swap_remove(at);
        let bytes = encode(raster, &twin)?;
        Ok(Some(variant(twin, (raster.width, raster.height), bytes)))
    }

    /// The size of the image and its placeholder. `peak_memory_bytes` is 0: only the host of the wasm module can
    /// measure it.
    ///
    /// # Errors
    /// Fails with `internal` if the placeholder cannot be made.
    pub fn report(&mut self) -> Result<ImageReport, Failure> {
        let placeholder = match self.placeholder.clone() {
            Some(placeholder) => placeholder,
            None => self.hash()?,
        };
        Ok(ImageReport {
            width: self.size.0,
            height: self.size.1,
            placeholder,
            peak_memory_bytes: 0,
        })
    }

    /// The upright sRGB pixels of a geometry whose scale is `scale`.
    fn make(&self, geometry: Geometry, scale: f64) -> Result<Raster, Failure> {
        let level = self
            .source(scale)
            .ok_or_else(|| fault::internal("find the decoded image"))?;
        let Geometry {
            crop,
            width,
            height,
        } = geometry;
        if !level.is_base {
            return resize(&level.raster, scaled(crop, level), width, height);
        }
        let orientation = self.base.orientation;
        let (stored_width, stored_height) = orientation.turn(self.size.0, self.size.1);
        let crop = orientation.stored(crop, f64::from(stored_width), f64::from(stored_height));
        let (width, height) = orientation.turn(width, height);
        let raster = resize(&level.raster, scaled(crop, level), width, height)?;
        Ok(orientation.upright(self.base.profile.convert(raster)))
    }

    /// The smallest level from which a variant of this scale can be made, or else the decoded image.
    fn source(&self, scale: f64) -> Option<&Level> {
        self.levels
            .iter()
            .rev()
            .find(|level| scale::suffices(level.scale(), scale))
            .or_else(|| self.levels.first())
    }

    /// Adds a level, and drops the larger ones that no remaining variant needs.
    fn keep(&mut self, raster: Raster) -> &Raster {
        let level = Level {
            scale_x: f64::from(raster.width) / f64::from(self.size.0),
            scale_y: f64::from(raster.height) / f64::from(self.size.1),
            raster,
            is_base: false,
        };
        let needed = |spec| scale::needed(spec, self.size.0, self.size.1);
        let largest = self.specs.iter().map(needed).fold(0.0, f64::max);
        if scale::suffices(level.scale(), largest) {
            self.levels.clear();
        } else {
            // The other variants are smaller, so the level of the largest one is enough for them.
            let first = self
                .levels
                .iter()
                .rposition(|level| scale::suffices(level.scale(), largest));
            self.levels.drain(..first.unwrap_or(0));
        }
        &self.levels.push_mut(level).raster
    }

    /// The placeholder, made from the smallest level.
    fn hash(&self) -> Result<String, Failure> {
        match self.levels.last() {
            Some(level) if !level.is_base => placeholder(&level.raster),
            _ => {
                let geometry = placeholder::geometry(self.size.0, self.size.1);
                placeholder(&self.make(geometry, 1.0)?)
            }
        }
    }
}

/// Splits a plan into the variants to make, and those that have the same pixels as one of them in another format. The
/// latter are not resized again, so a format that a plan adds does not change the other variants.
fn partition(plan: &ImagePlan) -> (Vec<VariantSpec>, Vec<VariantSpec>) {
    let (twins, specs) = plan.variants.iter().cloned().partition(|spec| {
        spec.format != VariantFormat::Webp
            && plan
                .variants
                .iter()
                .any(|other| other.format == VariantFormat::Webp && are_twins(other, spec))
    });
    (specs, twins)
}

/// Whether two variants have the same pixels.
fn are_twins(left: &VariantSpec, right: &VariantSpec) -> bool {
    (left.width, left.height, left.fit) == (right.width, right.height, right.fit)
}

fn variant(spec: VariantSpec, (width, height): (u32, u32), bytes: Vec<u8>) -> (Variant, Vec<u8>) {
    let variant = Variant {
        name: spec.name,
        width,
        height,
        size_bytes: number::bytes(bytes.len()),
        format: spec.format,
    };
    (variant, bytes)
}

/// Converts a rectangle from source pixels to the pixels of a level.
fn scaled(crop: Crop, level: &Level) -> Crop {
    Crop {
        left: crop.left * level.scale_x,
        top: crop.top * level.scale_y,
        width: crop.width * level.scale_x,
        height: crop.height * level.scale_y,
    }
}
