//! Assets: wire names, owners and metadata.

mod limit;
mod media;

use serde_json::{Map, Value};
use shared::asset::{
    AssetState, METADATA_MAX_BYTES, Origin, Owner, Visibility, check_metadata, check_owner,
};
use shared::problem::ErrorCode;

#[test]
fn wire_names_are_stable() {
    let words = |words: Vec<&'static str>| words.join(" ");
    let states = AssetState::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(words(states), "awaiting_upload processing ready failed");
    let visibilities = Visibility::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(words(visibilities), "public private");
    let origins = Origin::ALL.iter().map(|word| word.as_str()).collect();
    assert_eq!(words(origins), "upload generated");
    for &state in AssetState::ALL {
        assert_eq!(state.as_str().parse(), Ok(state));
        assert_eq!(serde_json::to_value(state).unwrap(), state.to_string());
    }
    assert!("Ready".parse::<AssetState>().is_err());
    assert!("".parse::<AssetState>().is_err());
}

fn check_labels(owner_type: &str, id: &str, fits: bool) {
    let owner = Owner {
        owner_type: owner_type.to_owned(),
        id: id.to_owned(),
    };
    let code = check_owner(&owner).err().map(|failure| failure.code);
    assert_eq!(
        code,
        (!fits).then_some(ErrorCode::MetadataInvalid),
        "{owner:?}"
    );
}

#[test]
fn owners_have_limits() {
    check_labels("user", "alice", true);
    check_labels(&"t".repeat(64), &"i".repeat(256), true);
    check_labels(&"t".repeat(65), "1", false);
    check_labels("course", &"i".repeat(257), false);
    check_labels(&"é".repeat(33), "1", false);
    check_labels("", "1", false);
    check_labels("course", "", false);
    check_labels("cou\0rse", "1", false);
    check_labels("course", "1\0", false);
    check_labels("課程", "😀\n", true);
}

#[test]
fn owners_are_parsed_strictly() {
    assert!(serde_json::from_str::<Owner>(r#"{"type":"user","id":"a"}"#).is_ok());
    assert!(serde_json::from_str::<Owner>(r#"{"type":"user"}"#).is_err());
    assert!(serde_json::from_str::<Owner>(r#"{"type":"user","id":"a","admin":true}"#).is_err());
}

#[test]
fn metadata_has_a_limit_in_bytes_of_json() {
    let of_size = |size: usize| {
        // {"k":"…"} adds eight bytes to the value.
        let value = Value::from("x".repeat(size - 8));
        let metadata: Map<String, Value> = [("k".to_owned(), value)].into_iter().collect();
        assert_eq!(serde_json::to_string(&metadata).unwrap().len(), size);
        check_metadata(&metadata)
    };
    assert_eq!(check_metadata(&Map::new()), Ok(()));
    assert_eq!(of_size(METADATA_MAX_BYTES), Ok(()));
    let rejected = of_size(METADATA_MAX_BYTES + 1).unwrap_err();
    assert_eq!(rejected.code, ErrorCode::MetadataInvalid);
    assert_eq!(
        rejected.detail,
        "metadata has 8193 bytes of JSON; the limit is 8192 bytes."
    );
}
