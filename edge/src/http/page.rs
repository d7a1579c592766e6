//! Pages of lists.

use shared::api::{LIMIT_DEFAULT, LIMIT_MAX};
use shared::problem::ErrorCode;

use super::call::Call;
use crate::error::{Error, Result};

/// Most items of a page.
///
/// # Errors
/// `query_invalid` when `limit` is not within its bounds.
pub(crate) fn limit(call: &Call) -> Result<u32> {
    let limit = call
        .query("limit")
        .map_or(Some(LIMIT_DEFAULT), |text| text.parse().ok());
    limit
        .filter(|limit| (1..=LIMIT_MAX).contains(limit))
        .ok_or_else(|| {
            Error::problem(
                ErrorCode::QueryInvalid,
                format!("limit must be an integer from 1 to {LIMIT_MAX}."),
            )
        })
}

/// The cursor: the id of the last item of the page before.
///
/// # Errors
/// `cursor_invalid` when it is not an id.
pub(crate) fn cursor<T: std::str::FromStr>(call: &Call) -> Result<Option<T>> {
    let wrong = |_| {
        Error::problem(
            ErrorCode::CursorInvalid,
            "cursor must be the next_cursor of the page before, unchanged.",
        )
    };
    call.query("cursor")
        .map(|text| text.parse().map_err(wrong))
        .transpose()
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
