//! Permissions of each role.

use image::ImageFormat;
use serde_json::{Value, json};
use shared::api::{Access, Method, Op};
use shared::auth::Role;
use tests::{Client, shared as shared_stack};

use crate::images::made;

fn ids(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().unwrap();
    items
        .iter()
        .map(|item| item["id"].as_str().unwrap())
        .collect()
}

fn document(size_bytes: usize) -> Value {
    json!({"filename": "a.png", "content_type": "image/png", "size_bytes": size_bytes})
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_acts_for_one_user_at_a_time() {
    let stack = shared_stack();
    let service = stack.caller("roles-1", "back-end", "service");
    let (alice, bob) = (
        stack.caller("roles-1", "alice", "user"),
        stack.caller("roles-1", "bob", "user"),
    );
    let foreign = stack.caller("roles-2", "alice", "user");
    let of_bob = bob.create("b.png", "image/png", 10).await;
    let elsewhere = foreign.create("f.png", "image/png", 10).await;

    let file = made(30, 20, ImageFormat::Png).bytes;
    let mut events = alice.events("", None).await;
    events.first("snapshot").await;
    let mut in_body = document(file.len());
    in_body["on_behalf_of"] = "alice".into();
    let created = service.create_with(&in_body).await;
    let _ = service.put(&created.upload, file).await.expect(200);
    let complete = format!(
        "/v1/assets/{}/complete?on_behalf_of=alice",
        created.asset_id
    );
    let _ = service.post(&complete, &json!({})).await.expect(202);
    events
        .next_of("processing_complete", &created.asset_id)
        .await;

    // Exactly the assets that alice sees.
    let listed = service
        .get("/v1/assets?on_behalf_of=alice")
        .await
        .expect(200);
    assert_eq!(ids(&listed), [created.asset_id.as_str()]);
    let listed = alice.get("/v1/assets").await.expect(200);
    assert_eq!(ids(&listed), [created.asset_id.as_str()]);
    assert_eq!(
        listed["items"][0]["owner"],
        json!({"type": "user", "id": "alice"})
    );
    for path in [
        format!("/v1/assets/{}?on_behalf_of=alice", of_bob.asset_id),
        format!("/v1/assets/{}?on_behalf_of=alice", elsewhere.asset_id),
        format!("/v1/assets/{}", created.asset_id),
        format!("/v1/jobs/{}?on_behalf_of=bob", created.job_id),
    ] {
        service.get(&path).await.expect_problem(404, "not_found");
    }
    let mut for_alice = service
        .events("?on_behalf_of=alice&last_event_id=x", None)
        .await;
    for_alice.first("reset").await;

    // The service's own assets are separate.
    assert_eq!(
        service.get("/v1/assets").await.expect(200)["items"],
        json!([])
    );
    for name in ["", "%00", &"x".repeat(129)] {
        let answer = service
            .get(&format!("/v1/assets?on_behalf_of={name}"))
            .await;
        answer.expect_problem(400, "query_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_cannot_act_for_another() {
    let stack = shared_stack();
    let alice = stack.caller("roles-3", "alice", "user");
    let created = alice.create("a.png", "image/png", 10).await;
    let mut in_body = document(10);
    in_body["on_behalf_of"] = "bob".into();
    alice
        .post("/v1/assets", &in_body)
        .await
        .expect_problem(403, "role_forbidden");
    let bob = "?on_behalf_of=bob";
    for path in [
        format!("/v1/assets{bob}"),
        format!("/v1/jobs{bob}"),
        format!("/v1/events{bob}"),
        format!("/v1/assets/{}{bob}", created.asset_id),
        format!("/v1/assets/{}/original{bob}", created.asset_id),
        format!("/v1/jobs/{}{bob}", created.job_id),
    ] {
        alice.get(&path).await.expect_problem(403, "role_forbidden");
    }
    alice
        .post(&format!("/v1/events/ticket{bob}"), &json!({}))
        .await
        .expect_problem(403, "role_forbidden");
    let own = alice.get("/v1/assets?on_behalf_of=alice").await.expect(200);
    assert_eq!(ids(&own).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_admin_sees_its_tenant() {
    let stack = shared_stack();
    let admin = stack.caller("roles-4", "boss", "admin");
    let mut expected = Vec::new();
    for user in ["alice", "bob", "carol"] {
        let user = stack.caller("roles-4", user, "user");
        expected.insert(0, user.create("a.png", "image/png", 10).await.asset_id);
    }
    let _ = stack
        .caller("roles-5", "dan", "user")
        .create("d.png", "image/png", 10)
        .await;
    assert_eq!(ids(&admin.get("/v1/assets").await.expect(200)), expected);
    let of_bob = admin.get("/v1/assets?on_behalf_of=bob").await.expect(200);
    assert_eq!(ids(&of_bob), [expected[1].as_str()]);
    assert_eq!(
        admin
            .delete(&format!("/v1/assets/{}", expected[1]))
            .await
            .status,
        204
    );
    assert_eq!(ids(&admin.get("/v1/assets").await.expect(200)).len(), 2);
}

async fn call(client: &Client, op: Op) -> tests::Answer {
    let path = op
        .path()
        .replace("{asset_id}", "ast_00000000000000000000000000")
        .replace("{job_id}", "job_00000000000000000000000000")
        .replace("{worker_id}", "nobody")
        .replace("{queue}", "nothing")
        .replace("{token}", "nothing")
        .replace("{*key}", "nothing")
        .replace("{*file}", "nothing");
    match op.method() {
        Method::Get => client.head(&path).await,
        Method::Post if op == Op::CreateAsset => client.post(&path, &document(10)).await,
        Method::Post => client.post(&path, &json!({})).await,
        Method::Delete => client.delete(&path).await,
    }
}

/// Exhaustive by the contract table: every operation, called by every role and without a token.
#[tokio::test(flavor = "multi_thread")]
async fn each_operation_is_open_to_its_roles_alone() {
    let stack = shared_stack();
    let callers: Vec<(Role, Client)> = Role::ALL
        .iter()
        .map(|&role| (role, stack.caller("roles-6", "someone", role.as_str())))
        .collect();
    for &op in Op::ALL {
        let anyone = match op.access() {
            Access::Public | Access::Mixed => true,
            Access::Ticket | Access::User | Access::Worker | Access::Admin => false,
        };
        let answer = call(&callers[0].1.without_token(), op).await;
        assert_eq!(answer.status == 401, !anyone, "{op:?} without a token");
        for (role, client) in &callers {
            let answer = call(client, op).await;
            let is_open = op.access().admits(*role);
            assert_eq!(
                answer.status == 403,
                !is_open,
                "{op:?} by {role}: {}",
                answer.text()
            );
            if !is_open && op.method() != Method::Get {
                answer.expect_problem(403, "role_forbidden");
            }
        }
    }
}
