//! Runs a command with private servers that its tests share, and takes them away afterwards: `with-postgres cargo test`.
//!
//! Beside PostgreSQL there is a MariaDB where that is installed; where it is not, the tests that need it say so.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitCode, ExitStatus};

use certferry_testkit::mariadb;
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
    let (postgres, mariadb) = tokio::join!(postgres(), mariadb());
    let (postgres, mariadb) = (postgres?, mariadb?);
    if let Some(server) = &postgres {
        command.env(SERVER_VARIABLE, server.address().directory());
    }
    if let Some(server) = &mariadb {
        command.env(mariadb::SERVER_VARIABLE, server.address().directory());
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

async fn postgres() -> Result<Option<Server>, certferry_testkit::postgres::Error> {
    match env::var_os(SERVER_VARIABLE) {
        Some(_) => Ok(None),
        None => Server::start(Settings::default()).await.map(Some),
    }
}

async fn mariadb() -> Result<Option<mariadb::Server>, mariadb::Error> {
    if env::var_os(mariadb::SERVER_VARIABLE).is_some() {
        return Ok(None);
    }
    match mariadb::Server::start().await {
        Err(mariadb::Error::NotInstalled) => Ok(None),
        server => server.map(Some),
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
