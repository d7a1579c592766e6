//! JWTs. Forged tokens are built by hand, without the library that the core uses.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::{Sha256, Sha384};
use shared::auth::{Principal, Role, TokenPolicy, check_name};
use shared::problem::ErrorCode;
use shared::time::Timestamp;

const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);
const NOW_S: i64 = 1_767_225_600;
const SECRET: &[u8] = b"secret of the tests";
const ISSUER: &str = "https://issuer.example";
const AUDIENCE: &str = "ferrotype";

fn policy() -> TokenPolicy {
    TokenPolicy::new(SECRET, ISSUER, AUDIENCE)
}

fn alice() -> Principal {
    Principal {
        tenant: "acme".to_owned(),
        user: "alice".to_owned(),
        role: Role::User,
    }
}

fn header() -> Value {
    json!({"alg": "HS256", "typ": "JWT"})
}

fn claims() -> Value {
    json!({
        "sub": "alice", "tenant": "acme", "role": "user",
        "iss": ISSUER, "aud": AUDIENCE, "exp": NOW_S + 3_600,
    })
}

/// The claims with one of them changed, or removed if `value` is `null`.
fn claims_with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    if value.is_null() {
        claims.as_object_mut().unwrap().remove(name);
    } else {
        claims[name] = value;
    }
    claims
}

fn signed_part(header: &Value, claims: &Value) -> String {
    let part = |value: &Value| BASE64.encode(value.to_string());
    format!("{}.{}", part(header), part(claims))
}

fn hs256(text: &str, secret: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", BASE64.encode(mac.finalize().into_bytes()))
}

fn jwt(claims: &Value) -> String {
    hs256(&signed_part(&header(), claims), SECRET)
}

fn check(token: &str, expected: Result<&Principal, ErrorCode>) {
    let verified = policy().verify(token, NOW);
    let verified = verified.as_ref().map_err(|failure| failure.code);
    assert_eq!(verified, expected, "{token}");
}

fn check_claim(name: &str, value: Value, code: ErrorCode) {
    check(&jwt(&claims_with(name, value)), Err(code));
}

#[test]
fn a_token_of_another_library_is_accepted() {
    // Created with Python's hmac and base64 modules.
    check(
        "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiJhbGljZSIsInRlbmFudCI6ImFjbWUiLCJyb2xlIjoidXNlciIsImlzcyI6Imh0dHBzOi8vaXNzdWVyLmV4YW1wbGUiLCJhdWQiOiJmZXJyb3R5cGUiLCJleHAiOjE3NjcyMjkyMDB9.IwYZIs4QX2d9GkyXUjAxsUEjRirpewgbMBYWgGei-1o",
        Ok(&alice()),
    );
    check(&jwt(&claims()), Ok(&alice()));
}

#[test]
fn the_example_token_of_the_standard_verifies() {
    // RFC 7515, appendix A.1. Its claims are not valid here, so it fails after the signature check; with another key it fails before.
    let key = BASE64
        .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
        .unwrap();
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let code = |policy: TokenPolicy| policy.verify(token, NOW).unwrap_err().code;
    assert_eq!(
        code(TokenPolicy::new(&key, "joe", AUDIENCE)),
        ErrorCode::TokenClaimsInvalid
    );
    assert_eq!(
        code(TokenPolicy::new(SECRET, "joe", AUDIENCE)),
        ErrorCode::TokenInvalid
    );
}

#[test]
fn signed_tokens_verify() {
    for &role in Role::ALL {
        let principal = Principal { role, ..alice() };
        let token = policy().sign(&principal, NOW, 60).unwrap();
        check(&token, Ok(&principal));
        let parts: Vec<&str> = token.split('.').collect();
        assert_eq!(hs256(&format!("{}.{}", parts[0], parts[1]), SECRET), token);
        let claims: Value = serde_json::from_slice(&BASE64.decode(parts[1]).unwrap()).unwrap();
        assert_eq!(claims["exp"], NOW_S + 60);
        assert_eq!(claims["iat"], NOW_S);
    }
}

#[test]
fn unknown_header_extensions_are_rejected() {
    for extension in [json!({"crit": ["x"], "x": 1}), json!({"zip": "DEF"})] {
        let mut header = json!({"alg": "HS256", "typ": "JWT"});
        let members = extension.as_object().unwrap().clone();
        header.as_object_mut().unwrap().extend(members);
        let token = hs256(&signed_part(&header, &claims()), SECRET);
        check(&token, Err(ErrorCode::TokenInvalid));
    }
}

#[test]
fn a_token_cannot_choose_its_algorithm() {
    let with = |alg: &str| signed_part(&json!({"alg": alg, "typ": "JWT"}), &claims());
    for alg in [
        "none", "None", "", "hs256", "HS384", "HS512", "RS256", "ES256", "EdDSA",
    ] {
        check(
            &hs256(&with(alg), SECRET),
            Err(ErrorCode::TokenAlgorithmInvalid),
        );
    }
    for alg in ["none", "HS384"] {
        let code = ErrorCode::TokenAlgorithmInvalid;
        check(&format!("{}.", with(alg)), Err(code));
    }
    let text = with("HS384");
    let mut mac = Hmac::<Sha384>::new_from_slice(SECRET).unwrap();
    mac.update(text.as_bytes());
    let token = format!("{text}.{}", BASE64.encode(mac.finalize().into_bytes()));
    check(&token, Err(ErrorCode::TokenAlgorithmInvalid));
}

#[test]
fn a_token_of_a_different_key_is_rejected() {
    let text = signed_part(&header(), &claims());
    let keys: [&[u8]; 4] = [
        b"",
        b"secret of the test",
        b"secret of the tests ",
        b"Secret of the tests",
    ];
    for key in keys {
        check(&hs256(&text, key), Err(ErrorCode::TokenInvalid));
    }
}

#[test]
fn a_signature_covers_all_its_claims() {
    let token = jwt(&claims());
    let signature = token.rsplit_once('.').unwrap().1;
    for (name, value) in [("sub", "bob"), ("tenant", "other"), ("role", "admin")] {
        let forged = signed_part(&header(), &claims_with(name, value.into()));
        check(
            &format!("{forged}.{signature}"),
            Err(ErrorCode::TokenInvalid),
        );
    }
}

#[test]
fn malformed_tokens_are_rejected() {
    let token = jwt(&claims());
    for end in 0..token.len() {
        check(token.get(..end).unwrap(), Err(ErrorCode::TokenInvalid));
    }
    let text = signed_part(&header(), &claims());
    let bad = [
        format!("{token}A"),
        format!("{token}="),
        format!("{token}."),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{text}."),
        text,
        "..".to_owned(),
        "a.b.c".to_owned(),
        "é".to_owned(),
        hs256(&format!("{}.e30", BASE64.encode("{}")), SECRET),
        hs256(&format!("{}.e30", BASE64.encode("[]")), SECRET),
    ];
    for token in bad {
        check(&token, Err(ErrorCode::TokenInvalid));
    }
}

#[test]
fn a_token_is_valid_until_its_leeway_ends() {
    let at = |exp: i64| jwt(&claims_with("exp", exp.into()));
    check(&at(NOW_S), Ok(&alice()));
    check(&at(NOW_S - 30), Ok(&alice()));
    check(&at(NOW_S - 31), Err(ErrorCode::TokenExpired));
    check(&at(0), Err(ErrorCode::TokenExpired));
}

#[test]
fn a_token_is_valid_within_the_leeway_before_nbf() {
    let at = |nbf: i64| jwt(&claims_with("nbf", nbf.into()));
    check(&at(NOW_S), Ok(&alice()));
    check(&at(NOW_S + 30), Ok(&alice()));
    check(&at(NOW_S + 31), Err(ErrorCode::TokenNotYetValid));
}

#[test]
fn absurd_times_are_rejected_without_a_panic() {
    for name in ["exp", "nbf", "iat"] {
        for value in [
            json!(i64::MAX),
            json!(i64::MIN),
            json!(1e300),
            json!("soon"),
            json!({}),
            json!([]),
        ] {
            let token = jwt(&claims_with(name, value.clone()));
            if let Err(failure) = policy().verify(&token, NOW) {
                assert_eq!(failure.code.status(), 401, "{name} {value}");
            } else {
                assert_eq!(name, "iat", "{value} was accepted");
            }
        }
    }
}

#[test]
fn every_claim_is_required() {
    let code = ErrorCode::TokenClaimsInvalid;
    for name in ["sub", "tenant", "role", "exp"] {
        check_claim(name, Value::Null, code);
        check_claim(name, json!({"a": 1}), code);
    }
    check(&jwt(&json!({})), Err(code));
    check(&jwt(&json!([])), Err(code));
    check_claim("iss", Value::Null, ErrorCode::TokenIssuerInvalid);
    check_claim("aud", Value::Null, ErrorCode::TokenAudienceInvalid);
    // If the signature is invalid, the error says nothing about the claims.
    let forged = hs256(&signed_part(&header(), &json!({})), b"other");
    check(&forged, Err(ErrorCode::TokenInvalid));
}

#[test]
fn issuer_and_audience_must_match() {
    for issuer in ["", "https://issuer.example/", "HTTPS://ISSUER.EXAMPLE"] {
        check_claim("iss", issuer.into(), ErrorCode::TokenIssuerInvalid);
    }
    let code = ErrorCode::TokenAudienceInvalid;
    for audience in [
        json!(""),
        json!("Ferrotype"),
        json!("ferrotype2"),
        json!([]),
        json!(["a", "b"]),
    ] {
        check_claim("aud", audience, code);
    }
    for audience in [json!(["ferrotype"]), json!(["a", "ferrotype"])] {
        check(&jwt(&claims_with("aud", audience)), Ok(&alice()));
    }
}

#[test]
fn roles_and_names_are_checked() {
    let code = ErrorCode::TokenClaimsInvalid;
    for role in ["", "root", "User", "user "] {
        check_claim("role", role.into(), code);
    }
    for name in ["sub", "tenant"] {
        for value in [
            "",
            "a\0b",
            "a\nb",
            "a\u{7F}",
            "a\u{85}b",
            &"x".repeat(129),
            &"é".repeat(65),
        ] {
            check_claim(name, value.into(), code);
        }
        for value in [
            "x".repeat(128),
            "é".repeat(64),
            "a/../b".to_owned(),
            "名前 🦀".to_owned(),
        ] {
            let verified = policy().verify(&jwt(&claims_with(name, value.clone().into())), NOW);
            let principal = verified.unwrap();
            let parsed = if name == "sub" {
                principal.user
            } else {
                principal.tenant
            };
            assert_eq!(parsed, value);
        }
    }
    assert!(
        check_name("sub", "")
            .unwrap_err()
            .detail
            .starts_with("sub ")
    );
}

#[test]
fn unknown_claims_and_a_key_in_the_header_change_nothing() {
    check(
        &jwt(&claims_with("email", "alice@acme.example".into())),
        Ok(&alice()),
    );
    let key = json!({"alg": "HS256", "kid": "../../dev/null", "jku": "https://evil.example/keys", "jwk": {"kty": "oct", "k": "b3RoZXI"}});
    let text = signed_part(&key, &claims());
    check(&hs256(&text, SECRET), Ok(&alice()));
    check(&hs256(&text, b"other"), Err(ErrorCode::TokenInvalid));
}

#[test]
fn a_policy_does_not_print_its_secret() {
    let printed = format!("{:?}", policy());
    assert!(
        printed.contains(ISSUER) && !printed.contains("secret"),
        "{printed}"
    );
}
