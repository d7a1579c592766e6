//! Object keys. They consist of ids and fixed names only, never of a client's text, and no client builds one.

use std::fmt;

use crate::id::AssetId;

/// Name of the original in the URLs of a private asset, in the place of an output's file.
pub const ORIGINAL: &str = "original";

/// Key of an original in the raw bucket: `originals/{asset}`.
#[must_use]
pub fn original(asset: AssetId) -> String {
    format!("originals/{asset}")
}

/// Prefix of all outputs of an asset, in either bucket: `m/{asset}/`.
#[must_use]
pub fn asset_outputs(asset: AssetId) -> String {
    format!("m/{asset}/")
}

/// Prefix of one attempt's outputs: `m/{asset}/{attempt}-{nonce}/`. The nonce makes unpublished outputs unguessable and the
/// prefix of each attempt unique.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputPrefix {
    /// Asset of the outputs.
    pub asset: AssetId,
    /// Number of the attempt that writes them.
    pub attempt: u32,
    /// Random number of the attempt.
    pub nonce: u64,
}

impl fmt::Display for OutputPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m/{}/{}-{:016x}/", self.asset, self.attempt, self.nonce)
    }
}

impl OutputPrefix {
    /// Key of the WebP output `name`.
    #[must_use]
    pub fn webp(self, name: &str) -> String {
        format!("{self}{name}.webp")
    }
}

/// A parsed key of an output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputKey<'key> {
    /// Prefix of the attempt.
    pub prefix: OutputPrefix,
    /// File name within the prefix.
    pub file: &'key str,
}

/// Parses the key of an output; `None` for every text that is not exactly such a key.
#[must_use]
pub fn parse_output(key: &str) -> Option<OutputKey<'_>> {
    let mut parts = key.splitn(4, '/');
    let (Some("m"), Some(asset), Some(attempt), Some(file)) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return None;
    };
    let (attempt, nonce) = attempt.split_once('-')?;
    let prefix = OutputPrefix {
        asset: asset.parse().ok()?,
        attempt: attempt.parse().ok()?,
        nonce: u64::from_str_radix(nonce, 16).ok()?,
    };
    // Trap: to a bucket `..` is a name like any other, but URL parsers on the way would resolve it.
    let valid_file = file.split('/').all(|step| {
        !matches!(step, "" | "." | "..")
            && step
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    });
    (valid_file && format!("{prefix}{file}") == key).then_some(OutputKey { prefix, file })
}
