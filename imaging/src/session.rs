//! One image from file to variants.

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

/// A decoded image whose variants are made one by one, so that the caller can do other things in between.
pub struct Session {
    /// Width and height as shown.
    size: (u32, u32),
    /// What is still to be made, the smallest first: taken from the end.
    specs: Vec<VariantSpec>,
    /// Variants that show the same image as one of `specs` in another format.
    twins: Vec<VariantSpec>,
    /// The image last made, while it has twins to come.
    last: Option<(VariantSpec, Raster)>,
    base: Base,
    /// Whole images that variants are made from, the largest first. Starts with the decoded one.
    levels: Vec<Level>,
    placeholder: Option<String>,
}

/// What the decoded image needs before it can be shown.
struct Base {
    orientation: Orientation,
    profile: Profile,
}

/// A whole image at some size.
struct Level {
    raster: Raster,
    /// Pixels per pixel of the source, along the image's own axes.
    scale_x: f64,
    scale_y: f64,
    /// Straight from the decoder: neither upright nor in sRGB.
    is_base: bool,
}

impl Level {
    fn scale(&self) -> f64 {
        self.scale_x.min(self.scale_y)
    }
}

impl Session {
    /// Decodes a complete file for a plan. The file's memory is freed before this returns.
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
            // Of two with one scale, the whole image is made first: the other can be cut from it.
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

    /// Makes the next variant, the largest first; `None` after the last one.
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
            // Kept before it is encoded: that frees the larger levels, and the encoder can have their memory.
            encode(self.keep(raster), &spec)?
        } else {
            encode(&raster, &spec)?
        };
        Ok(Some(variant(spec, (width, height), bytes)))
    }

    /// Encodes the image last made once more, if another format of it is wanted.
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

    /// What is known of the image. `peak_memory_bytes` is 0: only the module's host sees its memory.
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

    /// Upright sRGB pixels of a geometry that needs `scale`.
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

    /// The smallest level that is good enough for `scale`; the decoded image always is.
    fn source(&self, scale: f64) -> Option<&Level> {
        self.levels
            .iter()
            .rev()
            .find(|level| scale::suffices(level.scale(), scale))
            .or_else(|| self.levels.first())
    }

    /// Keeps a whole image as a level, and of the larger ones only those that a variant to come will use.
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
            // Later variants are smaller, so the source of the largest one suffices for all.
            let first = self
                .levels
                .iter()
                .rposition(|level| scale::suffices(level.scale(), largest));
            self.levels.drain(..first.unwrap_or(0));
        }
        &self.levels.push_mut(level).raster
    }

    /// Placeholder of the smallest whole image there is.
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

/// What to make, and of it what is one image in two formats: resized once. So the formats that a plan adds change
/// nothing about its other variants.
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

/// Whether two variants show the same image.
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

/// A rectangle of the source in a level's pixels.
fn scaled(crop: Crop, level: &Level) -> Crop {
    Crop {
        left: crop.left * level.scale_x,
        top: crop.top * level.scale_y,
        width: crop.width * level.scale_x,
        height: crop.height * level.scale_y,
    }
}
