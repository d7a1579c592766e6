//! `cargo xtask dev`: the stack until Ctrl-C.

use std::io::IsTerminal as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::build::{self, Profile, native};
use crate::paths::Paths;
use crate::stack::stop::{Stop, Stopped};
use crate::stack::{self, Stack};
use crate::{say, setup};

/// Time between two looks at the parts.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_millis(100);

/// How to run the stack.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Port of the origin of everything; 0 chooses a free one.
    #[arg(long, default_value_t = 8787)]
    port: u16,
    /// Folder of everything that the stack keeps; another start on it continues with the same data.
    #[arg(long, value_name = "DIR", default_value = ".ferrotype/dev")]
    state: PathBuf,
    /// A variable for the scripts that overrides that of wrangler.toml; may be repeated.
    #[arg(long = "var", value_name = "KEY=VALUE", value_parser = parse_var)]
    vars: Vec<(String, String)>,
    /// Native workers, for video, audio and large images: dev-worker-1, …
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(0..=16))]
    workers: u16,
    /// A setting for the native workers that overrides that of the stack (`native-worker --help` lists them); may be repeated.
    #[arg(long = "worker-var", value_name = "KEY=VALUE", value_parser = parse_var)]
    worker_vars: Vec<(String, String)>,
    /// Run the edge as it is deployed, fully optimized; its build takes minutes.
    #[arg(long)]
    release_edge: bool,
}

/// Runs the stack until a signal comes.
pub(crate) fn run(paths: &Paths, options: Options) -> Result<()> {
    let profile = Profile::of(options.release_edge);
    let tools = build::ensure(paths, setup::For::Stack, profile)?;
    let worker = match options.workers {
        0 => PathBuf::new(),
        _ => native::ensure(paths, Profile::Local, None)?,
    };
    let stop = Stop::listen()?;
    // The default is relative to the checkout, a folder that the user names to the current folder.
    let is_default = options.state.starts_with(".ferrotype");
    let state = if is_default {
        paths.root.join(&options.state)
    } else {
        options.state
    };
    let stack = stack::Options {
        port: options.port,
        state,
        vars: options.vars,
        profile,
        worker_vars: options.worker_vars,
    };
    let stack = Stack::start(&paths.root, paths, &tools, &stack, &stop);
    match stack.and_then(|stack| serve(stack, worker, options.workers, &stop)) {
        Err(error) if error.is::<Stopped>() => Ok(()),
        result => result,
    }
}

fn serve(mut stack: Stack, worker: PathBuf, workers: u16, stop: &Stop) -> Result<()> {
    if workers > 0 {
        stack.add_workers(worker, workers, stop)?;
    }
    say::line(format_args!("ready: {}", stack.origin()));
    let state = stack.state().display();
    say::note(format_args!(
        "  logs   {state}/logs\n  state  {state}\n  token  cargo xtask token\nPress Ctrl-C to stop."
    ));
    watch(&mut stack, stop)?;
    stack.stop();
    Ok(())
}

/// Keeps the parts of `stack` alive until a signal comes.
pub(crate) fn watch(stack: &mut Stack, stop: &Stop) -> Result<()> {
    while !stop.is_set() {
        stack.look(stop)?;
        std::thread::sleep(LOOK_INTERVAL);
    }
    if std::io::stderr().is_terminal() {
        // The terminal has printed `^C` without a newline.
        say::note("");
    }
    Ok(())
}

fn parse_var(text: &str) -> Result<(String, String)> {
    let (key, value) = text.split_once('=').context("must be KEY=VALUE")?;
    Ok((key.to_owned(), value.to_owned()))
}
