//! From a request to a response: routing by the contract table, body limits, CORS, request ids, problem documents.

mod auth;
mod body;
pub(crate) mod call;
mod cors;
pub(crate) mod page;

use std::cell::OnceCell;

use shared::api::route::{Miss, Routes};
use shared::api::{Answer, Query};
use shared::delivery::Conditions;
use shared::problem::{ErrorCode, Problem};
use worker::web_sys::Request;
use worker::{Context, Env, Headers, Response, Url};

use self::call::Call;
use crate::app::App;
use crate::clock;
use crate::config::{Config, Cors};
use crate::error::Error;
use crate::routes;

thread_local! {
    static ROUTES: Option<Routes> = Routes::new();
}

/// Serves one request of the API script.
///
/// It takes the request of the platform: that of the crate `worker` would read the geography and TLS properties (`cf`) of each.
pub(crate) async fn serve(
    request: Request,
    env: Env,
    context: Context,
) -> worker::Result<Response> {
    let request_id = format!("req_{:016x}", clock::random_u64());
    let origin = request.headers().get("origin")?;
    let url = Url::parse(&request.url())?;
    let is_file = is_file(url.path());
    let config = Config::of(&env);
    let result = match &config {
        Ok(_) => answer(&request, &url, env, context).await,
        Err(error) => Err(Error::internal(format!("{error:?}")).into()),
    };
    let mut response = match result {
        Ok(response) => response,
        Err(Refusal { error, allow }) => problem(&error.into_problem(&request_id), &allow)?,
    };
    let headers = response.headers_mut();
    headers.set("x-request-id", &request_id)?;
    headers.set("x-content-type-options", "nosniff")?;
    match (&config, origin) {
        // Everyone who has the URL of a file may read it, and players fetch by script, so every page may read it.
        _ if is_file => cors::allow_origin(headers, &Cors::Any, "*")?,
        (Ok(config), Some(origin)) => cors::allow_origin(headers, &config.cors, &origin)?,
        (Ok(_) | Err(_), _) => {}
    }
    Ok(response)
}

/// Whether a path is that of a file.
fn is_file(path: &str) -> bool {
    ["/media/", "/stream/"]
        .iter()
        .any(|start| path.starts_with(start))
}

/// An error, and the `Allow` header that comes with some.
struct Refusal {
    error: Error,
    allow: Vec<&'static str>,
}

impl<E: Into<Error>> From<E> for Refusal {
    fn from(error: E) -> Self {
        Self {
            error: error.into(),
            allow: Vec::new(),
        }
    }
}

impl Refusal {
    fn not_allowed(allow: Vec<&'static str>) -> Self {
        let detail = format!("Allowed methods: {}.", allow.join(", "));
        Self {
            error: Error::problem(ErrorCode::MethodNotAllowed, detail),
            allow,
        }
    }
}

fn no_operation() -> Error {
    let detail = "No operation has this path. Paths are case-sensitive and have no slash at their end. The OpenAPI document of this API lists all of them.";
    Error::problem(ErrorCode::NotFound, detail)
}

fn problem(problem: &Problem, allow: &[&str]) -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set("content-type", "application/problem+json")?;
    headers.set("cache-control", "no-store")?;
    if !allow.is_empty() {
        headers.set("allow", &allow.join(", "))?;
    }
    if problem.status == 401 {
        // RFC 6750 §3.1: a request without a token gets no error code.
        let challenge = if problem.code == ErrorCode::TokenMissing {
            "Bearer"
        } else {
            r#"Bearer error="invalid_token""#
        };
        headers.set("www-authenticate", challenge)?;
    }
    let text = serde_json::to_string(problem)?;
    Ok(Response::ok(text)?
        .with_status(problem.status)
        .with_headers(headers))
}

async fn answer(
    request: &Request,
    url: &Url,
    env: Env,
    context: Context,
) -> Result<Response, Refusal> {
    // First, because a response before the body was read would reset the connection of a client that is still sending.
    let body = body::read(request).await?;
    let method = request.method();
    if method == "OPTIONS" {
        let allowed = ROUTES.with(|routes| routes.as_ref().map(|all| all.allowed(url.path())));
        let allowed = allowed.filter(|methods| !methods.is_empty());
        return Ok(cors::preflight(&allowed.ok_or_else(no_operation)?)?);
    }
    let found = ROUTES.with(|routes| {
        routes
            .as_ref()
            .map(|routes| routes.find(&method, url.path()))
    });
    let route = match found {
        Some(Ok(route)) => route,
        Some(Err(Miss::Path)) => return Err(no_operation().into()),
        Some(Err(Miss::Method(allow))) => return Err(Refusal::not_allowed(allow)),
        None => return Err(Error::internal("the contract table contradicts itself").into()),
    };
    let headers = request.headers();
    let header = |name: &str| headers.get(name).map_err(worker::Error::from);
    let mut call = Call {
        params: route.params.clone(),
        query: Query::default(),
        body: body?,
        content_type: header("content-type")?,
        authorization: header("authorization")?,
        conditions: match route.op.answer() {
            Answer::Bytes => Conditions::read(header)?,
            Answer::Json | Answer::Empty | Answer::EventStream => Conditions::default(),
        },
        last_event_id: header("last-event-id")?,
        is_head: method == "HEAD",
        caller: OnceCell::new(),
    };
    let app = App::new(env, context)?;
    // A stranger learns nothing of the contract's checks.
    routes::check_role(&app, route.op, &call)?;
    call.query = Query::read(route.op, url.query().unwrap_or_default())?;
    Ok(routes::handle(&app, &route, &call).await?)
}
