//! Removal of objects by prefix.

use worker::Bucket;

use crate::error::Result;

/// Removes every object under `prefix` from one bucket.
pub(crate) async fn remove_all(bucket: &Bucket, prefix: &str) -> Result<()> {
    loop {
        let found = bucket.list().prefix(prefix).limit(500).execute().await?;
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
