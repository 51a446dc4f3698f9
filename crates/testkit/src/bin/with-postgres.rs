//! Runs a command with a private PostgreSQL server that its tests share, and takes the server away afterwards:
//! `with-postgres cargo test`.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use certferry_testkit::postgres::{SERVER_VARIABLE, Server, Settings};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let mut words = env::args_os().skip(1);
    let Some(program) = words.next() else {
        eprintln!("usage: with-postgres COMMAND [ARGUMENT]…");
        return ExitCode::from(2);
    };
    match run(program, words.collect()).await {
        Ok(status) => exit_code(status),
        Err(error) => {
            eprintln!("with-postgres: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  because: {error}");
                cause = error.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(program: OsString, arguments: Vec<OsString>) -> Result<ExitStatus, Box<dyn std::error::Error>> {
    // From here on Ctrl-C ends the command, which the terminal sends it to as well, and not us before it.
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut command = Command::new(&program);
    command.args(arguments);
    let server = match env::var_os(SERVER_VARIABLE) {
        Some(_) => None,
        None => Some(Server::start(Settings::default()).await?),
    };
    if let Some(server) = &server {
        command.env(SERVER_VARIABLE, server.address().directory());
    }
    let mut child = command.spawn().map_err(|error| format!("could not run {}: {error}", program.to_string_lossy()))?;
    loop {
        tokio::select! {
            status = child.wait() => return Ok(status?),
            _ = interrupt.recv() => {}
            _ = terminate.recv() => pass_on(&child, Signal::TERM)?,
        }
    }
}

fn pass_on(child: &Child, signal: Signal) -> std::io::Result<()> {
    let id = child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
    id.map_or(Ok(()), |id| Ok(kill_process(id, signal)?))
}

/// The command's own exit code, or 128 and the number of the signal that ended it, as a shell has it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
