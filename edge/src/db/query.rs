//! A `SELECT` that grows by conditions.

use serde::de::DeserializeOwned;
use wasm_bindgen::JsValue;
use worker::D1Database;

use super::{all, int, text};
use crate::error::Result;
use crate::scope::Scope;

/// Rows of one table that belong to one tenant.
pub(super) struct Query {
    sql: String,
    parameters: Vec<JsValue>,
}

impl Query {
    /// Rows of `table` that `scope` covers.
    pub(super) fn in_scope(table: &str, scope: &Scope) -> Self {
        let mut query = Self {
            sql: format!("SELECT * FROM {table} WHERE tenant = ?"),
            parameters: vec![text(&scope.tenant)],
        };
        query.and("user_id = ?", scope.user.as_deref());
        query
    }

    /// Rows of `table` that belong to one user.
    pub(super) fn of_user(table: &str, tenant: &str, user: &str) -> Self {
        Self {
            sql: format!("SELECT * FROM {table} WHERE tenant = ? AND user_id = ?"),
            parameters: vec![text(tenant), text(user)],
        }
    }

    /// Adds a condition with one parameter, unless `value` is `None`.
    pub(super) fn and(&mut self, condition: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.sql.extend([" AND ", condition]);
            self.parameters.push(text(value));
        }
    }

    /// Adds a condition without a parameter.
    pub(super) fn and_fixed(&mut self, condition: &'static str) {
        self.sql.extend([" AND ", condition]);
    }

    /// Only rows with an id before `id` in `column`: the next page.
    pub(super) fn and_before(&mut self, column: &'static str, id: Option<impl ToString>) {
        let condition = format!("{column} < ?");
        self.and(&condition, id.map(|id| id.to_string()).as_deref());
    }

    /// The rows with the newest ids in `column`, at most `limit`: ids sort by time.
    pub(super) async fn newest_first<T: DeserializeOwned>(
        mut self,
        column: &'static str,
        db: &D1Database,
        limit: u32,
    ) -> Result<Vec<T>> {
        let order = format!(" ORDER BY {column} DESC LIMIT ?");
        self.sql.push_str(&order);
        self.parameters.push(int(u64::from(limit)));
        all(db, &self.sql, &self.parameters).await
    }
}
