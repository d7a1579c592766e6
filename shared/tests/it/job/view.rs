//! Progress as reported by workers, and jobs before their upload.

use shared::id::{AssetId, JobId};
use shared::job::{JobKind, JobState, JobView, Progress, RenditionProgress};
use shared::problem::{ErrorCode, Failure};
use shared::time::Timestamp;

#[test]
fn progress_stays_within_its_bounds() {
    let rendition = |ratio| RenditionProgress {
        name: "720p".to_owned(),
        ratio,
    };
    let wild = Progress {
        ratio: Some(1.7),
        stage: "e".repeat(1_000),
        rendition: Some("é".repeat(1_000)),
        speed: Some(-1.0),
        eta_ms: Some(5),
        renditions: vec![rendition(Some(-0.5)); 1_000],
        outputs: vec!["o".repeat(1_000); 1_000],
        message: Some("m".repeat(10_000)),
    };
    let bounded = wild.bounded();
    assert_eq!(bounded.ratio, Some(1.0));
    assert_eq!(bounded.stage.len(), 64);
    assert_eq!(bounded.rendition, Some("é".repeat(64)));
    assert_eq!((bounded.speed, bounded.eta_ms), (Some(0.0), Some(5)));
    assert_eq!(bounded.renditions, vec![rendition(Some(0.0)); 64]);
    assert_eq!(bounded.outputs, vec!["o".repeat(64); 64]);
    assert_eq!(bounded.message, Some("m".repeat(1_000)));

    let good = Progress {
        ratio: Some(0.25),
        stage: "encode".to_owned(),
        rendition: None,
        speed: Some(2.5),
        eta_ms: None,
        renditions: vec![rendition(Some(0.5)), rendition(None)],
        outputs: vec!["remux".to_owned()],
        message: Some("All is well.".to_owned()),
    };
    assert_eq!(good.clone().bounded(), good);
}

#[test]
fn numbers_have_four_decimal_places() {
    let fastest = Progress {
        speed: Some(f64::MAX),
        ..Progress::default()
    };
    assert_eq!(fastest.bounded().speed, Some(f64::MAX));
    let table = [
        (0.344_266_719_999_999_97, "0.3443"),
        (0.1 + 0.2, "0.3"),
        (2.0 / 3.0, "0.6667"),
        (0.000_01, "0.0"),
        (0.999_96, "0.9999"),
        (1.0, "1.0"),
    ];
    for (ratio, expected) in table {
        let progress = Progress {
            ratio: Some(ratio),
            speed: Some(ratio + 1.0),
            renditions: vec![RenditionProgress {
                name: "720p".to_owned(),
                ratio: Some(ratio),
            }],
            ..Progress::default()
        };
        let published = serde_json::to_value(progress.bounded()).unwrap();
        assert_eq!(published["ratio"].to_string(), expected);
        assert_eq!(published["renditions"][0]["ratio"].to_string(), expected);
        let speed = published["speed"].to_string();
        assert!(speed.len() <= "1.0000".len(), "{speed}");
    }
}

#[test]
fn a_job_without_a_confirmed_upload_ends_with_its_asset() {
    let now = Timestamp::from_ms(1_767_225_600_000);
    let view = |code: Option<ErrorCode>| {
        let error = code.map(|code| Failure::new(code, "Why."));
        let asset = (AssetId::new(now, 1), now);
        JobView::before_upload(JobId::new(now, 2), JobKind::ProcessImage, asset, error)
    };
    let table = [
        (None, JobState::AwaitingUpload),
        (Some(ErrorCode::JobCancelled), JobState::Cancelled),
        (Some(ErrorCode::UploadExpired), JobState::Failed),
        (Some(ErrorCode::UploadTypeMismatch), JobState::Failed),
    ];
    for (code, state) in table {
        let view = view(code);
        assert_eq!((view.state, view.attempt), (state, 0));
        assert_eq!(view.progress.ratio, None);
        assert_eq!(view.progress.stage, state.as_str());
        assert_eq!(view.error.map(|error| error.code), code);
        assert!(view.attempts.is_empty());
    }
}
