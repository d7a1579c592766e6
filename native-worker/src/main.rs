//! `native-worker`: reads its settings, binds its address and runs until a signal.

use std::io::Write as _;
use std::process::ExitCode;

use native_worker::config::Config;
use native_worker::{Error, VERSION, run, sandbox, setting};
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What the command line asks for.
enum Command {
    Run,
    Help,
    Version,
}

fn main() -> ExitCode {
    if let Some(failed) = sandbox::launched() {
        return failed;
    }
    let arguments: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|argument| argument.to_string_lossy().into_owned())
        .collect();
    let result = match command(&arguments) {
        Ok(Command::Help) => print(&help()),
        Ok(Command::Version) => print(&format!("native-worker {VERSION}\n")),
        Ok(Command::Run) => serve(),
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            note(&format!("error: {error}"));
            ExitCode::from(error.exit_code())
        }
    }
}

fn command(arguments: &[String]) -> Result<Command, Error> {
    match arguments {
        [] => Ok(Command::Run),
        [one] if one == "--help" || one == "-h" => Ok(Command::Help),
        [one] if one == "--version" || one == "-V" => Ok(Command::Version),
        [first, ..] => Err(Error::ArgumentUnknown(first.clone())),
    }
}

fn help() -> String {
    format!(
        "native-worker {VERSION}: the part of Ferrotype that runs on a machine of your own.\n\
         It does no jobs yet: it answers /healthz, /readyz and /version, and nothing else.\n\n\
         Usage: native-worker [--help | --version]\n\n\
         Settings (environment):\n{}",
        setting::help()
    )
}

#[tokio::main(flavor = "current_thread")]
async fn serve() -> Result<(), Error> {
    let config = Config::from_variables(std::env::vars_os())?;
    // Handlers first: a signal that comes right after `listening` must not kill the process.
    let terminate = signal(SignalKind::terminate()).map_err(Error::Signal)?;
    let interrupt = signal(SignalKind::interrupt()).map_err(Error::Signal)?;
    let listener = TcpListener::bind(config.addr)
        .await
        .map_err(|source| Error::Bind(config.addr, source))?;
    let addr = listener.local_addr().map_err(Error::Serve)?;
    note(&format!(
        "native-worker {VERSION} listening on http://{addr}"
    ));
    run(&config, listener, first(terminate, interrupt)).await?;
    note("native-worker stopped");
    Ok(())
}

async fn first(mut terminate: Signal, mut interrupt: Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

fn print(text: &str) -> Result<(), Error> {
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(Error::Print)
}

/// A line to stderr; a closed stderr is no reason to stop.
fn note(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
