//! Ids: a prefix that names the kind, then a ULID (48 bits of time, 80 bits of randomness). Ids sort by creation time and
//! cannot be guessed. Parsing is strict: each id has exactly one text form.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::time::Timestamp;

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct IdInvalid;

/// The alphabet of Crockford's base 32.
const ALPHABET: [char; 32] = [
    '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'J',
    'K', 'M', 'N', 'P', 'Q', 'R', 'S', 'T', 'V', 'W', 'X', 'Y', 'Z',
];
/// Digits of a ULID: 128 bits, 5 to a digit, of which the first has 3.
const DIGITS: usize = 26;
const RANDOM_BITS: u32 = 80;
const TIME_BITS: u32 = 48;

/// 48 bits of time and 80 bits of randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Ulid(u128);

impl Ulid {
    fn new(ms: u64, random: u128) -> Self {
        let time = u128::from(ms) & ((1 << TIME_BITS) - 1);
        Self(time << RANDOM_BITS | random & ((1 << RANDOM_BITS) - 1))
    }

    fn ms(self) -> u64 {
        // 48 bits are left.
        u64::try_from(self.0 >> RANDOM_BITS).unwrap_or_default()
    }

    /// Upper case only: two texts for one id would be two keys in storage.
    fn parse(text: &str) -> Option<Self> {
        if text.len() != DIGITS || text > "7ZZZZZZZZZZZZZZZZZZZZZZZZZ" {
            return None;
        }
        // The alphabet is sorted.
        let mut digits = text
            .chars()
            .map(|letter| ALPHABET.binary_search(&letter).ok());
        digits
            .try_fold(0, |bits, digit| {
                Some(bits << 5 | u128::try_from(digit?).ok()?)
            })
            .map(Self)
    }
}

impl fmt::Display for Ulid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = |place: usize| {
            let digit = usize::try_from(self.0 >> (5 * place) & 31).unwrap_or_default();
            ALPHABET.get(digit).copied().unwrap_or_default()
        };
        let text: String = (0..DIGITS).rev().map(digit).collect();
        f.write_str(&text)
    }
}

fn parse(text: &str, prefix: &str) -> Result<Ulid, IdInvalid> {
    text.strip_prefix(prefix)
        .and_then(Ulid::parse)
        .ok_or(IdInvalid)
}

macro_rules! id {
    ($(#[doc = $doc:literal])+ $name:ident, $prefix:literal) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// Builds an id with the given time. Only the lowest 80 bits of `random` are used.
            #[must_use]
            pub fn new(now: Timestamp, random: u128) -> Self {
                Self(Ulid::new(now.ms(), random))
            }

            /// Creation time of the id.
            #[must_use]
            pub fn time(self) -> Timestamp {
                Timestamp::from_ms(self.0.ms())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl std::str::FromStr for $name {
            type Err = IdInvalid;
            fn from_str(text: &str) -> Result<Self, IdInvalid> {
                parse(text, $prefix).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::Type::String)
                    .description(Some(concat!($($doc),+).trim_start()))
                    .examples([concat!($prefix, "01KDVDNM00041061050R3GG28A")])
                    .pattern(Some(concat!("^", $prefix, "[0-7][0-9A-HJKMNP-TV-Z]{25}$")))
                    .build()
                    .into()
            }
        }

        #[cfg(feature = "openapi")]
        impl utoipa::ToSchema for $name {}
    };
}

id! {
    /// Id of an asset, `ast_…`.
    AssetId, "ast_"
}
id! {
    /// Id of a job, `job_…`.
    JobId, "job_"
}
id! {
    /// Id of an event, `evt_…`. Appending the same id twice has no effect.
    EventId, "evt_"
}
