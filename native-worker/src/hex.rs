//! Digests of files, as hex.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use md5::Digest;

const READ_BYTES: usize = 256 * 1024;

/// Lowercase hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Size and digest of a file.
pub(crate) fn digest_file<D: Digest>(path: &Path) -> std::io::Result<(u64, String)> {
    let mut file = File::open(path)?;
    let (mut digest, mut size) = (D::new(), 0_u64);
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let count = file.read(&mut buffer)?;
        let read = buffer.get(..count).unwrap_or_default();
        if read.is_empty() {
            return Ok((size, hex(&digest.finalize())));
        }
        digest.update(read);
        size += u64::try_from(count).map_err(std::io::Error::other)?;
    }
}
