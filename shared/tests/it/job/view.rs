//! Progress as reported by workers.

use shared::job::{Progress, RenditionProgress};

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
