//! Authentication: JWTs (RFC 7519) with HS256, verified with `jwt-compact`. The algorithm is configured, never taken from
//! the token.

use chrono::{DateTime, Duration, Utc};
use jwt_compact::alg::{Hs256, Hs256Key, Hs256Signature};
use jwt_compact::{
    Algorithm as _, AlgorithmExt as _, AlgorithmSignature as _, Claims as JwtClaims, Header,
    TimeOptions, Token, UntrustedToken, ValidationError,
};
use serde::{Deserialize, Serialize};

use crate::problem::{ErrorCode, Failure};
use crate::time::Timestamp;
use crate::words::words;

words! {
    /// Role of a caller.
    Role {
        /// Sees and changes its own assets.
        User = "user",
        /// An application's back end: acts for any user of its tenant with `on_behalf_of`.
        Service = "service",
        /// Sees and changes all assets and jobs of its tenant.
        Admin = "admin",
        /// A native worker: can call worker operations only.
        Worker = "worker",
    }
}

/// Tolerated clock difference to the issuer, in seconds.
pub const LEEWAY_S: i64 = 30;

/// Longest `sub` or `tenant`, in bytes.
pub const NAME_MAX_BYTES: usize = 128;

/// Which tokens are accepted: key, issuer and audience.
#[derive(Clone)]
pub struct TokenPolicy {
    key: Hs256Key,
    issuer: String,
    audience: String,
}

impl std::fmt::Debug for TokenPolicy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TokenPolicy")
            .field("issuer", &self.issuer)
            .field("audience", &self.audience)
            .finish_non_exhaustive()
    }
}

/// The caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Its tenant.
    pub tenant: String,
    /// Its name within the tenant (claim `sub`).
    pub user: String,
    /// Its role.
    pub role: Role,
}

/// Claims that Ferrotype reads in addition to `exp`, `nbf` and `iat`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct CustomClaims {
    sub: String,
    tenant: String,
    role: String,
    iss: Option<String>,
    aud: Option<Audience>,
}

/// Header members that change the meaning of a token (RFC 7515 §4.1.11, RFC 7516 §4.1.3); none is supported.
#[derive(Debug, Clone, Deserialize)]
struct Extensions {
    crit: Option<serde::de::IgnoredAny>,
    zip: Option<serde::de::IgnoredAny>,
}

/// `aud` is a string or a list of strings (RFC 7519 §4.1.3).
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    fn holds(&self, audience: &str) -> bool {
        match self {
            Self::One(one) => one == audience,
            Self::Many(many) => many.iter().any(|one| one == audience),
        }
    }
}

fn date_time(time: Timestamp) -> DateTime<Utc> {
    i64::try_from(time.ms())
        .ok()
        .and_then(DateTime::from_timestamp_millis)
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

impl TokenPolicy {
    /// Accepts tokens signed with `secret`, issued by `issuer` for `audience`.
    #[must_use]
    pub fn new(secret: &[u8], issuer: &str, audience: &str) -> Self {
        Self {
            key: Hs256Key::new(secret),
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
        }
    }

    /// Signs a token for `principal`, valid for `ttl_s` seconds from `now`. For development and tests; in production
    /// the application's own back end issues tokens.
    #[must_use]
    pub fn sign(&self, principal: &Principal, now: Timestamp, ttl_s: u32) -> Option<String> {
        let custom = CustomClaims {
            sub: principal.user.clone(),
            tenant: principal.tenant.clone(),
            role: principal.role.as_str().to_owned(),
            iss: Some(self.issuer.clone()),
            aud: Some(Audience::One(self.audience.clone())),
        };
        let at = date_time(now);
        let options = TimeOptions::new(Duration::zero(), move || at);
        let claims = JwtClaims::new(custom)
            .set_duration_and_issuance(&options, Duration::seconds(i64::from(ttl_s)));
        Hs256
            .token(&Header::empty().with_token_type("JWT"), &claims, &self.key)
            .ok()
    }

    /// Verifies a token at `now`.
    ///
    /// # Errors
    ///
    /// A `token_…` code that says what is wrong with the token.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, Failure> {
        let failure = |code: ErrorCode, detail: &str| Failure::new(code, detail);
        let malformed = || {
            failure(
                ErrorCode::TokenInvalid,
                "The token is malformed, or is not signed with the configured secret.",
            )
        };
        let untrusted = UntrustedToken::<Extensions>::try_from(token).map_err(|_| malformed())?;
        let header = untrusted.header();
        if header.other_fields.crit.is_some() || header.other_fields.zip.is_some() {
            return Err(failure(
                ErrorCode::TokenInvalid,
                "The token's header uses an unsupported extension (crit or zip).",
            ));
        }
        if untrusted.algorithm() != "HS256" {
            return Err(failure(
                ErrorCode::TokenAlgorithmInvalid,
                "The token must be signed with HS256.",
            ));
        }
        let verified: Token<CustomClaims, Extensions> = Hs256
            .validator(&self.key)
            .validate(&untrusted)
            .map_err(|error| {
                let is_ours = || self.has_signed(token, untrusted.signature_bytes());
                if matches!(error, ValidationError::MalformedClaims(_)) && is_ours() {
                    failure(
                        ErrorCode::TokenClaimsInvalid,
                        "The token must have the claims sub, tenant, role, iss, aud and exp.",
                    )
                } else {
                    malformed()
                }
            })?;
        let at = date_time(now);
        let options = TimeOptions::new(Duration::seconds(LEEWAY_S), move || at);
        verified
            .claims()
            .validate_expiration(&options)
            .map_err(|error| {
                if matches!(error, ValidationError::Expired) {
                    failure(
                        ErrorCode::TokenExpired,
                        "The token has expired; get a new one from your back end.",
                    )
                } else {
                    failure(
                        ErrorCode::TokenClaimsInvalid,
                        "The token must have the claim exp.",
                    )
                }
            })?;
        if verified.claims().not_before.is_some()
            && verified.claims().validate_maturity(&options).is_err()
        {
            return Err(failure(
                ErrorCode::TokenNotYetValid,
                "The token's nbf is in the future; check the issuer's clock.",
            ));
        }
        self.principal(&verified.claims().custom)
    }

    /// Whether the signature is valid. The library parses the claims before it verifies the signature, and details about
    /// claims are only for tokens with a valid signature.
    fn has_signed(&self, token: &str, signature: &[u8]) -> bool {
        let signed = token.rsplit_once('.').map(|(signed, _)| signed.as_bytes());
        let signature = Hs256Signature::try_from_slice(signature);
        signed
            .zip(signature.ok())
            .is_some_and(|(signed, signature)| {
                Hs256.verify_signature(&signature, &self.key, signed)
            })
    }

    fn principal(&self, claims: &CustomClaims) -> Result<Principal, Failure> {
        if claims.iss.as_deref() != Some(self.issuer.as_str()) {
            return Err(Failure::new(
                ErrorCode::TokenIssuerInvalid,
                "The token's iss is not the configured issuer.",
            ));
        }
        if !claims
            .aud
            .as_ref()
            .is_some_and(|aud| aud.holds(&self.audience))
        {
            return Err(Failure::new(
                ErrorCode::TokenAudienceInvalid,
                "The token's aud does not contain the configured audience.",
            ));
        }
        let role = claims.role.parse().map_err(|_| {
            Failure::new(
                ErrorCode::TokenClaimsInvalid,
                "The token's role must be user, service, admin or worker.",
            )
        })?;
        check_name("tenant", &claims.tenant)?;
        check_name("sub", &claims.sub)?;
        Ok(Principal {
            tenant: claims.tenant.clone(),
            user: claims.sub.clone(),
            role,
        })
    }
}

/// Checks the name of a user or tenant: 1–128 bytes without control characters. (Names never become part of a key.)
///
/// # Errors
///
/// `token_claims_invalid`, with the name of the claim.
pub fn check_name(claim: &str, name: &str) -> Result<(), Failure> {
    if name.is_empty() || name.len() > NAME_MAX_BYTES || name.chars().any(char::is_control) {
        Err(Failure::new(
            ErrorCode::TokenClaimsInvalid,
            format!("{claim} must have 1–{NAME_MAX_BYTES} bytes without control characters."),
        ))
    } else {
        Ok(())
    }
}
