//! What every part of the edge works with: the bindings and the configuration of one invocation.

use std::future::Future;
use std::rc::Rc;

use worker::{Context, D1Database, Env};

use crate::config::Config;
use crate::error::Result;

/// Everything that one invocation can reach outside of itself.
#[derive(Clone)]
pub(crate) struct App {
    /// Bindings.
    pub(crate) env: Env,
    /// Settings.
    pub(crate) config: Rc<Config>,
    /// Keeps work alive after the response; `None` in Durable Objects, which stay alive by themselves.
    context: Option<Rc<Context>>,
}

impl App {
    /// For a request, a queue batch or a cron run.
    ///
    /// # Errors
    /// When a setting is missing or invalid.
    pub(crate) fn new(env: Env, context: Context) -> Result<Self> {
        let config = Config::of(&env)?;
        Ok(Self {
            env,
            config,
            context: Some(Rc::new(context)),
        })
    }

    /// For a Durable Object.
    ///
    /// # Errors
    /// When a setting is missing or invalid.
    pub(crate) fn in_object(env: Env) -> Result<Self> {
        let config = Config::of(&env)?;
        Ok(Self {
            env,
            config,
            context: None,
        })
    }

    /// The database.
    ///
    /// # Errors
    /// When the binding is missing.
    pub(crate) fn db(&self) -> Result<D1Database> {
        Ok(self.env.d1("DB")?)
    }

    /// Runs `work` after the response has been sent.
    pub(crate) fn afterwards(&self, work: impl Future<Output = ()> + 'static) {
        match &self.context {
            Some(context) => context.wait_until(work),
            None => wasm_bindgen_futures::spawn_local(work),
        }
    }
}
