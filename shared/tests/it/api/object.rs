//! JSON objects: arrays and duplicate members are rejected.

use serde_json::json;
use shared::api::CreateAsset;
use shared::api::object::Object;
use shared::asset::Owner;

#[test]
fn an_array_of_fields_is_not_an_object() {
    let object = |text: &str| serde_json::from_str::<Object<Owner>>(text).is_ok();
    assert!(object(r#"{"type": "course", "id": "1"}"#));
    for text in [
        r#"["course", "1"]"#,
        r#"{"type": "course", "type": "event", "id": "1"}"#,
        r#"{"type": "course", "id": "1", "x": 1}"#,
        "null",
        "[]",
    ] {
        assert!(!object(text), "{text}");
    }
}

#[test]
fn the_owner_of_a_new_asset_is_an_object_or_absent() {
    let parsed = |owner| {
        let body = json!({"filename": "a", "content_type": "b", "size_bytes": 1, "owner": owner});
        serde_json::from_value::<CreateAsset>(body).map(|body| body.owner)
    };
    let owner = Owner {
        owner_type: "course".to_owned(),
        id: "1".to_owned(),
    };
    assert_eq!(
        parsed(json!({"type": "course", "id": "1"})).unwrap(),
        Some(owner)
    );
    assert_eq!(parsed(json!(null)).unwrap(), None);
    assert!(parsed(json!(["course", "1"])).is_err());
}
