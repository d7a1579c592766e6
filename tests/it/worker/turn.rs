//! Turns on the shared stacks, and a native worker that the test plays.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tests::{Answer, Bucket, Client, Created, Events, Options, Stack};
use tokio::sync::MutexGuard;

/// Lease of the stack: short, because stories wait for its end.
pub(crate) const LEASE: Duration = Duration::from_secs(5);

/// How long a pull waits; a hint arrives much sooner.
const WAIT_MS: u64 = 20_000;

/// Starts a stack without a native worker.
fn start() -> Stack {
    let options = Options::new()
        .workers(0)
        .var("LEASE_MS", &LEASE.as_millis().to_string())
        // A lossless image of six megapixels exceeds this limit.
        .var("IMAGE_MEMORY_MAX_BYTES", "16000000")
        .var(
            "VIDEO_PRESETS",
            r#"{"studio": {"speed": "fast"}, "*": {"fps_max": 30}}"#,
        );
    Stack::start(options)
}

/// Stacks of these stories: as many stories run at a time.
const STACKS: usize = 2;

/// A stack while stories use it, and the turn on it.
struct Place {
    running: Mutex<Weak<Stack>>,
    turn: tokio::sync::Mutex<()>,
}

static PLACES: [Place; STACKS] = [const {
    Place {
        running: Mutex::new(Weak::new()),
        turn: tokio::sync::Mutex::const_new(()),
    }
}; STACKS];

/// Exclusive use of a stack, until dropped.
pub(crate) struct Turn {
    pub(crate) stack: Arc<Stack>,
    _turn: MutexGuard<'static, ()>,
}

/// Waits for a turn.
pub(crate) async fn turn() -> Turn {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed) % STACKS;
    let place = &PLACES[number];
    // Take the stack before the turn, so that it keeps running between turns.
    let stack = {
        let mut running = place.running.lock().unwrap_or_else(PoisonError::into_inner);
        let stack = running.upgrade().unwrap_or_else(|| Arc::new(start()));
        *running = Arc::downgrade(&stack);
        stack
    };
    let started = Instant::now();
    let turn = place.turn.lock().await;
    tests::waited_since(started);
    Turn { stack, _turn: turn }
}

impl Turn {
    /// A worker of this name.
    pub(crate) fn worker(&self, name: &str) -> Worker {
        Worker {
            client: self.stack.caller("nobody", name, "worker"),
            raw: self.stack.raw_bucket(),
            public: self.stack.public_bucket(),
        }
    }

    /// A user and its event stream.
    pub(crate) async fn user(&self, tenant: &str, user: &str) -> (Client, Events) {
        let client = self.stack.caller(tenant, user, "user");
        let mut events = client.events("", None).await;
        events.first("snapshot").await;
        (client, events)
    }
}

/// Bytes that start as an MP4 file, which is all that the edge examines.
pub(crate) fn mp4() -> Vec<u8> {
    let mut mp4 = b"\0\0\0\x18ftypisom\0\0\x02\0isommp41\0\0\0\x08free".to_vec();
    mp4.extend((0..60_000_u32).flat_map(u32::to_be_bytes));
    mp4
}

/// Uploads such a file.
pub(crate) async fn upload_video(client: &Client, visibility: &str) -> Created {
    let document =
        json!({"filename": "clip.mp4", "content_type": "video/mp4", "visibility": visibility});
    client.upload_with(&document, mp4()).await
}

/// A native worker, played by the test.
#[derive(Debug, Clone)]
pub(crate) struct Worker {
    pub(crate) client: Client,
    raw: Bucket,
    public: Bucket,
}

/// A job that a worker has claimed.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    pub(crate) document: Value,
    job_id: String,
}

impl Claim {
    /// A body with the fence and the fields of `more`.
    pub(crate) fn body(&self, more: &Value) -> Value {
        let mut body = json!({"attempt": self.document["attempt"], "lease_token": self.document["lease_token"]});
        for (name, value) in more.as_object().into_iter().flatten() {
            body[name] = value.clone();
        }
        body
    }

    /// Key prefix of the attempt.
    pub(crate) fn prefix(&self) -> &str {
        self.document["destination"]["prefix"].as_str().unwrap()
    }
}

impl Worker {
    /// Pulls once.
    pub(crate) async fn pull(&self, body: &Value) -> Vec<Value> {
        let answer = self
            .client
            .post("/v1/queues/media-jobs/messages/pull", body)
            .await;
        let envelope = answer.expect(200);
        assert_eq!(
            (&envelope["success"], &envelope["errors"]),
            (&true.into(), &json!([]))
        );
        envelope["result"]["messages"].as_array().unwrap().clone()
    }

    /// Acknowledges, or retries.
    pub(crate) async fn ack(&self, body: &Value) -> Value {
        let path = "/v1/queues/media-jobs/messages/ack";
        self.client.post(path, body).await.expect(200)["result"].clone()
    }

    /// Pulls until the hint of this job arrives; acknowledges hints of earlier stories.
    pub(crate) async fn pull_job(&self, created: &Created) -> Value {
        for _ in 0..20 {
            for message in self.pull(&json!({"wait_ms": WAIT_MS})).await {
                if job_of(&message) == created.job_id {
                    return message;
                }
                let acks = json!({"acks": [{"lease_id": message["lease_id"]}]});
                let _ = self.ack(&acks).await;
            }
        }
        panic!("no hint of {} came", created.job_id);
    }

    /// Claims without a pull.
    pub(crate) async fn try_claim(&self, created: &Created) -> Answer {
        let path = format!("/v1/jobs/{}/claim", created.job_id);
        self.client.send(reqwest::Method::POST, &path, None).await
    }

    /// Waits for the hint, then claims.
    pub(crate) async fn claim(&self, created: &Created) -> Claim {
        let _ = self.pull_job(created).await;
        Claim {
            document: self.try_claim(created).await.expect(200),
            job_id: created.job_id.clone(),
        }
    }

    /// Calls a verb with the fence of a claim.
    pub(crate) async fn verb(&self, claim: &Claim, verb: &str, more: &Value) -> Answer {
        let path = format!("/v1/jobs/{}/{verb}", claim.job_id);
        self.client.post(&path, &claim.body(more)).await
    }

    /// Stores a file under the attempt's prefix, in the bucket that the claim names.
    pub(crate) async fn store(&self, claim: &Claim, file: &str, bytes: &[u8], content_type: &str) {
        let bucket = match claim.document["destination"]["bucket"].as_str() {
            Some("public") => &self.public,
            Some("raw") => &self.raw,
            other => panic!("no bucket {other:?}"),
        };
        let key = format!("{}{file}", claim.prefix());
        let cache_control = if content_type == PLAYLIST {
            "public, max-age=1"
        } else {
            "public, max-age=31536000, immutable"
        };
        bucket
            .put(&key, bytes.to_vec(), content_type, cache_control)
            .await;
    }

    /// Stores one output and finishes with it alone.
    pub(crate) async fn finish_with_poster(&self, claim: &Claim) -> Answer {
        self.store(claim, "poster.jpg", b"a poster", "image/jpeg")
            .await;
        let made = json!({"outputs": [output("poster", "poster.jpg", "image/jpeg", 8)], "duration_ms": 1_000});
        self.verb(claim, "finish", &json!({"made": made})).await
    }
}

/// Cancels jobs that a story leaves behind, so that the next one does not get their hints.
pub(crate) async fn cancel_all(client: &Client, jobs: &[Created]) {
    for created in jobs {
        let path = format!("/v1/jobs/{}/cancel", created.job_id);
        let _ = client.post(&path, &Value::Null).await.expect(202);
    }
}

/// Media type of playlists.
pub(crate) const PLAYLIST: &str = "application/vnd.apple.mpegurl";

/// An output as a worker reports it.
pub(crate) fn output(name: &str, file: &str, content_type: &str, size_bytes: usize) -> Value {
    json!({"name": name, "file": file, "content_type": content_type, "size_bytes": size_bytes})
}

/// Job id of a hint.
pub(crate) fn job_of(message: &Value) -> String {
    assert_eq!(message["metadata"]["CF-Content-Type"], "text");
    let hint: Value = serde_json::from_str(message["body"].as_str().unwrap()).unwrap();
    assert_eq!(hint["runs_on"], "native");
    hint["job_id"].as_str().unwrap().to_owned()
}

/// Every verb on an attempt, with a body that is valid except for its missing fence.
pub(crate) fn verbs() -> [(&'static str, Value); 4] {
    let made = json!({"outputs": [output("poster", "poster.jpg", "image/jpeg", 8)]});
    [
        (
            "heartbeat",
            json!({"progress": {"ratio": 0.9, "stage": "encode"}, "early": made}),
        ),
        ("finish", json!({"made": made})),
        (
            "fail",
            json!({"code": "encode_failed", "detail": "The encoder failed.", "class": "permanent"}),
        ),
        ("release", json!({})),
    ]
}
