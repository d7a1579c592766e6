//! Ferrotype at the edge: the shell that runs the pure core on Cloudflare Workers.
//!
//! Three entry points (`fetch`, `queue`, `scheduled`) and three Durable Objects ([`hub_do::Hub`],
//! [`sweeper_do::Sweeper`], [`dispatch_do::Dispatch`]).
//! One build, deployed as two scripts: `wrangler.toml` (API and Durable Objects) and `wrangler.images.toml` (queue consumer).
//!
//! Invariant: nothing here panics. A panic resets the whole isolate: every open stream in it stays open and silent.
//! Invariant: jobs change only in [`jobs::apply`].

mod app;
mod assets;
mod auth;
mod call;
mod clock;
mod codec;
mod complete;
mod config;
mod consumer;
mod db;
mod deliver;
mod dispatch;
mod dispatch_do;
mod error;
mod events;
mod health;
mod http;
mod hub;
mod hub_do;
mod image_job;
mod job_routes;
mod jobs;
mod media;
mod playback;
mod queue_routes;
mod removal;
mod scope;
mod sweep;
mod sweeper;
mod sweeper_do;
mod worker_jobs;
mod workers;

use worker::{
    Context, Env, MessageBatch, Request, Response, Result, ScheduleContext, ScheduledEvent, event,
};

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    http::serve(request, env, context).await
}

/// Never returns `Err`: the macro would turn it into a panic, which resets the isolate and redelivers the whole batch.
#[event(queue)]
async fn queue(batch: MessageBatch<String>, env: Env, context: Context) -> Result<()> {
    consumer::consume(&batch, env, context).await;
    Ok(())
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    sweeper::wake(&env).await;
}
