//! Reads tags with the `tiff` crate.

use std::io::Cursor;

use tiff::TiffResult;
use tiff::decoder::Decoder;
use tiff::decoder::ifd::Value;
use tiff::tags::Tag;

use crate::number;

/// A decoder of the `tiff` crate, which gives access to the tags of a page.
pub(super) type Tags<'a> = Decoder<Cursor<&'a [u8]>>;

/// Opens a file at its first page.
pub(super) fn open(data: &[u8]) -> TiffResult<Tags<'_>> {
    Decoder::new(Cursor::new(data))
}

/// Number of values of a tag; 0 if the tag is missing. Check it before you read the values, which take several times
/// their size in memory.
pub(super) fn count(tags: &mut Tags<'_>, tag: Tag) -> u64 {
    tags.image_ifd()
        .find_entry(tag)
        .map_or(0, |entry| entry.count())
}

/// The first value of a tag, or `default` if the tag is missing.
pub(super) fn first(tags: &mut Tags<'_>, tag: Tag, default: u16) -> TiffResult<u16> {
    let values = tags.find_tag_unsigned_vec(tag)?.unwrap_or_default();
    Ok(values.first().copied().unwrap_or(default))
}

/// The values of a tag that has exactly `N` of them.
pub(super) fn numbers<const N: usize>(
    tags: &mut Tags<'_>,
    tag: Tag,
) -> TiffResult<Option<[f64; N]>> {
    if count(tags, tag) != number::bytes(N) {
        return Ok(None);
    }
    let Some(Value::List(values)) = tags.find_tag(tag)? else {
        return Ok(None);
    };
    let numbers: Option<Vec<f64>> = values.into_iter().map(real).collect();
    Ok(numbers.and_then(|numbers| numbers.try_into().ok()))
}

/// A value of any of the types that writers use.
fn real(value: Value) -> Option<f64> {
    if let Value::Rational(above, below) = value {
        return (below > 0).then(|| f64::from(above) / f64::from(below));
    }
    value.into_u32().ok().map(f64::from)
}
