//! Path tokens: each is valid for one asset, until it expires; any change invalidates it.

use proptest::prelude::*;
use shared::id::AssetId;
use shared::sign::path_token::{Lifetime, PATH_TOKEN_TTL_S, PathTokens};
use shared::time::Timestamp;

use crate::id::asset_ids;

const NOW: Timestamp = Timestamp::from_ms(1_767_225_600_000);
const HOUR_MS: u64 = 3_600_000;

fn tokens() -> PathTokens {
    PathTokens::new(b"secret of this installation").unwrap()
}

/// The default life of a token.
fn end(now: Timestamp) -> Timestamp {
    Lifetime::AtLeast(PATH_TOKEN_TTL_S).end(now)
}

fn opened(token: &str, now: Timestamp) -> Option<AssetId> {
    tokens().verify(token, now).map(|token| token.asset)
}

fn asset() -> AssetId {
    "ast_01ARYZ6S41000000000000007Z".parse().unwrap()
}

fn other_asset() -> AssetId {
    "ast_01ARYZ6S410000000000000080".parse().unwrap()
}

#[test]
fn vector() {
    // Computed with Python: key = HMAC(secret, "ferrotype path token v1"), HMAC(key, "{asset}.1767229200").
    assert_eq!(
        tokens().sign(asset(), NOW.plus_ms(HOUR_MS)),
        "ast_01ARYZ6S41000000000000007Z.1767229200.C2LivCLRSLfuTCqzSxxJe6zrY0BpksVDbC0MAGmuISg"
    );
}

#[test]
fn a_token_expires_at_the_full_hour() {
    let token = tokens().sign(asset(), end(NOW));
    let end = NOW.plus_ms(12 * HOUR_MS);
    let valid = tokens().verify(&token, end.minus_ms(1)).unwrap();
    assert_eq!((valid.asset, valid.expires_at), (asset(), end));
    assert_eq!(tokens().verify(&token, end), None);
    assert_eq!(tokens().verify(&token, end.plus_ms(HOUR_MS)), None);
}

#[test]
fn urls_stay_the_same_within_an_hour() {
    let at = |ms| tokens().sign(asset(), end(NOW.plus_ms(ms)));
    assert_eq!(at(1_000), at(HOUR_MS));
    assert_ne!(at(1_000), at(HOUR_MS + 1_000));
}

#[test]
fn every_changed_byte_is_rejected() {
    let token = tokens().sign(asset(), end(NOW));
    for index in 0..token.len() {
        for byte in 0..128 {
            let mut bytes = token.clone().into_bytes();
            if bytes[index] != byte {
                bytes[index] = byte;
                let forged = String::from_utf8(bytes).unwrap();
                assert_eq!(tokens().verify(&forged, NOW), None, "{forged:?}");
            }
        }
    }
}

#[test]
fn every_truncated_token_is_rejected() {
    let token = tokens().sign(asset(), end(NOW));
    for end in 0..token.len() {
        let (head, tail) = token.split_at(end);
        assert_eq!(tokens().verify(head, NOW), None);
        assert_eq!(tokens().verify(tail.get(1..).unwrap(), NOW), None);
    }
    assert_eq!(tokens().verify(&format!("{token}="), NOW), None);
    assert_eq!(tokens().verify(&format!("{token}."), NOW), None);
    assert_eq!(tokens().verify(&format!("{token}A"), NOW), None);
}

#[test]
fn a_signature_is_valid_only_for_its_asset_and_expiry() {
    let of = |asset, ttl_s| tokens().sign(asset, Lifetime::Exactly(ttl_s).end(NOW));
    let (mine, theirs) = (of(asset(), 3_600), of(other_asset(), 3_600));
    let (head, tail) = (
        mine.rsplit_once('.').unwrap(),
        theirs.rsplit_once('.').unwrap(),
    );
    assert_eq!(
        tokens().verify(&format!("{}.{}", tail.0, head.1), NOW),
        None
    );
    assert_eq!(
        tokens().verify(&format!("{}.{}", head.0, tail.1), NOW),
        None
    );
    let longer = of(asset(), 7_200);
    let longer = longer.rsplit_once('.').unwrap().0;
    assert_eq!(tokens().verify(&format!("{longer}.{}", head.1), NOW), None);
    assert_eq!(opened(&theirs, NOW), Some(other_asset()));
}

#[test]
fn a_token_of_a_different_secret_is_rejected() {
    let other = PathTokens::new(b"secret of another installation").unwrap();
    assert_eq!(other.verify(&tokens().sign(asset(), end(NOW)), NOW), None);
    assert!(!format!("{other:?}").contains("secret"));
}

proptest! {
    #[test]
    fn a_token_is_valid_for_its_asset_until_it_expires(
        asset in asset_ids(),
        seconds in 0..4_102_444_800_u64,
        ttl_s in 60..=604_800_u32,
        at in 0_u64..1_000_000,
        is_exact in any::<bool>(),
    ) {
        let now = Timestamp::from_ms(seconds * 1_000);
        let lifetime = if is_exact { Lifetime::Exactly(ttl_s) } else { Lifetime::AtLeast(ttl_s) };
        let end = lifetime.end(now);
        let (ttl_ms, late_ms) = (u64::from(ttl_s) * 1_000, if is_exact { 0 } else { HOUR_MS.min(u64::from(ttl_s) * 84) });
        prop_assert!((ttl_ms..=ttl_ms + late_ms).contains(&end.ms_since(now)));
        let token = tokens().sign(asset, end);
        prop_assert_eq!(opened(&token, now.plus_ms(ttl_ms * at / 1_000_000)), Some(asset));
        prop_assert_eq!(opened(&token, end.minus_ms(1)), Some(asset));
        prop_assert_eq!(opened(&token, end), None);
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        prop_assert!(token.bytes().all(safe), "the token must need no encoding in a path");
    }

    #[test]
    fn arbitrary_texts_are_rejected(text in "\\PC*|[0-9A-Za-z_]{30}\\.[0-9]{1,20}\\.[0-9A-Za-z_-]{43}") {
        prop_assert_eq!(tokens().verify(&text, NOW), None);
    }
}
