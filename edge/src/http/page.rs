//! Pages of lists.

use shared::api::{LIMIT_DEFAULT, Parameter};

use super::call::Call;
use crate::error::Result;

/// Most items of a page.
///
/// # Errors
/// `query_invalid` when `limit` is not an integer.
pub(crate) fn limit(call: &Call) -> Result<u32> {
    let limit = call.query.parse(Parameter::Limit)?;
    Ok(limit.unwrap_or(LIMIT_DEFAULT))
}

/// Cuts items to `limit` and returns the cursor of the next page. There is one when more than `limit` items were read.
pub(crate) fn page<T, I: ToString>(
    mut items: Vec<T>,
    limit: u32,
    id: impl Fn(&T) -> I,
) -> (Vec<T>, Option<String>) {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = items.len() > limit;
    items.truncate(limit);
    let next = if more {
        items.last().map(|item| id(item).to_string())
    } else {
        None
    };
    (items, next)
}
