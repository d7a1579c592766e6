//! One request in, one answer out: routing by the contract table, body limits, CORS, request ids, problem documents.

pub(crate) mod auth;
pub(crate) mod call;

use std::cell::OnceCell;

use futures_util::StreamExt as _;
use shared::api::route::{Miss, Route, Routes};
use shared::api::{Access, BODY_MAX_BYTES, Op};
use shared::problem::{ErrorCode, Problem};
use worker::{Context, Env, Headers, Request, Response};

use crate::app::App;
use crate::clock;
use crate::config::{Config, Cors};
use crate::error::{Error, Result};
use crate::http::call::Call;
use crate::routes::assets;
use crate::routes::attempts;
use crate::routes::delivery;
use crate::routes::events;
use crate::routes::health;
use crate::routes::jobs;
use crate::routes::playback;
use crate::routes::queue;
use crate::routes::workers;
use crate::upload::verify;

thread_local! {
    static ROUTES: Option<Routes> = Routes::new();
}

/// A body that is too large is read to its end up to this size, because an early answer makes many clients see a reset
/// connection instead of it.
const DRAIN_MAX_BYTES: usize = 32 * 1024 * 1024;

/// Serves one request of the API script.
pub(crate) async fn serve(
    mut request: Request,
    env: Env,
    context: Context,
) -> worker::Result<Response> {
    let request_id = format!("req_{:016x}", clock::random_u64());
    let origin = request.headers().get("origin")?;
    let is_file = is_file(request.url()?.path());
    let config = Config::of(&env);
    let result = match &config {
        Ok(_) => answer(&mut request, env, context).await,
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
        // Whoever has the URL of a file may read it, so any page may: players fetch by script.
        _ if is_file => allow_origin(headers, &Cors::Any, "*")?,
        (Ok(config), Some(origin)) => allow_origin(headers, &config.cors, &origin)?,
        (Ok(_) | Err(_), _) => {}
    }
    Ok(response)
}

/// Whether a path is that of a file: an output, or an original by path token.
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
        let detail = format!("This path takes {}.", allow.join(", "));
        Self {
            error: Error::problem(ErrorCode::MethodNotAllowed, detail),
            allow,
        }
    }
}

fn problem(problem: &Problem, allow: &[&str]) -> worker::Result<Response> {
    let headers = Headers::new();
    headers.set("content-type", "application/problem+json")?;
    headers.set("cache-control", "no-store")?;
    if !allow.is_empty() {
        headers.set("allow", &allow.join(", "))?;
    }
    if problem.status == 401 {
        headers.set("www-authenticate", "Bearer")?;
    }
    let text = serde_json::to_string(problem)?;
    Ok(Response::ok(text)?
        .with_status(problem.status)
        .with_headers(headers))
}

async fn answer(
    request: &mut Request,
    env: Env,
    context: Context,
) -> std::result::Result<Response, Refusal> {
    let url = request.url()?;
    // Read first: a refusal before the body is read would reset the connection of a client that still sends.
    let body = read_body(request).await?;
    let method = request.inner().method();
    if method == "OPTIONS" {
        return preflight(url.path());
    }
    let found = ROUTES.with(|routes| {
        routes
            .as_ref()
            .map(|routes| routes.find(&method, url.path()))
    });
    let route = match found {
        Some(Ok(route)) => route,
        Some(Err(Miss::Path)) => {
            let detail = "No operation has this path. The operations are in docs/openapi.json.";
            return Err(Error::problem(ErrorCode::NotFound, detail).into());
        }
        Some(Err(Miss::Method(allow))) => return Err(Refusal::not_allowed(allow)),
        None => return Err(Error::internal("the contract table contradicts itself").into()),
    };
    let header = |name: &str| request.headers().get(name);
    let call = Call {
        params: route.params.clone(),
        query: url.query_pairs().into_owned().collect(),
        body: body?,
        content_type: header("content-type")?,
        authorization: header("authorization")?,
        range: header("range")?,
        if_none_match: header("if-none-match")?,
        last_event_id: header("last-event-id")?,
        is_head: method == "HEAD",
        caller: OnceCell::new(),
    };
    let app = App::new(env, context)?;
    Ok(dispatch(&app, &route, &call).await?)
}

/// Checks who calls, before anything else is looked at, so that a stranger learns nothing.
fn check_role(app: &App, op: Op, call: &Call) -> Result<()> {
    let access = op.access();
    let detail = match access {
        // Their handlers look at the caller if there is one.
        Access::Public | Access::Mixed | Access::Ticket => return Ok(()),
        Access::User => "A worker's token opens no user route.",
        Access::Worker => "This route is for tokens with the role worker.",
        Access::Admin => "This route is for tokens with the role admin.",
    };
    if access.admits(call.principal(app)?.role) {
        Ok(())
    } else {
        Err(Error::problem(ErrorCode::RoleForbidden, detail))
    }
}

/// Operation → handler. Exhaustive: a new row of the contract does not compile until it is served here.
async fn dispatch(app: &App, route: &Route, call: &Call) -> Result<Response> {
    check_role(app, route.op, call)?;
    match route.op {
        Op::CreateAsset => assets::create(app, call).await,
        Op::ListAssets => assets::list(app, call).await,
        Op::GetAsset => assets::get(app, call).await,
        Op::DeleteAsset => assets::delete(app, call).await,
        Op::CompleteAsset => verify::complete(app, call).await,
        Op::RenewUpload => assets::renew_upload(app, call).await,
        Op::GetOriginal => playback::original(app, call).await,
        Op::GetPlayback => playback::playback(app, call).await,
        Op::ListJobs => jobs::list(app, call).await,
        Op::GetJob => jobs::get(app, call).await,
        Op::CancelJob => jobs::cancel(app, call).await,
        Op::RedriveJob => jobs::redrive(app, call).await,
        Op::StreamEvents => events::stream(app, call).await,
        Op::CreateTicket => events::ticket(app, call),
        Op::RegisterWorker => workers::register(app, call).await,
        Op::PullMessages => queue::pull(app, call).await,
        Op::AckMessages => queue::ack(app, call).await,
        Op::ClaimJob => attempts::claim(app, call).await,
        Op::HeartbeatJob => attempts::heartbeat(app, call).await,
        Op::FinishJob => attempts::finish(app, call).await,
        Op::FailJob => attempts::fail(app, call).await,
        Op::ReleaseJob => attempts::release(app, call).await,
        Op::ListWorkers => workers::list(app).await,
        Op::DrainWorker => workers::drain(app, call).await,
        Op::GetBacklog => workers::backlog(app, call).await,
        Op::GetMedia => delivery::public(app, call).await,
        Op::GetStream => delivery::private(app, call).await,
        Op::Healthz => health::healthz(),
        Op::Readyz => health::readyz(app).await,
        Op::Version => health::version(app),
    }
}

/// Reads the body. The outer error is a broken connection, the inner one a body that is too large.
async fn read_body(request: &mut Request) -> Result<Result<Vec<u8>>> {
    let mut body = Vec::new();
    if request.inner().body().is_none() {
        return Ok(Ok(body));
    }
    let length = request.headers().get("content-length")?;
    if length
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| length <= BODY_MAX_BYTES)
    {
        // In one step: a stream costs several turns of the event loop.
        return Ok(Ok(request.bytes().await?));
    }
    let mut stream = request.stream()?;
    let mut seen = 0_usize;
    while let Some(chunk) = stream.next().await {
        let chunk = chunk?;
        seen += chunk.len();
        if seen <= BODY_MAX_BYTES {
            body.extend_from_slice(&chunk);
        } else if seen > DRAIN_MAX_BYTES {
            break;
        }
    }
    if seen > BODY_MAX_BYTES {
        let detail = format!(
            "The request body is larger than {BODY_MAX_BYTES} bytes. Files go to the signed URL, not through the API."
        );
        return Ok(Err(Error::problem(ErrorCode::BodyTooLarge, detail)));
    }
    Ok(Ok(body))
}

fn preflight(path: &str) -> std::result::Result<Response, Refusal> {
    let allowed = ROUTES.with(|routes| {
        routes
            .as_ref()
            .map(|routes| routes.allowed(path))
            .unwrap_or_default()
    });
    if allowed.is_empty() {
        return Err(Error::not_found().into());
    }
    let headers = Headers::new();
    headers.set("allow", &allowed.join(", "))?;
    headers.set("access-control-allow-methods", &allowed.join(", "))?;
    headers.set(
        "access-control-allow-headers",
        "authorization, content-type, last-event-id, range, if-none-match",
    )?;
    headers.set("access-control-max-age", "86400")?;
    Ok(Response::empty()?.with_status(204).with_headers(headers))
}

/// No credentials are ever allowed: tokens travel in headers, and cookies mean nothing here.
fn allow_origin(headers: &mut Headers, cors: &Cors, origin: &str) -> worker::Result<()> {
    let allowed = match cors {
        Cors::Any => Some("*"),
        Cors::Origins(origins) => {
            headers.append("vary", "origin")?;
            origins.iter().any(|one| one == origin).then_some(origin)
        }
    };
    if let Some(allowed) = allowed {
        headers.set("access-control-allow-origin", allowed)?;
        headers.set(
            "access-control-expose-headers",
            "ETag, Location, Accept-Ranges, Content-Length, Content-Range, X-Request-Id",
        )?;
    }
    Ok(())
}
