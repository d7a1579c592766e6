//! Invalid tokens.

use reqwest::Method;
use tests::{Client, Token, dev_key, shared};

async fn refused(client: &Client, token: &str, code: &str) {
    let client = client.with_token(token);
    let answer = client.get("/v1/assets").await;
    answer.expect_problem(401, code);
    let challenge = r#"Bearer error="invalid_token""#;
    assert_eq!(answer.header("www-authenticate"), challenge);
    client.get("/v1/events").await.expect_problem(401, code);
}

fn good() -> Token {
    Token::of("tokens", "alice", "user")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_token_and_an_invalid_one_have_different_codes() {
    let stack = shared();
    let client = Client::new(stack.origin(), None);
    let answer = client.get("/v1/assets").await;
    answer.expect_problem(401, "token_missing");
    // RFC 6750 §3.1: a request without a token gets no error code.
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    for header in ["", "Bearer", "Bearer ", "Basic YWxpY2U6eA==", "Token x"] {
        let headers = [("authorization", header)];
        let answer = client
            .send_raw(Method::GET, "/v1/assets", &headers, Vec::new())
            .await;
        answer.expect_problem(401, "token_missing");
    }

    let signed = good().sign_dev();
    assert_eq!(
        client.with_token(&signed).get("/v1/assets").await.status,
        200
    );
    let (head, signature) = signed.rsplit_once('.').unwrap();
    for token in [
        "x",
        "a.b.c",
        head,
        &format!("{head}."),
        &format!("{head}.{}", signature.to_lowercase()),
        &format!("{signed}.x"),
        &good().sign(b"another key"),
        &good().sign(b""),
        // Claims are not examined before the signature is verified.
        &good().claim_time("exp", -120).sign(b"another key"),
    ] {
        refused(&client, token, "token_invalid").await;
    }
    let none = good().header("alg", "none").with_signature(b"");
    refused(&client, &none, "token_algorithm_invalid").await;
}

/// Correctly signed tokens with invalid claims, by the expected error code.
fn bad() -> [(&'static str, Vec<Token>); 6] {
    let algorithms = ["none", "None", "RS256", "HS512"].map(|alg| good().header("alg", alg));
    let audiences = ["another", "ferrotype-event-ticket", ""].map(|aud| good().claim("aud", aud));
    let claims = vec![
        good().without("exp"),
        good().without("sub"),
        good().without("tenant"),
        good().without("role"),
        good().claim("role", "root"),
        good().claim("sub", ""),
        good().claim("sub", 7),
        good().claim("tenant", "x".repeat(200)),
    ];
    [
        ("token_algorithm_invalid", algorithms.into()),
        ("token_expired", vec![good().claim_time("exp", -120)]),
        ("token_not_yet_valid", vec![good().claim_time("nbf", 300)]),
        (
            "token_audience_invalid",
            [audiences.as_slice(), &[good().without("aud")]].concat(),
        ),
        (
            "token_issuer_invalid",
            vec![good().claim("iss", "another"), good().without("iss")],
        ),
        ("token_claims_invalid", claims),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn each_invalid_token_is_rejected_with_its_code() {
    let stack = shared();
    let client = Client::new(stack.origin(), None);
    for (code, tokens) in bad() {
        for token in tokens {
            refused(&client, &token.sign_dev(), code).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_valid_token_may_have_other_claims() {
    let stack = shared();
    let client = Client::new(stack.origin(), None);
    for token in [
        good().claim("aud", serde_json::json!(["another", "ferrotype"])),
        good().claim_time("nbf", -5),
        good().claim("scope", "whatever"),
        good().header("kid", "../../../dev/null"),
        // Clocks of issuers may differ from ours.
        good().claim_time("exp", -10),
    ] {
        let answer = client
            .with_token(&token.sign(dev_key().as_bytes()))
            .get("/v1/assets")
            .await;
        assert_eq!(answer.status, 200, "{token:?}: {}", answer.text());
    }
}
