//! Integers, however a document writes them.

use std::fmt;

use serde::de::{Deserializer, Error, Visitor};
use serde_json::Number;

/// A number as an integer (`314`, `314.0`, `3.14e2`); `None` if it is not whole. Numbers beyond 128 bits become the nearest
/// integer that fits: they are out of every range.
pub(crate) fn integer(number: &Number) -> Option<i128> {
    if let Some(integer) = number.as_i128() {
        return Some(integer);
    }
    let float = number.as_f64()?;
    #[expect(
        clippy::as_conversions,
        clippy::cast_possible_truncation,
        reason = "whole, and the cast saturates"
    )]
    (float.fract() == 0.0).then_some(float as i128)
}

/// Reads a number as it was written, for a field whose values have error codes of their own.
pub(crate) fn as_written<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Number, D::Error> {
    struct AsWritten;

    impl Visitor<'_> for AsWritten {
        type Value = Number;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an integer")
        }

        fn visit_u64<E>(self, value: u64) -> Result<Number, E> {
            Ok(value.into())
        }

        fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
            Ok(value.into())
        }

        fn visit_f64<E: Error>(self, value: f64) -> Result<Number, E> {
            Number::from_f64(value).ok_or_else(|| E::custom("not a finite number"))
        }
    }

    deserializer.deserialize_any(AsWritten)
}
