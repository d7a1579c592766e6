//! The handlers of the operations, one file per noun.

mod admin;
mod assets;
mod attempts;
mod delivery;
mod events;
mod health;
mod jobs;
mod limits;
mod playback;
mod queue;
mod uploads;
mod workers;

use shared::api::route::Route;
use shared::api::{Access, Op};
use shared::problem::ErrorCode;
use worker::Response;

use crate::app::App;
use crate::error::{Error, Result};
use crate::http::call::Call;

/// Checks the caller's role. It comes before anything else, so that a stranger learns nothing.
///
/// # Errors
/// A token problem, or `role_forbidden`.
pub(crate) fn check_role(app: &App, op: Op, call: &Call) -> Result<()> {
    let access = op.access();
    let detail = match access {
        // Their handlers look at the caller if there is one.
        Access::Public | Access::Mixed | Access::Ticket => return Ok(()),
        Access::User => "The role worker cannot call user operations.",
        Access::Worker => "This operation requires the role worker.",
        Access::Admin => "This operation requires the role admin.",
    };
    if access.admits(call.principal(app)?.role) {
        Ok(())
    } else {
        Err(Error::problem(ErrorCode::RoleForbidden, detail))
    }
}

/// Runs the handler of an operation. The match is exhaustive: a new row of the contract does not compile until it is served here.
///
/// # Errors
/// The errors of the operation.
pub(crate) async fn handle(app: &App, route: &Route, call: &Call) -> Result<Response> {
    match route.op {
        Op::CreateAsset => assets::create(app, call).await,
        Op::ListAssets => assets::list(app, call).await,
        Op::GetAsset => assets::get(app, call).await,
        Op::DeleteAsset => assets::delete(app, call).await,
        Op::CompleteAsset => uploads::complete(app, call).await,
        Op::RenewUpload => uploads::renew(app, call).await,
        Op::GetOriginal => playback::original(app, call).await,
        Op::GetPlayback => playback::playback(app, call).await,
        Op::GetLimits => limits::limits(app, call),
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
        Op::ListWorkers => admin::list_workers(app).await,
        Op::DrainWorker => admin::drain_worker(app, call).await,
        Op::GetBacklog => admin::backlog(app, call).await,
        Op::GetMedia => delivery::public(app, call).await,
        Op::GetStream => delivery::private(app, call).await,
        Op::Healthz => health::healthz(),
        Op::Readyz => health::readyz(app).await,
        Op::Version => health::version(app),
    }
}
