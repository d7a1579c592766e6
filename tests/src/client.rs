//! An HTTP client that knows nothing about the service but JSON and the contract.

use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{Events, contract};

/// Timeout of a request.
const TIMEOUT: Duration = Duration::from_mins(1);

/// A caller with or without a token.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    origin: String,
    token: Option<String>,
}

/// A complete response.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The request, for messages.
    pub request: String,
    /// Status.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body.
    pub body: Vec<u8>,
}

/// A new asset, as the service answered.
#[derive(Debug, Clone)]
pub struct Created {
    /// Id of the asset.
    pub asset_id: String,
    /// Id of its job.
    pub job_id: String,
    /// The upload document: URL and headers of the PUT.
    pub upload: Value,
}

impl Answer {
    /// The body as JSON; `null` when it is not JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text; empty when absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Checks the status; returns the body as JSON.
    #[must_use]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(
            self.status,
            status,
            "{} answered\n{}",
            self.request,
            self.text()
        );
        self.json()
    }

    /// Checks that the answer is the problem `code` with `status` and all fields of RFC 9457.
    pub fn expect_problem(&self, status: u16, code: &str) {
        let problem = self.expect(status);
        assert_eq!(problem["code"], code, "{} answered {problem}", self.request);
        assert!(
            self.header("content-type")
                .starts_with("application/problem+json"),
            "{problem}"
        );
        assert_eq!(problem["status"], status, "{problem}");
        for field in ["type", "title", "detail", "request_id"] {
            assert!(
                problem[field].as_str().is_some_and(|text| !text.is_empty()),
                "{field} is missing: {problem}"
            );
        }
    }
}

impl Created {
    /// Reads the answer to `POST /v1/assets`.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        let created = answer.json();
        let text = |pointer| {
            let text = created.pointer(pointer).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        Self {
            asset_id: text("/asset/id"),
            job_id: text("/job_id"),
            upload: created["upload"].clone(),
        }
    }
}

impl Client {
    /// A caller of the edge at `origin`.
    #[must_use]
    pub fn new(origin: &str, token: Option<String>) -> Self {
        Self {
            http: http(),
            origin: origin.to_owned(),
            token,
        }
    }

    /// The same caller with another token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// The same caller without a token.
    #[must_use]
    pub fn without_token(&self) -> Self {
        Self {
            token: None,
            ..self.clone()
        }
    }

    /// Sends a request with a JSON body.
    pub async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        self.answer(&method, path, request).await
    }

    /// Sends a request with any headers and bytes, also invalid ones.
    pub async fn send_raw(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request = self.request(method.clone(), path).body(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.answer(&method, path, request).await
    }

    /// Sends a request with a JSON body to a service that may be down.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Option<Answer> {
        let mut request = self.request(method.clone(), path);
        if let Some(body) = body {
            request = request
                .header("content-type", "application/json")
                .body(body.to_string());
        }
        try_answer(format!("{method} {path}"), request).await.ok()
    }

    /// GET of a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// POST of a JSON document.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, Some(body)).await
    }

    /// DELETE of a path.
    pub async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, None).await
    }

    /// HEAD of a path.
    pub async fn head(&self, path: &str) -> Answer {
        self.send(Method::HEAD, path, None).await
    }

    /// GET of an absolute URL, without the token: media, originals.
    pub async fn fetch(&self, url: &str) -> Answer {
        self.fetch_with(Method::GET, url, &[], Vec::new()).await
    }

    /// A request to an absolute URL, without the token, with any headers and bytes.
    pub async fn fetch_with(
        &self,
        method: Method,
        url: &str,
        headers: &[(&str, &str)],
        body: Vec<u8>,
    ) -> Answer {
        let mut request = self.http.request(method.clone(), url);
        // An empty body differs from no body: a GET has none.
        if !body.is_empty() {
            request = request.body(body);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        match url.strip_prefix(&self.origin) {
            Some(path) => self.answer(&method, path, request).await,
            None => answer(format!("{method} {url}"), request).await,
        }
    }

    /// Creates an asset.
    pub async fn create(&self, filename: &str, content_type: &str, size_bytes: usize) -> Created {
        self.create_with(
            &json!({"filename": filename, "content_type": content_type, "size_bytes": size_bytes}),
        )
        .await
    }

    /// Creates an asset from a request document.
    pub async fn create_with(&self, body: &Value) -> Created {
        let answer = self.post("/v1/assets", body).await;
        let _ = answer.expect(201);
        Created::of(&answer)
    }

    /// Sends bytes to the URL of `upload`, with its headers.
    pub async fn put(&self, upload: &Value, body: Vec<u8>) -> Answer {
        let (name, request) = self.put_request(upload, body);
        answer(name, request).await
    }

    /// Sends bytes to a bucket that may be down.
    pub async fn try_put(&self, upload: &Value, body: Vec<u8>) -> Option<Answer> {
        let (name, request) = self.put_request(upload, body);
        try_answer(name, request).await.ok()
    }

    fn put_request(&self, upload: &Value, body: Vec<u8>) -> (String, RequestBuilder) {
        let url = upload["url"].as_str().unwrap_or_default();
        let mut request = self.http.put(url).body(body);
        for (name, value) in upload["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
        (format!("PUT {url}"), request)
    }

    /// Confirms the upload.
    pub async fn complete(&self, asset_id: &str) -> Answer {
        self.post(&format!("/v1/assets/{asset_id}/complete"), &json!({}))
            .await
    }

    /// Uploads a file: create, PUT, complete.
    pub async fn upload(&self, filename: &str, content_type: &str, body: Vec<u8>) -> Created {
        let created = self.create(filename, content_type, body.len()).await;
        self.deliver(created, body).await
    }

    /// Uploads a file with a request document that has other fields.
    pub async fn upload_with(&self, document: &Value, body: Vec<u8>) -> Created {
        let mut document = document.clone();
        document["size_bytes"] = body.len().into();
        let created = self.create_with(&document).await;
        self.deliver(created, body).await
    }

    async fn deliver(&self, created: Created, body: Vec<u8>) -> Created {
        let _ = self.put(&created.upload, body).await.expect(200);
        let _ = self.complete(&created.asset_id).await.expect(202);
        created
    }

    /// Reads an asset.
    pub async fn asset(&self, asset_id: &str) -> Answer {
        self.get(&format!("/v1/assets/{asset_id}")).await
    }

    /// Reads a job.
    pub async fn job(&self, job_id: &str) -> Answer {
        self.get(&format!("/v1/jobs/{job_id}")).await
    }

    /// Triggers the cron handler.
    pub async fn run_cron(&self) {
        let _ = self
            .get("/cdn-cgi/local/scheduled?cron=*+*+*+*+*")
            .await
            .expect(200);
    }

    /// Opens the event stream with a query such as `?types=…`, after the event `last_event_id` if given.
    pub async fn events(&self, query: &str, last_event_id: Option<&str>) -> Events {
        let mut request = self.request(Method::GET, &format!("/v1/events{query}"));
        if let Some(id) = last_event_id {
            request = request.header("last-event-id", id);
        }
        Events::open(request).await
    }

    /// Opens the event stream with any headers.
    pub async fn events_with(&self, query: &str, headers: &[(&str, &str)]) -> Events {
        let mut request = self.request(Method::GET, &format!("/v1/events{query}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Events::open(request).await
    }

    async fn answer(&self, method: &Method, path: &str, request: RequestBuilder) -> Answer {
        let answer = answer(format!("{method} {path}"), request).await;
        contract::check(method.as_str(), path, &answer);
        answer
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.origin));
        match &self.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }
}

pub(crate) fn http() -> reqwest::Client {
    // An error means that another client has installed it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder()
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build();
    http.expect("an HTTP client")
}

async fn answer(request: String, builder: RequestBuilder) -> Answer {
    match try_answer(request.clone(), builder).await {
        Ok(answer) => answer,
        Err(error) => panic!("{request} failed: {error:?}"),
    }
}

async fn try_answer(request: String, builder: RequestBuilder) -> reqwest::Result<Answer> {
    let response = builder.timeout(TIMEOUT).send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await?.to_vec();
    Ok(Answer {
        request,
        status,
        headers,
        body,
    })
}
