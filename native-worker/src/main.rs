//! `native-worker`: reads its settings, binds its address and works until a signal.

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
            // A closed stderr is no reason to end otherwise.
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
        "native-worker {VERSION}: the part of Ferrotype that runs on a machine of your own.\n\
         It takes films, sound and large pictures from the queue, and puts what it makes into the buckets.\n\n\
         Usage: native-worker [--check | --help | --version]\n\n\
         \x20 --check    tries ffmpeg, the buckets and the edge, says what works, and ends\n\n\
         Settings (environment):\n{}",
        setting::help()
    )
}

fn work() -> Result<(), Error> {
    sandbox::close_environment().map_err(Error::Runtime)?;
    // Two threads: what is heavy runs in ffmpeg, or on threads of its own.
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(Error::Runtime)?;
    let result = runtime.block_on(serve());
    // Trap: dropping a runtime waits for its threads, and that of the codec may take a minute for a picture that nobody
    // wants any more.
    runtime.shutdown_background();
    result
}

async fn serve() -> Result<(), Error> {
    let config = Config::from_variables(std::env::vars_os())?;
    log::init(&config)?;
    // Handlers first: a signal that comes right after `listening` must not kill the process.
    let terminate = signal(SignalKind::terminate()).map_err(Error::Signal)?;
    let interrupt = signal(SignalKind::interrupt()).map_err(Error::Signal)?;
    let listener = TcpListener::bind(config.addr)
        .await
        .map_err(|source| Error::Bind(config.addr, source))?;
    let addr = listener.local_addr().map_err(Error::Serve)?;
    tracing::info!("native-worker {VERSION} listening on http://{addr}");
    let (tell, signals) = mpsc::channel(2);
    tokio::spawn(forward(terminate, interrupt, tell));
    run(config, listener, signals).await?;
    tracing::info!("native-worker stopped");
    Ok(())
}

async fn forward(mut terminate: Signal, mut interrupt: Signal, tell: mpsc::Sender<()>) {
    loop {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        if tell.send(()).await.is_err() {
            return;
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn examine() -> Result<(), Error> {
    let config = Config::from_variables(std::env::vars_os())?;
    log::init(&config)?;
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
