//! [`Hint`]: a message of the queue, as the pull API of Cloudflare Queues delivers it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value;
use shared::id::JobId;
use shared::message::Message;

/// A pulled message: try to claim this job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// Lease id, by which it is acknowledged.
    pub lease_id: String,
    /// Id of the job; `None` if the message is not a hint.
    pub job: Option<JobId>,
}

/// Answer to a pull. In this API every field is optional.
#[derive(Debug, Deserialize)]
pub(crate) struct Pulled {
    #[serde(default)]
    success: bool,
    #[serde(default)]
    errors: Vec<Value>,
    #[serde(default)]
    result: Option<Batch>,
}

#[derive(Debug, Default, Deserialize)]
struct Batch {
    #[serde(default)]
    messages: Vec<Pulling>,
}

#[derive(Debug, Deserialize)]
struct Pulling {
    lease_id: String,
    #[serde(default)]
    body: Value,
}

impl Pulled {
    /// The hints, or the errors that the queue reports.
    pub(crate) fn hints(self) -> Result<Vec<Hint>, String> {
        if !self.success {
            let errors = Value::Array(self.errors);
            return Err(format!("the queue reports {errors}"));
        }
        let messages = self.result.unwrap_or_default().messages;
        Ok(messages
            .into_iter()
            .map(|Pulling { lease_id, body }| Hint {
                lease_id,
                job: decode(&body).map(|message| message.job_id),
            })
            .collect())
    }
}

/// Text bodies come as text, JSON and bytes in base64. A hint is never valid base64, so both can be tried.
fn decode(body: &Value) -> Option<Message> {
    let text = body.as_str()?;
    Message::decode(text).or_else(|| {
        let bytes = STANDARD.decode(text).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        Message::decode(&text)
            // Text that was sent as JSON is a JSON string.
            .or_else(|| Message::decode(&serde_json::from_str::<String>(&text).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use shared::kind::RunsOn;

    use super::*;

    #[test]
    fn text_and_base64_bodies() {
        let job: JobId = "job_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap();
        let text = Message::new(job, RunsOn::Native).encode();
        let bodies = [
            text.clone(),
            STANDARD.encode(&text),
            STANDARD.encode(json!(text).to_string()),
        ];
        for body in bodies {
            assert_eq!(decode(&json!(body)).unwrap().job_id, job, "{body}");
        }
        let invalid = [
            json!(null),
            json!(7),
            json!("x"),
            json!("e30="),
            json!("{}"),
        ];
        for body in invalid {
            assert_eq!(decode(&body), None, "{body}");
        }
    }

    #[test]
    fn answers() {
        let answer = |value| serde_json::from_value::<Pulled>(value).unwrap().hints();
        let message =
            json!({"id": "1", "lease_id": "l", "body": "?", "attempts": 1, "metadata": {}});
        let one =
            json!({"success": true, "result": {"message_backlog_count": 1, "messages": [message]}});
        let hint = Hint {
            lease_id: "l".to_owned(),
            job: None,
        };
        assert_eq!(answer(one), Ok(vec![hint]));
        assert_eq!(answer(json!({"success": true, "result": null})), Ok(vec![]));
        let error = answer(json!({"success": false, "errors": [{"code": 7}]})).unwrap_err();
        assert!(error.contains("\"code\":7"), "{error}");
    }
}
