//! Object keys: building and parsing are inverse, and no other text is a key.

use proptest::prelude::*;
use shared::id::AssetId;
use shared::key::{OutputKey, OutputPrefix, asset_outputs, original, parse_output};
use shared::time::Timestamp;

use crate::id::asset_ids;

const KEY: &str = "m/ast_01ARYZ6S41000000000000007Z/3-00000000deadbeef/large.webp";

fn prefix() -> OutputPrefix {
    OutputPrefix {
        asset: AssetId::new(Timestamp::from_ms(1_469_918_176_385), 0xFF),
        attempt: 3,
        nonce: 0xDEAD_BEEF,
    }
}

fn prefixes() -> impl Strategy<Value = OutputPrefix> {
    (asset_ids(), any::<u32>(), any::<u64>()).prop_map(|(asset, attempt, nonce)| OutputPrefix {
        asset,
        attempt,
        nonce,
    })
}

#[test]
fn key_formats() {
    let prefix = prefix();
    assert_eq!(prefix.webp("large"), KEY);
    assert_eq!(
        original(prefix.asset),
        "originals/ast_01ARYZ6S41000000000000007Z"
    );
    assert_eq!(
        asset_outputs(prefix.asset),
        "m/ast_01ARYZ6S41000000000000007Z/"
    );
    let file = "large.webp";
    assert_eq!(parse_output(KEY), Some(OutputKey { prefix, file }));
}

#[test]
fn other_texts_are_not_keys() {
    let asset = "ast_01ARYZ6S41000000000000007Z";
    let bad = [
        String::new(),
        "/".to_owned(),
        format!("/{KEY}"),
        format!("originals/{asset}"),
        format!("m/{asset}"),
        format!("m/{asset}/"),
        format!("m/{asset}/3-00000000deadbeef"),
        format!("m/{asset}/3-00000000deadbeef/"),
        format!("M/{asset}/3-00000000deadbeef/large.webp"),
        format!("m/{}/3-00000000deadbeef/large.webp", asset.to_lowercase()),
        format!("m/{asset}/3-00000000DEADBEEF/large.webp"),
        format!("m/{asset}/3-deadbeef/large.webp"),
        format!("m/{asset}/3-+0000000deadbeef/large.webp"),
        format!("m/{asset}/03-00000000deadbeef/large.webp"),
        format!("m/{asset}/+3-00000000deadbeef/large.webp"),
        format!("m/{asset}/-3-00000000deadbeef/large.webp"),
        format!("m/{asset}/4294967296-00000000deadbeef/large.webp"),
        format!("m/{asset}/3-00000000deadbeef/large webp"),
        format!("m/{asset}/3-00000000deadbeef/large%2Ewebp"),
        format!("m/{asset}/3-00000000deadbeef/lärge.webp"),
        format!("m/{asset}/3-00000000deadbeef/large.webp\n"),
        format!("m/{asset}/3-00000000deadbeef/large\0.webp"),
        // Path segments that a URL parser on the way would resolve.
        format!("m/{asset}/3-00000000deadbeef/.."),
        format!("m/{asset}/3-00000000deadbeef/."),
        format!("m/{asset}/3-00000000deadbeef/../../x"),
        format!("m/{asset}/3-00000000deadbeef/720p/../x"),
        format!("m/{asset}/3-00000000deadbeef//x"),
        format!("m/{asset}/3-00000000deadbeef/x/"),
        format!("m/{asset}/3-00000000deadbeef/720p//x"),
    ];
    for text in bad {
        assert_eq!(parse_output(&text), None, "{text:?}");
    }
}

proptest! {
    #[test]
    fn built_keys_parse(prefix in prefixes(), name in "[a-z0-9_-]{1,12}") {
        let key = prefix.webp(&name);
        let file = format!("{name}.webp");
        prop_assert_eq!(parse_output(&key), Some(OutputKey { prefix, file: &file }));
        prop_assert!(key.starts_with(&asset_outputs(prefix.asset)));
    }

    #[test]
    fn files_in_folders_parse(prefix in prefixes(), file in "[a-z0-9]{1,4}/[a-z0-9]{1,4}\\.m4s") {
        let key = format!("{prefix}{file}");
        prop_assert_eq!(parse_output(&key), Some(OutputKey { prefix, file: &file }));
    }

    #[test]
    fn a_parsed_key_formats_to_the_same_text(
        text in "\\PC*|m/\\PC*|m/ast_01ARYZ6S41000000000000007Z/[0-9+-]{1,4}[0-9a-fA-F]{14,18}/[a-z./]{1,5}"
    ) {
        if let Some(OutputKey { prefix, file }) = parse_output(&text) {
            prop_assert_eq!(format!("{prefix}{file}"), text.as_str());
            prop_assert!(file.split('/').all(|part| !part.is_empty() && part != "." && part != ".."));
        }
    }

    #[test]
    fn a_changed_byte_is_a_different_key_or_none(index in 0..KEY.len(), byte in 0_u8..128) {
        let mut bytes = KEY.as_bytes().to_vec();
        prop_assume!(bytes[index] != byte);
        bytes[index] = byte;
        let text = String::from_utf8(bytes).unwrap();
        if let Some(parsed) = parse_output(&text) {
            prop_assert_eq!(format!("{}{}", parsed.prefix, parsed.file), text.as_str());
            prop_assert_ne!(Some(parsed), parse_output(KEY));
        }
    }
}
