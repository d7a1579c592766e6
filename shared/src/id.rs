//! Ids: a prefix that names the kind, then a ULID (48 bits of time, 80 bits of randomness). Ids sort by creation time and
//! cannot be guessed. Parsing is strict: each id has exactly one text form.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use ulid::Ulid;

use crate::time::Timestamp;

/// The text is not an id of the expected kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct IdInvalid;

fn parse(text: &str, prefix: &str) -> Result<Ulid, IdInvalid> {
    let ulid = text.strip_prefix(prefix).ok_or(IdInvalid)?;
    let parsed = Ulid::from_string(ulid).map_err(|_| IdInvalid)?;
    // Ulid also accepts lower case, but two texts for one id would be two keys in storage.
    if parsed.to_string() == ulid {
        Ok(parsed)
    } else {
        Err(IdInvalid)
    }
}

macro_rules! id {
    ($(#[doc = $doc:literal])+ $name:ident, $prefix:literal) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Ulid);

        impl $name {
            /// Builds an id with the given time. Only the lowest 80 bits of `random` are used.
            #[must_use]
            pub const fn new(now: Timestamp, random: u128) -> Self {
                Self(Ulid::from_parts(now.ms(), random))
            }

            /// Creation time of the id.
            #[must_use]
            pub const fn time(self) -> Timestamp {
                Timestamp::from_ms(self.0.timestamp_ms())
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
