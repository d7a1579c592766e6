//! Lists and their pages.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tests::{Client, shared};

/// Ids of every page, in order.
async fn pages(client: &Client, path: &str, limit: usize) -> Vec<String> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = client
            .get(&format!("{path}?limit={limit}{cursor}"))
            .await
            .expect(200);
        let items = page["items"].as_array().unwrap();
        ids.extend(
            items
                .iter()
                .map(|item| item["id"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            None => return ids,
            Some(next) => {
                assert_eq!(items.len(), limit);
                cursor = format!("&cursor={next}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn assets_are_listed_page_by_page() {
    let stack = shared();
    let alice = stack.caller("lists", "alice", "user");
    let created = join_all((0..25).map(|number| {
        let document = json!({
            "filename": format!("{number}.png"), "content_type": "image/png", "size_bytes": 10,
            "owner": {"type": if number < 5 { "course" } else { "event" }, "id": format!("{}", number % 5)},
        });
        let alice = alice.clone();
        async move { alice.create_with(&document).await }
    }))
    .await;
    let expected: BTreeSet<String> = created.iter().map(|one| one.asset_id.clone()).collect();
    assert_eq!(expected.len(), 25);
    for limit in [1, 7, 24, 25, 26, 200] {
        let ids = pages(&alice, "/v1/assets", limit).await;
        assert_eq!(ids.len(), 25, "limit {limit}");
        assert_eq!(ids.iter().cloned().collect::<BTreeSet<_>>(), expected);
        // Newest first.
        assert!(ids.is_sorted_by(|one, other| one > other));
    }

    // An asset that is created between two pages must not repeat another one.
    let first = alice.get("/v1/assets?limit=10").await.expect(200);
    let newest = alice.create("new.png", "image/png", 10).await;
    let cursor = first["next_cursor"].as_str().unwrap();
    let rest = alice
        .get(&format!("/v1/assets?cursor={cursor}"))
        .await
        .expect(200);
    let ids = |page: &Value| -> Vec<String> {
        let items = page["items"].as_array().unwrap();
        items
            .iter()
            .map(|item| item["id"].as_str().unwrap().to_owned())
            .collect()
    };
    let both: BTreeSet<String> = ids(&first).into_iter().chain(ids(&rest)).collect();
    assert_eq!(both, expected);
    assert!(!both.contains(&newest.asset_id));

    for (query, count) in [
        ("?owner_type=course", 5),
        ("?owner_type=event&owner_id=2", 4),
        ("?owner_id=2", 5),
        ("?owner_type=user&owner_id=alice", 1),
        ("?state=awaiting_upload", 26),
        ("?state=ready", 0),
        ("?kind=image", 26),
        ("?kind=video", 0),
    ] {
        let page = alice.get(&format!("/v1/assets{query}")).await.expect(200);
        assert_eq!(ids(&page).len(), count, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn jobs_are_listed_page_by_page() {
    let stack = shared();
    let alice = stack.caller("lists", "jobs", "user");
    let mut events = alice.events("", None).await;
    let mut uploads = Vec::new();
    for _ in 0..5 {
        let photo = crate::images::made(10, 10, image::ImageFormat::Png);
        uploads.push(photo.upload(&alice).await);
    }
    let assets: Vec<&str> = uploads.iter().map(|one| one.asset_id.as_str()).collect();
    events.all_of(&["processing_complete"], &assets).await;
    let mut jobs: Vec<String> = uploads.iter().map(|one| one.job_id.clone()).collect();
    jobs.sort_unstable_by(|one, other| other.cmp(one));
    for limit in [1, 2, 5, 6] {
        assert_eq!(pages(&alice, "/v1/jobs", limit).await, jobs);
    }
    let of_one = alice
        .get(&format!("/v1/jobs?asset_id={}", assets[0]))
        .await
        .expect(200);
    assert_eq!(of_one["items"].as_array().unwrap().len(), 1);
    assert_eq!(of_one["items"][0]["id"], uploads[0].job_id.as_str());
    let done = alice.get("/v1/jobs?state=succeeded").await.expect(200);
    assert_eq!(done["items"].as_array().unwrap().len(), 5);
}
