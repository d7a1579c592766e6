//! All SQL. Rows are private to this module's children; the rest of the shell sees the core's types.

pub(crate) mod assets;
pub(crate) mod attempts;
pub(crate) mod jobs;
pub(crate) mod outbox;
pub(crate) mod workers;

use serde::de::DeserializeOwned;
use shared::time::Timestamp;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, D1Result};

use crate::error::{Error, Result};

/// A text parameter.
pub(crate) fn text(value: &str) -> JsValue {
    JsValue::from_str(value)
}

/// A text parameter that may be NULL (which `undefined` is not).
pub(crate) fn text_or_null(value: Option<&str>) -> JsValue {
    value.map_or(JsValue::NULL, JsValue::from_str)
}

/// A whole number. Trap: worker's own integer type has 32 bits; D1 takes doubles, which are exact to 2^53.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "times, sizes and counts are below 2^53"
)]
pub(crate) fn int(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

/// A whole number that may be NULL.
pub(crate) fn int_or_null(value: Option<u64>) -> JsValue {
    value.map_or(JsValue::NULL, int)
}

/// A time, as milliseconds.
pub(crate) fn time(value: Timestamp) -> JsValue {
    int(value.ms())
}

/// A statement with its parameters.
pub(crate) fn statement(
    db: &D1Database,
    sql: &str,
    parameters: &[JsValue],
) -> Result<D1PreparedStatement> {
    Ok(db.prepare(sql).bind(parameters)?)
}

/// The only row of a query, if there is one.
pub(crate) async fn first<T: DeserializeOwned>(
    db: &D1Database,
    sql: &str,
    parameters: &[JsValue],
) -> Result<Option<T>> {
    Ok(statement(db, sql, parameters)?.first::<T>(None).await?)
}

/// All rows of a query.
pub(crate) async fn all<T: DeserializeOwned>(
    db: &D1Database,
    sql: &str,
    parameters: &[JsValue],
) -> Result<Vec<T>> {
    Ok(statement(db, sql, parameters)?
        .all()
        .await?
        .results::<T>()?)
}

/// Runs one statement and says how many rows it changed.
pub(crate) async fn run(db: &D1Database, sql: &str, parameters: &[JsValue]) -> Result<usize> {
    changes(&statement(db, sql, parameters)?.run().await?)
}

/// How many rows a statement changed.
pub(crate) fn changes(result: &D1Result) -> Result<usize> {
    if let Some(error) = result.error() {
        return Err(Error::internal(format!("database: {error}")));
    }
    Ok(result
        .meta()?
        .and_then(|meta| meta.changes)
        .unwrap_or_default())
}

/// A word of ours, read back from the database.
pub(crate) fn word<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|_| Error::internal(format!("the database holds the unknown word {text}")))
}
