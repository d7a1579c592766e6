//! The ladder: which sizes a picture gets, at which rate, and how many frames per second.

use serde::{Deserialize, Serialize};

use super::number::{even_floor, even_share, narrow, nearest};
use super::preset::{Preset, RungSpec};
use super::rational::Rational;
use super::source::VideoStream;

/// Frame rates that cameras and editors mean.
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

/// Rate taken when the file does not tell its own (a single frame, a broken header).
const UNKNOWN_RATE: Rational = Rational::whole(25);

/// Frames above this rate cost more bits.
const PLAIN_RATE: Rational = Rational::whole(30);

/// No rung gets less than this: below, headers cost more than pictures.
const MAXRATE_MIN_BPS: u64 = 100_000;

/// One rung of the ladder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Its place, from 0 (the smallest): the number in its file names.
    pub number: u32,
    /// Its name, the shorter side: `720p`.
    pub name: String,
    /// Width; even.
    pub width: u32,
    /// Height; even.
    pub height: u32,
    /// Constant rate factor.
    pub crf: u8,
    /// Bits per second that are never exceeded for long.
    pub maxrate_bps: u32,
    /// How long that is, in bits.
    pub bufsize_bits: u32,
}

/// The rate of all rungs.
///
/// Even rates are kept, uneven ones become the common rate within 2 %, else the average to a thousandth. What is faster
/// than the limit is halved until it fits, so that frames are dropped evenly.
pub(super) fn frame_rate(video: &VideoStream, fps_max: u32) -> Rational {
    let limit = Rational::whole(fps_max.max(1));
    let mut rate = video.frame_rate.unwrap_or(UNKNOWN_RATE);
    while rate > limit {
        match rate.half() {
            Some(half) => rate = half,
            None => return limit,
        }
    }
    // 2997/100 means 30000/1001, however even the frames are.
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

/// The rungs from small to large; at least one.
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
    // Smaller than the smallest rung: one of the source's own size.
    let own = specs.first().filter(|_| rungs.is_empty());
    rungs.extend(own.map(|spec| rung(video, *spec, None, fps)));
    for (number, rung) in (0..).zip(&mut rungs) {
        rung.number = number;
    }
    rungs
}

/// The rung of `short_side`, or of the source's own size, with the quality of `spec`.
fn rung(video: &VideoStream, spec: RungSpec, short_side: Option<u32>, fps: Rational) -> Rung {
    let short = video.short_side();
    let side = |side: u32| match short_side {
        Some(wanted) => even_share(side, wanted, short),
        None => even_floor(side),
    };
    let (width, height) = (side(video.width), side(video.height));
    // The spec speaks of 16:9 at its own short side: another area gets its share of the rate.
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
        // One and a half seconds: a segment of two stays below twice the rate, as Apple asks.
        bufsize_bits: maxrate_bps.saturating_add(maxrate_bps / 2),
    }
}
