//! Queries are as strict as bodies: what is not in the contract is rejected with what is.

use std::collections::BTreeSet;

use shared::api::{Form, Op, Parameter, Query};
use shared::asset::AssetState;
use shared::event::EventType;
use shared::id::AssetId;
use shared::job::JobState;
use shared::kind::AssetKind;
use shared::problem::ErrorCode;

const ASSET: &str = "ast_01KDVDNM00041061050R3GG28A";

fn read(op: Op, query: &str) -> Query {
    Query::read(op, query).unwrap_or_else(|failure| panic!("{query}: {failure:?}"))
}

fn rejected(op: Op, query: &str) -> (ErrorCode, String) {
    let failure = Query::read(op, query).expect_err(query);
    (failure.code, failure.detail)
}

fn detail(op: Op, query: &str) -> String {
    let (code, detail) = rejected(op, query);
    assert_eq!(code, ErrorCode::QueryInvalid, "{query}");
    detail
}

#[test]
fn values_are_read() {
    let query = read(
        Op::ListAssets,
        &format!("kind=image&state=ready&owner_type=course&owner_id=a=b&cursor={ASSET}&limit=7"),
    );
    assert_eq!(query.parse(Parameter::Kind), Ok(Some(AssetKind::Image)));
    assert_eq!(
        query.parse(Parameter::AssetState),
        Ok(Some(AssetState::Ready))
    );
    assert_eq!(query.get(Parameter::OwnerType), Some("course"));
    assert_eq!(query.get(Parameter::OwnerId), Some("a=b"));
    assert_eq!(
        query.parse(Parameter::AssetCursor),
        Ok(Some(ASSET.parse::<AssetId>().unwrap()))
    );
    assert_eq!(query.parse(Parameter::Limit), Ok(Some(7_u32)));
    assert_eq!(query.get(Parameter::OnBehalfOf), None);
    assert_eq!(read(Op::ListAssets, ""), Query::default());
    let jobs = read(Op::ListJobs, &format!("state=queued&asset_id={ASSET}"));
    assert_eq!(jobs.parse(Parameter::JobState), Ok(Some(JobState::Queued)));
    let events = read(
        Op::StreamEvents,
        "types=processing_complete, reset&last_event_id=anything",
    );
    let types = vec![EventType::ProcessingComplete, EventType::Reset];
    assert_eq!(events.parse_list(Parameter::EventTypes), Ok(Some(types)));
    assert_eq!(events.get(Parameter::LastEventId), Some("anything"));
    assert_eq!(
        read(Op::StreamEvents, "").parse_list::<EventType>(Parameter::EventTypes),
        Ok(None)
    );
}

#[test]
fn unknown_parameters_are_rejected_with_those_that_are_known() {
    assert_eq!(
        detail(Op::ListJobs, "assetid=x"),
        r#""assetid" is not a known query parameter; known: state, asset_id, cursor, limit, on_behalf_of."#
    );
    assert_eq!(
        detail(Op::ListJobs, "State=queued"),
        r#""State" is not a known query parameter; known: state, asset_id, cursor, limit, on_behalf_of."#
    );
    assert_eq!(
        detail(Op::GetBacklog, "x"),
        r#""x" is not a known query parameter; this operation has none."#
    );
    let long = detail(Op::GetBacklog, &"x".repeat(10_000));
    assert!(long.len() < 200, "{long}");
}

#[test]
fn empty_and_repeated_parameters_are_rejected() {
    assert_eq!(
        detail(Op::ListAssets, "kind="),
        "kind is empty: omit it, or give a value. kind must be one of: image, video, audio, document, package."
    );
    for query in ["limit", "cursor=", "owner_id=", "on_behalf_of=", "state="] {
        let text = detail(Op::ListAssets, query);
        assert!(text.contains(" is empty: "), "{text}");
    }
    for query in ["ticket=", "last_event_id=", "types=", "asset=", "job="] {
        let text = detail(Op::StreamEvents, query);
        assert!(text.contains(" is empty: "), "{text}");
    }
    assert_eq!(
        detail(Op::ListAssets, "limit=1&limit=1"),
        "limit must be given once."
    );
}

#[test]
fn wrong_values_are_rejected_with_the_allowed_ones() {
    for value in ["photo", "Image", "image ", "image,video"] {
        assert_eq!(
            detail(Op::ListAssets, &format!("kind={value}")),
            "kind must be one of: image, video, audio, document, package."
        );
    }
    assert_eq!(
        detail(Op::ListAssets, "state=queued"),
        "state must be one of: awaiting_upload, processing, ready, failed."
    );
    assert_eq!(
        detail(Op::ListJobs, "state=ready"),
        format!("state must be one of: {}.", JobState::WORDS.join(", "))
    );
    for value in [
        "0",
        "201",
        "-1",
        "+1",
        "01",
        "1.0",
        "1e1",
        "ten",
        "99999999999999999999",
    ] {
        assert_eq!(
            detail(Op::ListJobs, &format!("limit={value}")),
            "limit must be an integer from 1 to 200."
        );
    }
    for value in ["x", "job_01KDVDNM00041061050R3GG28A", &ASSET.to_lowercase()] {
        assert_eq!(
            detail(Op::ListJobs, &format!("asset_id={value}")),
            "asset_id must be the id of an asset: ast_ and 26 characters."
        );
        assert_eq!(
            rejected(Op::ListAssets, &format!("cursor={value}")),
            (
                ErrorCode::CursorInvalid,
                "cursor must be the next_cursor of the previous page, unchanged.".to_owned()
            )
        );
    }
    for value in ["everything", "reset,", ",", "reset,everything", "Reset"] {
        assert_eq!(
            detail(Op::StreamEvents, &format!("types={value}")),
            format!(
                "types must be one or more of these, separated by commas: {}.",
                EventType::WORDS.join(", ")
            )
        );
    }
    for value in ["a\0", "a\n", &"x".repeat(129), &"é".repeat(65)] {
        assert_eq!(
            detail(Op::GetAsset, &format!("on_behalf_of={value}")),
            "on_behalf_of must have 1–128 bytes without control characters."
        );
    }
    assert_eq!(
        detail(Op::ListAssets, &format!("owner_type={}", "x".repeat(65))),
        "owner_type must have 1–64 bytes without NUL."
    );
    assert_eq!(
        detail(Op::ListAssets, "owner_id=\0"),
        "owner_id must have 1–256 bytes without NUL."
    );
}

#[test]
fn escapes_are_decoded_and_must_be_utf8() {
    let query = read(Op::ListAssets, "&owner%5Fid=a%26b%3D%C3%A9+%2B%zz&&limit=7");
    assert_eq!(query.get(Parameter::OwnerId), Some("a&b=é +%zz"));
    assert_eq!(query.parse(Parameter::Limit), Ok(Some(7_u32)));
    for value in ["%FF", "a%C3", "%C3%28", "%ED%A0%80", "%F5%80%80%80"] {
        assert_eq!(
            detail(Op::ListAssets, &format!("owner_id={value}")),
            "owner_id must be UTF-8."
        );
    }
    assert_eq!(
        detail(Op::ListAssets, "cursor=%FF"),
        "cursor must be UTF-8."
    );
    assert_eq!(
        detail(Op::GetLimits, "a%FF=x"),
        r#""a%FF" is not a known query parameter; known: on_behalf_of."#
    );
}

#[test]
fn files_and_probes_ignore_their_query() {
    for op in [
        Op::GetMedia,
        Op::GetStream,
        Op::Healthz,
        Op::Readyz,
        Op::Version,
    ] {
        assert_eq!(read(op, "x=1&x=2&limit="), Query::default());
        assert!(op.query().is_empty() && !op.has_strict_query());
    }
    let lenient = Op::ALL.iter().filter(|op| !op.has_strict_query());
    assert_eq!(lenient.count(), 5);
}

#[test]
fn examples_are_accepted_and_names_are_unique_within_an_operation() {
    for &parameter in Parameter::ALL {
        assert_eq!(parameter.check(parameter.example()), Ok(()));
        match parameter.form() {
            Form::Word(words) | Form::Words(words) => {
                for word in words {
                    assert_eq!(parameter.check(word), Ok(()));
                }
            }
            Form::Integer { min, max, default } => {
                for value in [min, max].into_iter().chain(default) {
                    assert_eq!(parameter.check(&value.to_string()), Ok(()));
                }
            }
            Form::AssetId
            | Form::JobId
            | Form::AssetCursor
            | Form::JobCursor
            | Form::User
            | Form::Label(_)
            | Form::Text => {}
        }
    }
    for op in Op::ALL {
        let names: BTreeSet<&str> = op.query().iter().map(|one| one.name()).collect();
        assert_eq!(names.len(), op.query().len(), "{op:?}");
    }
}
