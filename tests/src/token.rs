//! Tokens of any kind, valid and invalid.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::root;

/// Header and claims of a token, both freely editable.
#[derive(Debug, Clone)]
pub struct Token {
    header: Map<String, Value>,
    claims: Map<String, Value>,
}

impl Token {
    /// A token that the stack accepts.
    #[must_use]
    pub fn of(tenant: &str, user: &str, role: &str) -> Self {
        let now = now_s();
        let claims = json!({
            "iss": "ferrotype-dev", "aud": "ferrotype", "sub": user, "tenant": tenant, "role": role,
            "iat": now, "exp": now + 3600,
        });
        Self {
            header: object(&json!({"alg": "HS256", "typ": "JWT"})),
            claims: object(&claims),
        }
    }

    /// Sets a claim.
    #[must_use]
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a claim.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets a time claim to `seconds` from now; negative values are in the past.
    #[must_use]
    pub fn claim_time(self, name: &str, seconds: i64) -> Self {
        self.claim(name, now_s() + seconds)
    }

    /// Sets a field of the header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Signs with HMAC-SHA256 and `key`, whatever the header names.
    #[must_use]
    pub fn sign(&self, key: &[u8]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC accepts keys of any length");
        mac.update(self.signed_text().as_bytes());
        self.with_signature(&mac.finalize().into_bytes())
    }

    /// Signs with the development key of the checkout.
    #[must_use]
    pub fn sign_dev(&self) -> String {
        self.sign(dev_key().as_bytes())
    }

    /// Appends these bytes as the signature; empty for `alg: none`.
    #[must_use]
    pub fn with_signature(&self, signature: &[u8]) -> String {
        format!(
            "{}.{}",
            self.signed_text(),
            URL_SAFE_NO_PAD.encode(signature)
        )
    }

    fn signed_text(&self) -> String {
        let encode = |part: &Map<String, Value>| {
            URL_SAFE_NO_PAD.encode(Value::Object(part.clone()).to_string())
        };
        format!("{}.{}", encode(&self.header), encode(&self.claims))
    }
}

/// The development key of the checkout, which the first stack creates.
#[must_use]
pub fn dev_key() -> String {
    let path = root().join(".ferrotype/dev-key");
    let text = std::fs::read_to_string(&path);
    text.unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()))
        .trim()
        .to_owned()
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn now_s() -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .expect("a clock after 1970");
    i64::try_from(now.as_secs()).expect("a clock before the end of time")
}
