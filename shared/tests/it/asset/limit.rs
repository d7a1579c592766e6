//! How large files may be, by tenant and kind, and what of it is announced.

use shared::api::UploadLimits;
use shared::asset::limit::{SINGLE_PUT_MAX_BYTES, SIZE_DEFAULT_BYTES, SizeLimits};
use shared::asset::media::MediaType;
use shared::kind::AssetKind;

#[test]
fn a_tenant_has_its_own_limits_then_those_of_all_then_the_default() {
    let text = r#"{"acme": {"image": 1, "video": 2e9}, "*": {"video": 3, "audio": 4}}"#;
    let limits = SizeLimits::parse(text).unwrap();
    let of = |tenant, kind| limits.max_bytes(tenant, kind);
    assert_eq!(of("acme", AssetKind::Image), 1);
    assert_eq!(of("acme", AssetKind::Video), 2_000_000_000);
    assert_eq!(of("acme", AssetKind::Audio), 4);
    assert_eq!(of("other", AssetKind::Image), SIZE_DEFAULT_BYTES);
    assert_eq!(of("other", AssetKind::Video), 3);
    for unset in ["", "{}"] {
        let limits = SizeLimits::parse(unset).unwrap();
        for &kind in AssetKind::ALL {
            assert_eq!(limits.max_bytes("acme", kind), 500_000_000);
        }
    }
}

#[test]
fn wrong_limits_are_rejected_with_the_place_and_the_rule() {
    let table = [
        ("[]", "the document must be an object"),
        ("5", "the document must be an object"),
        (r#"{"acme": 5}"#, "acme must be an object"),
        (
            r#"{"acme": {"photo": 5}}"#,
            "acme.photo is not a known field; known: image, video, audio, document, package",
        ),
        (r#"{"*": {"image": "5"}}"#, "*.image must be an integer"),
        (
            r#"{"*": {"image": 0}}"#,
            "*.image must be an integer from 1 to 5363466240",
        ),
        (
            r#"{"*": {"video": 5363466241}}"#,
            "*.video must be an integer from 1 to 5363466240",
        ),
        ("x", "not valid JSON: expected value at line 1 column 1"),
    ];
    for (text, expected) in table {
        let error = SizeLimits::parse(text).unwrap_err();
        assert_eq!(error.to_string(), expected, "{text}");
    }
    let most = format!(r#"{{"*": {{"video": {SINGLE_PUT_MAX_BYTES}}}}}"#);
    assert!(SizeLimits::parse(&most).is_ok());
}

#[test]
fn what_is_announced_is_what_is_accepted() {
    let sizes = SizeLimits::parse(r#"{"acme": {"audio": 7}}"#).unwrap();
    let limits = UploadLimits::of("acme", &sizes, true);
    let kinds = &limits.kinds;
    assert_eq!(kinds.audio.max_bytes, 7);
    assert_eq!(kinds.image.max_bytes, SIZE_DEFAULT_BYTES);
    let announced = [&kinds.image, &kinds.video, &kinds.audio].map(|kind| kind.types.len());
    assert_eq!(announced.iter().sum::<usize>(), MediaType::ALL.len());
    assert!(kinds.video.types.contains(&"video/webm".to_owned()));
    for stored_only in [&kinds.document, &kinds.package] {
        assert_eq!((stored_only.types.len(), stored_only.max_bytes), (0, 0));
    }
    assert_eq!(limits.batch_max, 1);
    assert_eq!(limits.multipart_threshold_bytes, None);
    assert_eq!(limits.part_size_bytes, None);
    assert_eq!(
        (limits.filename_max_bytes, limits.metadata_max_bytes),
        (1_024, 8_192)
    );
}

#[test]
fn without_native_workers_only_the_types_of_the_edge_are_announced() {
    let kinds = UploadLimits::of("acme", &SizeLimits::default(), false).kinds;
    assert_eq!(
        kinds.image.types,
        ["image/jpeg", "image/png", "image/webp", "image/gif"]
    );
    for nothing in [&kinds.video, &kinds.audio] {
        assert_eq!((nothing.types.len(), nothing.max_bytes), (0, 0));
    }
}
