//! All SQL of the database; a Durable Object has its own. One file per table. What reads is an async function; what writes in
//! the batch of a decision is a function that builds a statement, mostly under a [`guard::Guard`].
//!
//! Every function here fails when the database does, or when it holds something that this version cannot read.

pub(crate) mod assets;
pub(crate) mod attempts;
pub(crate) mod due;
pub(crate) mod events;
pub(crate) mod guard;
pub(crate) mod held;
pub(crate) mod jobs;
pub(crate) mod messages;
mod query;
pub(crate) mod tombstones;
pub(crate) mod workers;

use serde::de::DeserializeOwned;
use shared::problem::Failure;
use shared::time::Timestamp;
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement, D1Result};

use crate::error::{Error, Result};

/// A text parameter.
fn text(value: &str) -> JsValue {
    JsValue::from_str(value)
}

/// A text parameter that may be NULL. (`undefined` would not be NULL.)
fn text_or_null(value: Option<&str>) -> JsValue {
    value.map_or(JsValue::NULL, JsValue::from_str)
}

/// An integer parameter. Trap: the integer type of the crate `worker` has 32 bits. D1 accepts doubles, which are exact up to 2^53.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "times, sizes and counts are below 2^53"
)]
fn int(value: u64) -> JsValue {
    JsValue::from_f64(value as f64)
}

/// An integer parameter that may be NULL.
fn int_or_null(value: Option<u64>) -> JsValue {
    value.map_or(JsValue::NULL, int)
}

/// A time parameter, in milliseconds since the epoch.
fn time(value: Timestamp) -> JsValue {
    int(value.ms())
}

/// A statement with its parameters.
fn statement(db: &D1Database, sql: &str, parameters: &[JsValue]) -> Result<D1PreparedStatement> {
    Ok(db.prepare(sql).bind(parameters)?)
}

/// The first row of a query.
async fn first<T: DeserializeOwned>(
    db: &D1Database,
    sql: &str,
    parameters: &[JsValue],
) -> Result<Option<T>> {
    Ok(statement(db, sql, parameters)?.first::<T>(None).await?)
}

/// All rows of a query.
async fn all<T: DeserializeOwned>(
    db: &D1Database,
    sql: &str,
    parameters: &[JsValue],
) -> Result<Vec<T>> {
    Ok(statement(db, sql, parameters)?
        .all()
        .await?
        .results::<T>()?)
}

/// Runs one statement and returns how many rows it changed.
async fn run(db: &D1Database, sql: &str, parameters: &[JsValue]) -> Result<usize> {
    changes(&statement(db, sql, parameters)?.run().await?)
}

/// How many rows a statement changed.
fn changes(result: &D1Result) -> Result<usize> {
    if let Some(error) = result.error() {
        return Err(Error::internal(format!("database: {error}")));
    }
    Ok(result
        .meta()?
        .and_then(|meta| meta.changes)
        .unwrap_or_default())
}

/// A value of one of our enums, read from a text column.
fn word<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse()
        .map_err(|_| Error::internal(format!("the database holds the unknown value {text}")))
}

/// A failure from its two columns.
fn failure(code: Option<&str>, detail: Option<&str>) -> Result<Option<Failure>> {
    code.map(|code| Ok(Failure::new(word(code)?, detail.unwrap_or_default())))
        .transpose()
}

/// Checks that the database answers.
pub(crate) async fn ping(db: &D1Database) -> Result<()> {
    let sql = "SELECT COUNT(*) FROM outbox_messages";
    first::<serde::de::IgnoredAny>(db, sql, &[])
        .await
        .map(|_| ())
}
