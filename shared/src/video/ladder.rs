//! The ladder: sizes, bit rates and frame rate of the video renditions.

use serde::{Deserialize, Serialize};

use super::number::{even_floor, even_share, narrow, nearest};
use super::preset::{Preset, RungSpec};
use super::rational::Rational;
use super::source::VideoStream;

/// Standard frame rates of cameras and editors.
const COMMON_RATES: [(u32, u32); 8] = [
    (24_000, 1_001),
    (24, 1),
    (25, 1),
    (30_000, 1_001),
    (30, 1),
    (50, 1),
    (60_000, 1_001),
    (60, 1),
];

/// Frame rate if the file does not declare one (a single frame, a broken header).
const UNKNOWN_RATE: Rational = Rational::whole(25);

/// Above this frame rate, rungs get 1.5 times the bit rate.
const PLAIN_RATE: Rational = Rational::whole(30);

/// Lowest `maxrate` of a rung: below it, headers need more bits than frames.
const MAXRATE_MIN_BPS: u64 = 100_000;

/// One rung of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Position, starting at 0 (the smallest): the number in its file names.
    pub number: u32,
    /// Name: the shorter side, for example `720p`.
    pub name: String,
    /// Width in pixels; even.
    pub width: u32,
    /// Height in pixels; even.
    pub height: u32,
    /// Constant rate factor of x264.
    pub crf: u8,
    /// Maximum bit rate of the rate control buffer (`-maxrate`).
    pub maxrate_bps: u32,
    /// Size of the rate control buffer in bits (`-bufsize`).
    pub bufsize_bits: u32,
}

/// The frame rate of all rungs.
///
/// A constant rate is kept. A variable rate becomes the standard rate within 2 %, or else its average rounded to 1/1000. A
/// rate above `fps_max` is halved until it fits, so that frames are dropped evenly.
pub(super) fn frame_rate(video: &VideoStream, fps_max: u32) -> Rational {
    let limit = Rational::whole(fps_max.max(1));
    let mut rate = video.frame_rate.unwrap_or(UNKNOWN_RATE);
    while rate > limit {
        match rate.half() {
            Some(half) => rate = half,
            None => return limit,
        }
    }
    // 2997/100 means 30000/1001, even if the frames are evenly spaced.
    let tolerance = if video.is_vfr { 0.02 } else { 0.000_5 };
    let common = COMMON_RATES
        .into_iter()
        .filter_map(|(num, den)| Rational::new(num, den))
        .filter(|&common| common <= limit && rate.is_near(common, tolerance))
        .min_by(|a, b| {
            let distance = |other: &Rational| (rate.value() - other.value()).abs();
            distance(a).total_cmp(&distance(b))
        });
    match common {
        Some(common) => common,
        None if video.is_vfr => {
            let thousandths = narrow(nearest(
                1_000 * u64::from(rate.num()),
                u64::from(rate.den()),
            ));
            Rational::new(thousandths, 1_000).unwrap_or(rate)
        }
        None => rate,
    }
}

/// The rungs, from small to large; at least one.
pub(super) fn rungs(video: &VideoStream, preset: &Preset, fps: Rational) -> Vec<Rung> {
    let short = video.short_side();
    let mut specs = preset.rungs.clone();
    specs.sort_by_key(|spec| spec.short_side);
    let fits = |spec: &&RungSpec| spec.short_side <= short;
    let mut rungs: Vec<Rung> = specs
        .iter()
        .filter(fits)
        .map(|spec| rung(video, *spec, Some(spec.short_side), fps))
        .collect();
    // A source that is smaller than the smallest rung gets one rung of its own size.
    let own = specs.first().filter(|_| rungs.is_empty());
    rungs.extend(own.map(|spec| rung(video, *spec, None, fps)));
    for (number, rung) in (0..).zip(&mut rungs) {
        rung.number = number;
    }
    rungs
}

/// The rung of `short_side` (or, if `None`, of the source's own size) with the quality of `spec`.
fn rung(video: &VideoStream, spec: RungSpec, short_side: Option<u32>, fps: Rational) -> Rung {
    let short = video.short_side();
    let side = |side: u32| match short_side {
        Some(wanted) => even_share(side, wanted, short),
        None => even_floor(side),
    };
    let (width, height) = (side(video.width), side(video.height));
    // The spec is for 16:9 at its short side; a different area gets a proportional bit rate.
    let nominal = u64::from(spec.short_side) * u64::from(spec.short_side) * 16 / 9;
    let area = u64::from(width) * u64::from(height);
    let maxrate = nearest(
        u64::from(spec.maxrate_bps).saturating_mul(area),
        nominal.max(1),
    );
    let maxrate = if fps > PLAIN_RATE {
        maxrate.saturating_mul(3) / 2
    } else {
        maxrate
    };
    let maxrate_bps = narrow(maxrate.max(MAXRATE_MIN_BPS));
    Rung {
        number: 0,
        name: format!("{}p", width.min(height)),
        width,
        height,
        crf: spec.crf,
        maxrate_bps,
        // 1.5 s: a segment of 2 s then stays below twice the average rate, as Apple's authoring specification requires.
        bufsize_bits: maxrate_bps.saturating_add(maxrate_bps / 2),
    }
}
