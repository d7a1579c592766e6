//! Ferrotype at the edge: the crate `shared`, which is pure, on Cloudflare Workers.
//!
//! Three entry points (`fetch`, `queue`, `scheduled`) and three Durable Objects ([`hub::object::Hub`],
//! [`sweeper::object::Sweeper`], [`dispatch::object::Dispatch`]).
//! One build, deployed as two scripts: `wrangler.toml` (API and Durable Objects) and `wrangler.images.toml` (queue consumer).
//!
//! Invariant: nothing here panics. A panic resets the whole isolate, and every open stream in it stays open and silent.
//! Invariant: jobs change only in [`jobs::apply`].

mod app;
mod clock;
mod config;
mod db;
mod dispatch;
mod error;
mod http;
mod hub;
mod jobs;
mod object;
mod outbox;
mod routes;
mod scope;
mod storage;
mod sweeper;
mod upload;
mod work;

use worker::{
    Context, Env, MessageBatch, Response, Result, ScheduleContext, ScheduledEvent, event, web_sys,
};

#[event(fetch)]
async fn fetch(request: web_sys::Request, env: Env, context: Context) -> Result<Response> {
    http::serve(request, env, context).await
}

/// Never returns `Err`: the macro would turn it into a panic, which resets the isolate and redelivers the whole batch.
#[event(queue)]
async fn queue(batch: MessageBatch<String>, env: Env, context: Context) -> Result<()> {
    work::consume(&batch, env, context).await;
    Ok(())
}

#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    sweeper::wake(&env).await;
}
