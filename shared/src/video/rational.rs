//! Frame rates and ratios in ffmpeg's notation: `30000/1001`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::number::real;

/// A positive ratio in lowest terms. In JSON it is a string: `"30000/1001"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rational {
    num: u32,
    den: u32,
}

impl Rational {
    /// One.
    pub const ONE: Self = Self { num: 1, den: 1 };

    /// `num / den` in lowest terms; `None` if either is 0.
    #[must_use]
    pub const fn new(num: u32, den: u32) -> Option<Self> {
        if num == 0 || den == 0 {
            return None;
        }
        let (mut a, mut b) = (num, den);
        while b != 0 {
            (a, b) = (b, a % b);
        }
        Some(Self {
            num: num / a,
            den: den / a,
        })
    }

    /// The integer `num`; 1 if it is 0.
    #[must_use]
    pub const fn whole(num: u32) -> Self {
        match Self::new(num, 1) {
            Some(value) => value,
            None => Self::ONE,
        }
    }

    /// Numerator.
    #[must_use]
    pub const fn num(self) -> u32 {
        self.num
    }

    /// Denominator.
    #[must_use]
    pub const fn den(self) -> u32 {
        self.den
    }

    /// The ratio as floating point.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.num) / f64::from(self.den)
    }

    /// Half of it; `None` if the result overflows.
    #[must_use]
    pub const fn half(self) -> Option<Self> {
        match self.den.checked_mul(2) {
            Some(den) => Self::new(self.num, den),
            None => None,
        }
    }

    /// Whether the two differ by at most `tolerance`, relative to `other`. (1e-9 is added for rounding errors.)
    #[must_use]
    pub fn is_near(self, other: Self, tolerance: f64) -> bool {
        (self.value() / other.value() - 1.0).abs() <= tolerance + 1e-9
    }

    /// For a frame rate: number of frames in `duration_ms` milliseconds, rounded.
    #[must_use]
    pub fn count_in_ms(self, duration_ms: u64) -> u64 {
        super::number::whole(self.value() * real(duration_ms) / 1_000.0)
    }

    /// For a frame rate: length of a frame in milliseconds, rounded up.
    #[must_use]
    pub fn period_ms(self) -> u64 {
        (1_000 * u64::from(self.den)).div_ceil(u64::from(self.num))
    }
}

impl Ord for Rational {
    fn cmp(&self, other: &Self) -> Ordering {
        (u64::from(self.num) * u64::from(other.den))
            .cmp(&(u64::from(other.num) * u64::from(self.den)))
    }
}

impl PartialOrd for Rational {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Rational {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.num, self.den)
    }
}

/// The text is not a positive ratio.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a positive ratio such as 30000/1001")]
pub struct NotARatio;

impl FromStr for Rational {
    type Err = NotARatio;

    /// Parses `30000/1001`, `16:9` and `25`.
    fn from_str(text: &str) -> Result<Self, NotARatio> {
        let (num, den) = text.split_once(['/', ':']).unwrap_or((text, "1"));
        let number = |part: &str| part.trim().parse::<u32>().map_err(|_| NotARatio);
        Self::new(number(num)?, number(den)?).ok_or(NotARatio)
    }
}

impl Serialize for Rational {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Rational {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "openapi")]
impl utoipa::PartialSchema for Rational {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        utoipa::openapi::ObjectBuilder::new()
            .schema_type(utoipa::openapi::Type::String)
            .description(Some("A positive ratio, for example `30000/1001`."))
            .build()
            .into()
    }
}

#[cfg(feature = "openapi")]
impl utoipa::ToSchema for Rational {}
