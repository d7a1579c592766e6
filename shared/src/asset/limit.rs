//! How large a file may be.

use std::collections::BTreeMap;

use crate::json;
use crate::kind::AssetKind;

/// Default limit of a file's size in bytes, for every kind: 500 MB.
pub const SIZE_DEFAULT_BYTES: u64 = 500_000_000;

/// Largest file that one PUT uploads: R2 accepts 5 MiB less than 5 GiB (R2 documentation, "Limits"), S3 a little more.
pub const SINGLE_PUT_MAX_BYTES: u64 = 5 * 1024 * 1024 * 1024 - 5 * 1024 * 1024;

/// Tenant whose limits apply to tenants without their own.
const ANY_TENANT: &str = "*";

/// Largest file of each kind, by tenant: the setting `SIZE_LIMITS`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SizeLimits(BTreeMap<String, BTreeMap<AssetKind, u64>>);

/// Why `SIZE_LIMITS` is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SizeLimitsInvalid {
    /// It is not a JSON object from tenants to objects from kinds to bytes.
    #[error(transparent)]
    Json(#[from] json::Invalid),
    /// A limit is 0, or larger than one PUT.
    #[error("{tenant}.{kind} must be an integer from 1 to {SINGLE_PUT_MAX_BYTES}")]
    Range {
        /// Tenant, or `*`.
        tenant: String,
        /// Kind.
        kind: AssetKind,
    },
}

impl SizeLimits {
    /// Parses the setting: a JSON object from tenants (`*`: all others) to objects from kinds to bytes. Empty: the default for all.
    ///
    /// ```
    /// use shared::asset::limit::{SIZE_DEFAULT_BYTES, SizeLimits};
    /// use shared::kind::AssetKind;
    ///
    /// let limits = SizeLimits::parse(r#"{"*": {"video": 2000000000}, "acme": {"image": 10000000}}"#)?;
    /// assert_eq!(limits.max_bytes("acme", AssetKind::Image), 10_000_000);
    /// assert_eq!(limits.max_bytes("acme", AssetKind::Video), 2_000_000_000);
    /// assert_eq!(limits.max_bytes("acme", AssetKind::Audio), SIZE_DEFAULT_BYTES);
    /// # Ok::<(), shared::asset::limit::SizeLimitsInvalid>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`SizeLimitsInvalid`] if the text is not such an object, or a limit is 0 or larger than [`SINGLE_PUT_MAX_BYTES`].
    pub fn parse(text: &str) -> Result<Self, SizeLimitsInvalid> {
        if text.is_empty() {
            return Ok(Self::default());
        }
        let tenants: BTreeMap<String, BTreeMap<AssetKind, u64>> = json::read(text.as_bytes())?;
        for (tenant, kinds) in &tenants {
            let wrong = kinds
                .iter()
                .find(|(_, bytes)| !(1..=SINGLE_PUT_MAX_BYTES).contains(*bytes));
            if let Some((&kind, _)) = wrong {
                let tenant = tenant.clone();
                return Err(SizeLimitsInvalid::Range { tenant, kind });
            }
        }
        Ok(Self(tenants))
    }

    /// Largest file of `kind` that `tenant` may upload, in bytes.
    #[must_use]
    pub fn max_bytes(&self, tenant: &str, kind: AssetKind) -> u64 {
        [tenant, ANY_TENANT]
            .iter()
            .find_map(|tenant| self.0.get(*tenant)?.get(&kind).copied())
            .unwrap_or(SIZE_DEFAULT_BYTES)
    }
}
