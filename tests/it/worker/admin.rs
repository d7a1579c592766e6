//! Workers as admins see them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::Client;

use super::turn::{Turn, cancel_all, job_of, turn, upload_video};

fn registration() -> Value {
    json!({"version": "1.2.3", "ffmpeg_version": "7.1", "cores": 4, "slots": 2,
        "encoders": [{"name": "libx264", "is_hardware": false}], "state": "active"})
}

fn admin(turn: &Turn) -> Client {
    turn.stack.caller("worker-admin", "boss", "admin")
}

async fn listed(admin: &Client, id: &str) -> Value {
    let list = admin.get("/v1/admin/workers").await.expect(200);
    let items = list["items"].as_array().unwrap();
    let found = items.iter().find(|worker| worker["id"] == id);
    found
        .unwrap_or_else(|| panic!("{id} is not in {list}"))
        .clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_is_listed_as_it_registered() {
    let turn = turn().await;
    let admin = admin(&turn);
    // An id that must be percent-encoded in a path.
    let name = "w admin/1 é";
    let worker = turn.worker(name);
    let first = worker
        .client
        .post("/v1/workers", &registration())
        .await
        .expect(200);
    assert_eq!((&first["id"], &first["running"]), (&name.into(), &0.into()));
    assert_eq!(first["state"], "starting");
    assert_eq!(listed(&admin, name).await, first);

    let mut changed = registration();
    changed["version"] = "1.2.4".into();
    changed["state"] = "draining".into();
    let second = worker
        .client
        .post("/v1/workers", &changed)
        .await
        .expect(200);
    assert_eq!(second["registered_at"], first["registered_at"]);
    assert_eq!(
        (&second["version"], &second["state"], &second["drain"]),
        (&"1.2.4".into(), &"draining".into(), &false.into())
    );
    let path = "/v1/admin/workers/w%20admin%2F1%20%C3%A9/drain";
    let drained = admin.post(path, &json!({"drain": true})).await.expect(200);
    assert_eq!(drained["drain"], true);
    // A drain by an admin outlives a restart of the worker.
    let again = worker
        .client
        .post("/v1/workers", &registration())
        .await
        .expect(200);
    assert_eq!(again["drain"], true);
    admin
        .post("/v1/admin/workers/nobody/drain", &json!({"drain": true}))
        .await
        .expect_problem(404, "not_found");

    let mut none = registration();
    none["slots"] = 0.into();
    let mut long = registration();
    long["version"] = "x".repeat(257).into();
    let mut unknown = registration();
    unknown["gpu"] = true.into();
    for bad in [none, long, unknown, json!({})] {
        worker
            .client
            .post("/v1/workers", &bad)
            .await
            .expect_problem(400, "request_invalid");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_state_of_a_worker_follows_from_what_it_does_and_what_the_admin_wants() {
    let turn = turn().await;
    let admin = admin(&turn);
    let worker = turn.worker("w-states");
    let report = async |state: &str| {
        let mut body = registration();
        body["state"] = if state == "active" {
            "active"
        } else {
            "draining"
        }
        .into();
        if state == "stopped" {
            body["stopped"] = true.into();
        }
        let answer = worker.client.post("/v1/workers", &body).await.expect(200);
        assert_eq!(listed(&admin, "w-states").await["state"], answer["state"]);
        (answer["state"].clone(), answer["drain"].clone())
    };
    let drain = async |drain: bool| {
        let path = "/v1/admin/workers/w-states/drain";
        let answer = admin.post(path, &json!({"drain": drain})).await.expect(200);
        (answer["state"].clone(), answer["drain"].clone())
    };
    let is = |state: &str, drain: bool| (json!(state), json!(drain));
    assert_eq!(report("active").await, is("starting", false));
    // A registration that repeats the first is no start.
    let _ = worker.pull(&json!({})).await;
    assert_eq!(report("active").await, is("active", false));
    assert_eq!(drain(true).await, is("draining", true));
    assert_eq!(report("active").await, is("draining", true));
    assert_eq!(drain(false).await, is("active", false));
    assert_eq!(report("draining").await, is("draining", false));
    assert_eq!(report("stopped").await, is("gone", false));
    assert_eq!(drain(true).await, is("gone", true));
    assert_eq!(drain(false).await, is("gone", false));
    // It starts again.
    assert_eq!(report("active").await, is("starting", false));
    let _ = worker.pull(&json!({})).await;
    assert_eq!(listed(&admin, "w-states").await["state"], "active");
    let mut unknown = registration();
    unknown["state"] = "starting".into();
    worker
        .client
        .post("/v1/workers", &unknown)
        .await
        .expect_problem(400, "request_invalid");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_without_a_sign_of_life_is_gone() {
    let stack = tests::shared();
    let worker = stack.caller("nobody", "w-silent", "worker");
    let admin = stack.caller("worker-admin", "boss", "admin");
    let _ = worker
        .post("/v1/workers", &registration())
        .await
        .expect(200);
    let started = Instant::now();
    while listed(&admin, "w-silent").await["state"] != "gone" {
        assert!(started.elapsed() < Duration::from_secs(92));
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    assert!(started.elapsed() > Duration::from_secs(88));
    let again = worker
        .post("/v1/workers", &registration())
        .await
        .expect(200);
    assert_eq!(again["state"], "starting");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drained_worker_finishes_its_job_and_gets_no_other() {
    let turn = turn().await;
    let admin = admin(&turn);
    let (worker, other) = (turn.worker("w-drain"), turn.worker("w-stays"));
    let (alice, _events) = turn.user("worker-admin", "drain").await;
    for one in [&worker, &other] {
        let _ = one
            .client
            .post("/v1/workers", &registration())
            .await
            .expect(200);
    }
    let drain = async |drain: bool| {
        let path = "/v1/admin/workers/w-drain/drain";
        admin.post(path, &json!({"drain": drain})).await.expect(200)
    };
    let held = upload_video(&alice, "public").await;
    let claim = worker.claim(&held).await;
    assert_eq!(listed(&admin, "w-drain").await["running"], 1);

    // The worker is waiting in a pull when it is drained: the pull ends at once, without messages.
    let waiting = tokio::spawn({
        let worker = worker.clone();
        async move { worker.pull(&json!({"wait_ms": 30_000})).await }
    });
    let started = Instant::now();
    while !waiting.is_finished() {
        let _ = drain(true).await;
        assert!(started.elapsed() < Duration::from_secs(10));
    }
    assert_eq!(waiting.await.unwrap(), Vec::<Value>::new());
    let beat = worker
        .verb(&claim, "heartbeat", &json!({}))
        .await
        .expect(200);
    assert_eq!(
        (&beat["drain"], &beat["cancel"]),
        (&true.into(), &false.into())
    );
    let next = upload_video(&alice, "public").await;
    assert_eq!(
        worker.pull(&json!({"wait_ms": 1_500})).await,
        Vec::<Value>::new()
    );
    let messages = other.pull(&json!({"wait_ms": 20_000})).await;
    assert!(
        messages
            .iter()
            .any(|message| job_of(message) == next.job_id)
    );
    let _ = other.try_claim(&next).await.expect(200);
    cancel_all(&alice, &[next]).await;
    let job = worker.finish_with_poster(&claim).await.expect(200);
    assert_eq!(job["state"], "succeeded");
    assert_eq!(listed(&admin, "w-drain").await["running"], 0);

    let _ = drain(false).await;
    let later = upload_video(&alice, "public").await;
    let claim = worker.claim(&later).await;
    let _ = worker.finish_with_poster(&claim).await.expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_backlog_counts_the_tenants_own_jobs() {
    let turn = turn().await;
    let worker = turn.worker("w-backlog");
    let own = turn.stack.caller("worker-backlog", "boss", "admin");
    let foreign = turn.stack.caller("worker-backlog-2", "boss", "admin");
    let (alice, _events) = turn.user("worker-backlog", "alice").await;
    let empty = own.get("/v1/admin/backlog").await.expect(200);
    assert_eq!(
        (&empty["jobs"], &empty["oldest_queued_ms"]),
        (&json!([]), &Value::Null)
    );

    let (one, two) = (
        upload_video(&alice, "public").await,
        upload_video(&alice, "public").await,
    );
    let claim = worker.claim(&one).await;
    let backlog = own.get("/v1/admin/backlog").await.expect(200);
    let count = |state: &str| json!({"kind": "process_video", "runs_on": "native", "state": state, "count": 1});
    assert_eq!(backlog["jobs"], json!([count("queued"), count("running")]));
    assert!(backlog["oldest_queued_ms"].as_u64().is_some());
    let none = foreign.get("/v1/admin/backlog").await.expect(200);
    assert_eq!(none["jobs"], json!([]));
    let _ = worker.finish_with_poster(&claim).await.expect(200);
    let claim = worker.claim(&two).await;
    let _ = worker.finish_with_poster(&claim).await.expect(200);
    let backlog = own.get("/v1/admin/backlog").await.expect(200);
    assert_eq!(backlog["jobs"], json!([]));
}
