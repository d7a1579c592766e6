//! Object keys. They hold ids and names of ours only, never a client's text, and nobody outside builds one.

use std::fmt;

use crate::id::AssetId;

/// Key of an original in the raw bucket: `originals/{asset}`.
#[must_use]
pub fn original(asset: AssetId) -> String {
    format!("originals/{asset}")
}

/// Prefix of everything made of one asset, in either bucket: `m/{asset}/`.
#[must_use]
pub fn asset_outputs(asset: AssetId) -> String {
    format!("m/{asset}/")
}

/// Prefix under which one attempt writes its outputs: `m/{asset}/{attempt}-{nonce}/`. The nonce keeps outputs that are
/// not published yet from being guessed, and two attempts from ever sharing a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputPrefix {
    /// Whose outputs.
    pub asset: AssetId,
    /// The attempt that writes them.
    pub attempt: u32,
    /// Randomness of the attempt.
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

/// An output's key taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputKey<'key> {
    /// Attempt prefix.
    pub prefix: OutputPrefix,
    /// File name within the prefix.
    pub file: &'key str,
}

/// Takes an output's key apart; `None` for every text that is not exactly a key of ours.
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
    // Trap: a step such as `..` is a name to a bucket, but URL parsers on the way would resolve it.
    let valid_file = file.split('/').all(|step| {
        !matches!(step, "" | "." | "..")
            && step
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'))
    });
    (valid_file && format!("{prefix}{file}") == key).then_some(OutputKey { prefix, file })
}
