//! Guards: the condition under which the statements of one decision take effect. A batch is one transaction, so all
//! statements with the same guard take effect, or none does.

use shared::id::{AssetId, JobId};
use wasm_bindgen::JsValue;
use worker::{D1Database, D1PreparedStatement};

use super::{statement, text};
use crate::error::Result;

/// A condition on the statements that are built with it.
pub(crate) struct Guard<'a> {
    db: &'a D1Database,
    condition: Option<&'static str>,
    parameters: Vec<JsValue>,
}

impl<'a> Guard<'a> {
    /// No condition.
    pub(crate) const fn none(db: &'a D1Database) -> Self {
        Self {
            db,
            condition: None,
            parameters: Vec::new(),
        }
    }

    /// The asset is in the database.
    pub(crate) fn asset_exists(db: &'a D1Database, asset: AssetId) -> Self {
        Self {
            db,
            condition: Some("EXISTS (SELECT 1 FROM assets WHERE id = ?)"),
            parameters: vec![text(&asset.to_string())],
        }
    }

    /// The asset still waits for its upload.
    pub(crate) fn awaiting_upload(db: &'a D1Database, asset: AssetId) -> Self {
        Self {
            db,
            condition: Some(
                "EXISTS (SELECT 1 FROM assets WHERE id = ? AND state = 'awaiting_upload')",
            ),
            parameters: vec![text(&asset.to_string())],
        }
    }

    /// The job carries this write's id: the update of the job, the first statement of the batch, took effect.
    pub(crate) fn job_written(db: &'a D1Database, job: JobId, write_id: &str) -> Self {
        Self {
            db,
            condition: Some("EXISTS (SELECT 1 FROM jobs WHERE id = ? AND write_id = ?)"),
            parameters: vec![text(&job.to_string()), text(write_id)],
        }
    }

    /// `sql` under the condition. It must be an `UPDATE`, a `DELETE` or an `INSERT … SELECT` that ends with its own conditions,
    /// if it has any.
    pub(crate) fn statement(
        &self,
        sql: &str,
        parameters: &[JsValue],
    ) -> Result<D1PreparedStatement> {
        let Some(condition) = self.condition else {
            return statement(self.db, sql, parameters);
        };
        let joint = if sql.contains(" WHERE ") {
            "AND"
        } else {
            "WHERE"
        };
        let mut all = parameters.to_vec();
        all.extend_from_slice(&self.parameters);
        statement(self.db, &format!("{sql} {joint} {condition}"), &all)
    }
}
