//! Tokens that are none.

use tests::{Client, Token, dev_key, shared};

async fn refused(client: &Client, token: &str, code: &str) {
    let client = client.with_token(token);
    let answer = client.get("/v1/assets").await;
    answer.expect_problem(401, code);
    assert_eq!(answer.header("www-authenticate"), "Bearer");
    client.get("/v1/events").await.expect_problem(401, code);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_bad_token_is_refused_by_its_name() {
    let stack = shared();
    let client = Client::new(stack.origin(), None);
    let good = || Token::of("tokens", "alice", "user");
    assert_eq!(
        client
            .with_token(&good().sign_dev())
            .get("/v1/assets")
            .await
            .status,
        200
    );

    client
        .get("/v1/assets")
        .await
        .expect_problem(401, "token_missing");
    for header in ["", "Bearer", "Bearer ", "Basic YWxpY2U6eA==", "Token x"] {
        let answer = client
            .send_raw(
                reqwest::Method::GET,
                "/v1/assets",
                &[("authorization", header)],
                Vec::new(),
            )
            .await;
        answer.expect_problem(401, "token_missing");
    }

    let signed = good().sign_dev();
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
    ] {
        refused(&client, token, "token_invalid").await;
    }

    let table = [
        (
            good().header("alg", "none").with_signature(b""),
            "token_algorithm_invalid",
        ),
        (
            good().header("alg", "None").sign_dev(),
            "token_algorithm_invalid",
        ),
        (
            good().header("alg", "RS256").sign_dev(),
            "token_algorithm_invalid",
        ),
        (
            good().header("alg", "HS512").sign_dev(),
            "token_algorithm_invalid",
        ),
        (good().claim_time("exp", -120).sign_dev(), "token_expired"),
        (
            good().claim_time("nbf", 300).sign_dev(),
            "token_not_yet_valid",
        ),
        (
            good().claim("aud", "another").sign_dev(),
            "token_audience_invalid",
        ),
        (
            good().claim("aud", "ferrotype-event-ticket").sign_dev(),
            "token_audience_invalid",
        ),
        (good().without("aud").sign_dev(), "token_audience_invalid"),
        (
            good().claim("iss", "another").sign_dev(),
            "token_issuer_invalid",
        ),
        (good().without("iss").sign_dev(), "token_issuer_invalid"),
        (good().without("exp").sign_dev(), "token_claims_invalid"),
        (good().without("sub").sign_dev(), "token_claims_invalid"),
        (good().without("tenant").sign_dev(), "token_claims_invalid"),
        (
            good().claim("role", "root").sign_dev(),
            "token_claims_invalid",
        ),
        (good().claim("sub", "").sign_dev(), "token_claims_invalid"),
        (
            good().claim("tenant", "x".repeat(200)).sign_dev(),
            "token_claims_invalid",
        ),
        (good().claim("sub", 7).sign_dev(), "token_claims_invalid"),
        (
            good().claim_time("exp", -120).sign(b"another key"),
            "token_invalid",
        ),
    ];
    for (token, code) in table {
        refused(&client, &token, code).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_good_token_may_carry_besides() {
    let stack = shared();
    let client = Client::new(stack.origin(), None);
    let good = || Token::of("tokens", "alice", "user");
    for token in [
        good().claim("aud", serde_json::json!(["another", "ferrotype"])),
        good().claim_time("nbf", -5),
        good().claim("scope", "whatever"),
        good().header("kid", "../../../dev/null"),
        // The clocks of issuers are not ours.
        good().claim_time("exp", -10),
    ] {
        let answer = client
            .with_token(&token.sign(dev_key().as_bytes()))
            .get("/v1/assets")
            .await;
        assert_eq!(answer.status, 200, "{token:?}: {}", answer.text());
    }
}
