//! Removal of objects.

use shared::id::AssetId;
use shared::key;
use worker::Bucket;

use super::{public, raw};
use crate::app::App;
use crate::error::Result;

/// Objects that one list of R2 returns and one call deletes; R2 accepts up to 1 000.
const LIST_MAX: u32 = 500;

/// Removes every object under `prefix` from one bucket.
///
/// # Errors
/// When the bucket fails.
pub(crate) async fn remove_prefix(bucket: &Bucket, prefix: &str) -> Result<()> {
    loop {
        let found = bucket
            .list()
            .prefix(prefix)
            .limit(LIST_MAX)
            .execute()
            .await?;
        let keys: Vec<String> = found.objects().iter().map(worker::Object::key).collect();
        if keys.is_empty() {
            return Ok(());
        }
        bucket.delete_multiple(keys).await?;
        if !found.truncated() {
            return Ok(());
        }
    }
}

/// Removes every object under `prefix` from both buckets.
///
/// # Errors
/// When a bucket fails.
pub(crate) async fn remove_everywhere(app: &App, prefix: &str) -> Result<()> {
    remove_prefix(&raw(app)?, prefix).await?;
    remove_prefix(&public(app)?, prefix).await
}

/// Removes the original and every output of an asset.
///
/// # Errors
/// When a bucket fails.
pub(crate) async fn remove_asset(app: &App, id: AssetId) -> Result<()> {
    raw(app)?.delete(key::original(id)).await?;
    remove_everywhere(app, &key::asset_outputs(id)).await
}
