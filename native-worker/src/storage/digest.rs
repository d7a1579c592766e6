//! Digests of files, in hex.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use md5::Digest;

const READ_BYTES: usize = 256 * 1024;

/// Whether a text looks like an MD5 in hex. (The `ETag` of an object may be something else.)
pub(super) fn is_md5(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Size and digest of a file.
pub(super) fn digest_file<D: Digest>(path: &Path) -> std::io::Result<(u64, String)> {
    digest::<D>(File::open(path)?)
}

/// Size and digest of everything that `from` yields.
pub(super) fn digest<D: Digest>(mut from: impl Read) -> std::io::Result<(u64, String)> {
    let (mut digest, mut size) = (D::new(), 0_u64);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = from.read(&mut buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        if read.is_empty() {
            return Ok((size, hex::encode(digest.finalize())));
        }
        digest.update(read);
        size += u64::try_from(count).map_err(std::io::Error::other)?;
    }
}
