//! Ids: each has exactly one text, and they sort by time.

use proptest::prelude::*;
use shared::id::{AssetId, EventId, IdInvalid, JobId};
use shared::time::Timestamp;

/// Largest time of a ULID: 48 bits of milliseconds. (A `Timestamp` ends earlier, with the year 9999.)
const TIME_MAX_MS: u64 = (1 << 48) - 1;

pub(crate) fn asset_ids() -> impl Strategy<Value = AssetId> {
    (0..=TIME_MAX_MS, any::<u128>())
        .prop_map(|(ms, random)| AssetId::new(Timestamp::from_ms(ms), random))
}

#[test]
fn vector() {
    // The example of the ULID specification: 1469918176385 ms is 01ARYZ6S41.
    let time = Timestamp::from_ms(1_469_918_176_385);
    let id = AssetId::new(time, 0xFF);
    assert_eq!(id.to_string(), "ast_01ARYZ6S41000000000000007Z");
    assert_eq!(id.time(), time);
    assert_eq!(
        JobId::new(time, 0).to_string(),
        "job_01ARYZ6S410000000000000000"
    );
    assert_eq!(
        EventId::new(time, 0).to_string(),
        "evt_01ARYZ6S410000000000000000"
    );
}

#[test]
fn only_the_lowest_80_bits_of_randomness_are_used() {
    let now = Timestamp::from_ms(1);
    assert_eq!(
        AssetId::new(now, u128::MAX),
        AssetId::new(now, (1 << 80) - 1)
    );
    assert_ne!(AssetId::new(now, 1 << 79), AssetId::new(now, 0));
}

#[test]
fn other_texts_are_not_ids() {
    let good = "ast_01ARYZ6S41000000000000007Z";
    assert!(good.parse::<AssetId>().is_ok());
    let bad = [
        "",
        "ast_",
        "01ARYZ6S41000000000000007Z",
        "AST_01ARYZ6S41000000000000007Z",
        "job_01ARYZ6S41000000000000007Z",
        "ast-01ARYZ6S41000000000000007Z",
        "ast_01aryz6s41000000000000007z",
        "ast_01ARYZ6S41000000000000007z",
        "ast_01ARYZ6S4100000000000000 7",
        "ast_01ARYZ6S41000000000000007",
        "ast_01ARYZ6S41000000000000007ZZ",
        " ast_01ARYZ6S41000000000000007Z",
        "ast_01ARYZ6S41000000000000007Z\n",
        // Beyond 128 bits.
        "ast_8ZZZZZZZZZZZZZZZZZZZZZZZZZ",
        "ast_ZZZZZZZZZZZZZZZZZZZZZZZZZZ",
        // Letters that Crockford's base 32 excludes or decodes as digits.
        "ast_01ARYZ6S4100000000000000IZ",
        "ast_01ARYZ6S4100000000000000LZ",
        "ast_01ARYZ6S4100000000000000OZ",
        "ast_01ARYZ6S4100000000000000UZ",
        "ast_01ARYZ6S410000000000000äZ",
    ];
    for text in bad {
        assert_eq!(text.parse::<AssetId>(), Err(IdInvalid), "{text:?}");
        let json = serde_json::to_string(text).unwrap();
        assert!(serde_json::from_str::<AssetId>(&json).is_err(), "{text:?}");
    }
    assert!("ast_7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<AssetId>().is_ok());
}

proptest! {
    #[test]
    fn texts_and_json_round_trip(id in asset_ids()) {
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        let json = serde_json::to_string(&id).unwrap();
        prop_assert_eq!(&json, &format!("\"{id}\""));
        prop_assert_eq!(serde_json::from_str::<AssetId>(&json).unwrap(), id);
    }

    #[test]
    fn a_parsed_id_formats_to_the_same_text(text in "ast_[0-9A-Za-z]{26}|\\PC*") {
        if let Ok(id) = text.parse::<AssetId>() {
            prop_assert_eq!(id.to_string(), text);
        }
    }

    #[test]
    fn an_id_of_another_kind_is_rejected(ms in 0..TIME_MAX_MS, random: u128) {
        let job = JobId::new(Timestamp::from_ms(ms), random).to_string();
        prop_assert_eq!(job.parse::<AssetId>(), Err(IdInvalid));
        prop_assert_eq!(job.parse::<EventId>(), Err(IdInvalid));
    }

    #[test]
    fn ids_and_their_texts_sort_by_time(a in asset_ids(), b in asset_ids()) {
        prop_assert_eq!(a.cmp(&b), a.to_string().cmp(&b.to_string()));
        if a.time() != b.time() {
            prop_assert_eq!(a.cmp(&b), a.time().cmp(&b.time()));
        }
    }
}
