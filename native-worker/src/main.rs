//! `native-worker`: reads its settings, binds its address and works until it receives a signal.

use std::io::Write as _;
use std::process::ExitCode;

use native_worker::child::{codec, sandbox};
use native_worker::config::Config;
use native_worker::ops::{check, log};
use native_worker::{Error, VERSION, run, setting};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

/// What the command line asks for.
enum Command {
    Run,
    Check,
    Help,
    Version,
}

fn main() -> ExitCode {
    if let Some(failed) = sandbox::launched(codec::run) {
        return failed;
    }
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let result = match command(&arguments) {
        Ok(Command::Help) => print(&help()),
        Ok(Command::Version) => print(&format!("native-worker {VERSION}\n")),
        Ok(Command::Check) => examine(),
        Ok(Command::Run) => work(),
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr does not change the exit code.
            let _ = writeln!(std::io::stderr(), "error: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

fn command(arguments: &[String]) -> Result<Command, Error> {
    match arguments {
        [] => Ok(Command::Run),
        [one] if one == "--help" || one == "-h" => Ok(Command::Help),
        [one] if one == "--version" || one == "-V" => Ok(Command::Version),
        [one] if one == "--check" => Ok(Command::Check),
        [first, ..] => Err(Error::ArgumentUnknown(first.clone())),
    }
}

fn help() -> String {
    format!(
        "native-worker {VERSION}: the part of Ferrotype that runs on your own machines.\n\
         It takes jobs for video, audio and large images from the queue and writes the outputs to the buckets.\n\n\
         Usage: native-worker [--check | --help | --version]\n\n\
         \x20 --check    test everything that a job needs, print the results, and exit\n\n\
         Settings (environment variables):\n{}",
        setting::help()
    )
}

fn work() -> Result<(), Error> {
    sandbox::close_environment().map_err(Error::Runtime)?;
    // Two threads are enough: heavy work runs in child programs or on threads of its own.
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let result = runtime.block_on(serve());
    // Trap: dropping a runtime waits for its blocking threads, which may still hash a file of gigabytes.
    runtime.shutdown_background();
    result
}

async fn serve() -> Result<(), Error> {
    let config = Config::from_variables(std::env::vars_os())?;
    log::init(&config);
    // The handlers come first: a signal right after the log line below must not kill the process.
    let terminate = signal(SignalKind::terminate()).map_err(Error::Signal)?;
    let interrupt = signal(SignalKind::interrupt()).map_err(Error::Signal)?;
    let listener = TcpListener::bind(config.addr)
        .await
        .map_err(|source| Error::Bind(config.addr, source))?;
    let addr = listener.local_addr().map_err(Error::Serve)?;
    tracing::info!("native-worker {VERSION} listening on http://{addr}");
    let (sender, signals) = mpsc::channel(2);
    tokio::spawn(forward(terminate, interrupt, sender));
    run(config, listener, signals).await?;
    tracing::info!("native-worker stopped");
    Ok(())
}

async fn forward(mut terminate: Signal, mut interrupt: Signal, sender: mpsc::Sender<()>) {
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if sender.send(()).await.is_err() {
            return;
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn examine() -> Result<(), Error> {
    let config = Config::from_variables(std::env::vars_os())?;
    log::init(&config);
    let report = check::check(config).await;
    print(&report.to_string())?;
    if report.is_good() {
        Ok(())
    } else {
        Err(Error::CheckFailed)
    }
}

fn print(text: &str) -> Result<(), Error> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(Error::Print)
}
