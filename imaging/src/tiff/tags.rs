//! Reading tags, which the `tiff` crate does.

use std::io::Cursor;

use tiff::TiffResult;
use tiff::decoder::Decoder;
use tiff::decoder::ifd::Value;
use tiff::tags::Tag;

use crate::number;

/// The decoder whose tags are read.
pub(super) type Tags<'a> = Decoder<Cursor<&'a [u8]>>;

/// Opens a file at its first page.
pub(super) fn open(data: &[u8]) -> TiffResult<Tags<'_>> {
    Decoder::new(Cursor::new(data))
}

/// How many values a tag has, 0 if it is not there. Read before them, as each takes several times its size.
pub(super) fn count(tags: &mut Tags<'_>, tag: Tag) -> u64 {
    tags.image_ifd()
        .find_entry(tag)
        .map_or(0, |entry| entry.count())
}

/// The first value of a tag, or its default.
pub(super) fn first(tags: &mut Tags<'_>, tag: Tag, default: u16) -> TiffResult<u16> {
    let values = tags.find_tag_unsigned_vec(tag)?.unwrap_or_default();
    Ok(values.first().copied().unwrap_or(default))
}

/// The numbers of a tag that has `N`.
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

/// A number of any type that writers use.
fn real(value: Value) -> Option<f64> {
    if let Value::Rational(above, below) = value {
        return (below > 0).then(|| f64::from(above) / f64::from(below));
    }
    value.into_u32().ok().map(f64::from)
}
