//! The buckets, as one attempt may use them: it reads its original, and reads and writes below its own prefix.

use std::path::Path;

use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;

use crate::attempt::WorkError;

/// How long a stored file may be kept by caches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Never changes.
    Immutable,
    /// A playlist that grows: one second.
    Growing,
}

/// See the module.
#[derive(Debug, Clone)]
pub struct Storage {}

impl Storage {
    /// Fetches the original into a file, whole: size and declared checksum are verified. `seen` hears how many bytes are there.
    pub async fn fetch_original(
        &self,
        _to: &Path,
        _stop: &CancellationToken,
        _seen: impl FnMut(u64) + Send,
    ) -> Result<(), WorkError> {
        todo!()
    }

    /// Stores a file below the prefix and verifies what the bucket says of it (size, MD5 as `ETag`). Gives the size.
    /// Tries again by itself when the bucket fails.
    pub async fn put_file(
        &self,
        _file: &str,
        _from: &Path,
        _content_type: &str,
        _lifetime: Lifetime,
    ) -> Result<u64, WorkError> {
        todo!()
    }

    /// Stores bytes below the prefix; as [`Storage::put_file`].
    pub async fn put_bytes(
        &self,
        _file: &str,
        _bytes: Vec<u8>,
        _content_type: &str,
        _lifetime: Lifetime,
    ) -> Result<u64, WorkError> {
        todo!()
    }

    /// Reads back a file that this attempt stored.
    pub async fn read(&self, _file: &str) -> Result<Box<dyn AsyncRead + Send + Unpin>, WorkError> {
        todo!()
    }
}
