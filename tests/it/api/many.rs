//! Many photos at once.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use image::{ImageFormat, RgbaImage};
use serde_json::json;
use tests::{Client, Created, Events, shared};

use crate::images::{Photo, check_outputs, difference, landscape, made};
use crate::log;

/// Photos in each orientation, and images of every format with sizes above and below those of every output.
fn album() -> Vec<Photo> {
    let mut album: Vec<Photo> = (1..=8).map(landscape).collect();
    let sizes = [
        (3000, 1000, ImageFormat::Jpeg),
        (1001, 503, ImageFormat::Png),
        (500, 2000, ImageFormat::WebP),
        (100, 80, ImageFormat::Gif),
        (1, 1, ImageFormat::Png),
        (320, 240, ImageFormat::Jpeg),
        (1200, 1200, ImageFormat::Jpeg),
        (333, 777, ImageFormat::WebP),
        (2000, 3, ImageFormat::Png),
        (151, 601, ImageFormat::Jpeg),
        (640, 480, ImageFormat::Gif),
        (1601, 1199, ImageFormat::Jpeg),
    ];
    album.extend(sizes.map(|(width, height, format)| made(width, height, format)));
    album
}

async fn upload(client: &Client, index: usize, photo: Photo) -> (Photo, Created) {
    let visibility = if index.is_multiple_of(2) {
        "public"
    } else {
        "private"
    };
    let document = json!({"filename": photo.name, "content_type": photo.content_type, "visibility": visibility});
    let created = client.upload_with(&document, photo.bytes.clone()).await;
    (photo, created)
}

/// Checks that every event belongs to one of these assets, and that each asset's events are in order.
fn check_stream(events: &Events, tenant: &str, uploads: &[(Photo, Created)]) {
    log::check_gapless(events.seen());
    for event in events
        .seen()
        .iter()
        .filter(|event| event.name != "snapshot")
    {
        assert_eq!(event.data["tenant"], tenant);
        assert!(
            uploads
                .iter()
                .any(|(_, created)| created.asset_id == event.asset_id()),
            "an event of another user: {}",
            event.data
        );
    }
    for (_, created) in uploads {
        log::check_life(events.seen(), &created.asset_id, "processing_complete");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_photos_at_once_by_three_users_of_two_tenants() {
    let stack = shared();
    let names = [("many-1", "alice"), ("many-1", "bob"), ("many-2", "alice")];
    let callers = names.map(|(tenant, user)| stack.caller(tenant, user, "user"));
    let mut streams = Vec::new();
    for caller in &callers {
        let mut events = caller.events("", None).await;
        events.first("snapshot").await;
        streams.push(events);
    }

    let album = album().into_iter().enumerate();
    let uploads = album.map(|(index, photo)| upload(&callers[index % callers.len()], index, photo));
    let mut uploads: Vec<Option<_>> = join_all(uploads).await.into_iter().map(Some).collect();
    assert_eq!(uploads.len(), 20);

    let mut upright: BTreeMap<&str, RgbaImage> = BTreeMap::new();
    let mut turned = Vec::new();
    for (number, (caller, events)) in callers.iter().zip(&mut streams).enumerate() {
        let own: Vec<(Photo, Created)> = uploads
            .iter_mut()
            .skip(number)
            .step_by(callers.len())
            .filter_map(Option::take)
            .collect();
        let ids: Vec<&str> = own
            .iter()
            .map(|(_, created)| created.asset_id.as_str())
            .collect();
        events
            .all_of(&["processing_complete", "processing_failed"], &ids)
            .await;
        check_stream(events, names[number].0, &own);
        for (photo, created) in &own {
            let images = check_outputs(caller, &created.asset_id, photo).await;
            if photo.name == "Landscape_1.jpg" {
                upright.extend(images);
            } else if photo.name.starts_with("Landscape_") {
                turned.push((photo.name.clone(), images));
            }
        }
    }
    for (photo, images) in &turned {
        for (name, image) in images {
            let difference = difference(image, &upright[name]);
            assert!(
                difference < 4.0,
                "{name} of {photo} is not upright: {difference}"
            );
        }
    }
    assert_eq!(turned.len(), 7);
    check_codec(&callers).await;
}

/// Checks that no isolate decoded two images at once, and that none used more memory than an isolate has.
async fn check_codec(callers: &[Client]) {
    let mut spans: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for caller in callers {
        let jobs = caller.get("/v1/jobs?limit=200").await.expect(200);
        for job in jobs["items"].as_array().expect("a list of jobs") {
            let attempt = &job["attempts"][0];
            let text = |name: &str| attempt[name].as_str().expect(name).to_owned();
            let peak = attempt["peak_memory_bytes"]
                .as_u64()
                .expect("a measured peak");
            assert!((1..=72 << 20).contains(&peak), "{job}");
            let span = (text("started_at"), text("ended_at"));
            spans.entry(text("worker")).or_default().push(span);
        }
    }
    for (worker, mut spans) in spans {
        spans.sort();
        for pair in spans.windows(2) {
            assert!(
                pair[0].1 <= pair[1].0,
                "{worker} decoded two images at once: {pair:?}"
            );
        }
    }
}
