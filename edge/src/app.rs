//! What every part of the shell works with: the bindings and the configuration of one invocation.

use std::future::Future;
use std::rc::Rc;

use worker::{Bucket, Context, D1Database, Env, Stub};

use crate::config::Config;
use crate::error::Result;

/// One invocation's way to everything outside.
#[derive(Clone)]
pub(crate) struct App {
    /// Bindings.
    pub(crate) env: Env,
    /// Settings.
    pub(crate) config: Rc<Config>,
    /// Keeps work alive after the answer; absent in Durable Objects, which live on by themselves.
    context: Option<Rc<Context>>,
}

impl App {
    /// For an invocation of the script.
    pub(crate) fn new(env: Env, context: Context) -> Result<Self> {
        let config = Config::of(&env)?;
        Ok(Self {
            env,
            config,
            context: Some(Rc::new(context)),
        })
    }

    /// For a Durable Object.
    pub(crate) fn in_object(env: Env) -> Result<Self> {
        let config = Config::of(&env)?;
        Ok(Self {
            env,
            config,
            context: None,
        })
    }

    /// The database.
    pub(crate) fn db(&self) -> Result<D1Database> {
        Ok(self.env.d1("DB")?)
    }

    /// The bucket of originals and private outputs.
    pub(crate) fn raw(&self) -> Result<Bucket> {
        Ok(self.env.bucket("RAW")?)
    }

    /// The bucket of public outputs.
    pub(crate) fn public(&self) -> Result<Bucket> {
        Ok(self.env.bucket("PUBLIC")?)
    }

    /// The hub of the given name.
    pub(crate) fn hub(&self, name: &str) -> Result<Stub> {
        Ok(self.env.durable_object("HUB")?.get_by_name(name)?)
    }

    /// Does `work` after the answer has gone out.
    pub(crate) fn afterwards(&self, work: impl Future<Output = ()> + 'static) {
        match &self.context {
            Some(context) => context.wait_until(work),
            None => wasm_bindgen_futures::spawn_local(work),
        }
    }
}
