//! Running the real programs, as a user would.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::databases::Databases;
use crate::screen::{say, short};

/// How long a program that was asked to end may take to finish what it has in hand.
const GRACE: Duration = Duration::from_secs(15);

/// How long `producer status` may take.
const STATUS: Duration = Duration::from_secs(30);

/// What an interrupted step answers; `main` says it in its own words.
pub(crate) const STOPPED: &str = "the demo was stopped";

/// The programs beside our own executable, set up for the demo's databases.
#[derive(Debug)]
pub(crate) struct Programs {
    folder: PathBuf,
    environment: [(&'static str, String); 2],
    stop: CancellationToken,
}

impl Programs {
    pub(crate) fn find(databases: &Databases, stop: &CancellationToken) -> Result<Self> {
        let own = std::env::current_exe().context("could not find out where the demo itself is")?;
        let folder = own.parent().unwrap_or(Path::new(".")).to_owned();
        for name in ["producer", "worker", "reporter"] {
            if !folder.join(name).is_file() {
                bail!("{name} is not in {}; run `make build` first", folder.display());
            }
        }
        let environment = [("SOURCE_URL", databases.source.clone()), ("DATABASE_URL", databases.destination.clone())];
        Ok(Self { folder, environment, stop: stop.clone() })
    }

    /// Runs a program to its end, with its output on the screen, and fails if it fails.
    pub(crate) async fn run(&self, name: &str, arguments: &[&str]) -> Result<()> {
        self.announce(name, arguments, "");
        let child = self.command(name, arguments).spawn();
        let mut program = self.started(name, child)?;
        program.end(&self.stop).await
    }

    /// Starts a program that runs beside the others, with its output in a file.
    pub(crate) fn start(&self, name: &str, arguments: &[&str], log: &Path) -> Result<Program> {
        self.announce(name, arguments, &format!(" 2>{} &", short(log)));
        let file = File::create(log).with_context(|| format!("could not write {}", log.display()))?;
        let mut command = self.command(name, arguments);
        command.stdout(Stdio::null()).stderr(file);
        self.started(name, command.spawn())
    }

    /// What `producer status --json` says.
    pub(crate) async fn status(&self) -> Result<serde_json::Value> {
        let mut command = self.command("producer", &["status", "--json"]);
        command.stderr(Stdio::null()).kill_on_drop(true);
        let output = timeout(STATUS, command.output()).await.context("`producer status --json` took too long")??;
        if !output.status.success() {
            bail!("`producer status --json` failed; run it by hand to see why");
        }
        serde_json::from_slice(&output.stdout).context("`producer status --json` did not print a JSON document")
    }

    fn announce(&self, name: &str, arguments: &[&str], rest: &str) {
        say(&format!("    $ {} {}{rest}", short(&self.folder.join(name)), arguments.join(" ")));
    }

    /// In a process group of its own, so that Ctrl-C does not reach it beside our own request to end: to be asked twice
    /// means to stop at once.
    fn command(&self, name: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.folder.join(name));
        command.args(arguments).envs(self.environment.clone()).stdin(Stdio::null()).process_group(0);
        command
    }

    fn started(&self, name: &str, child: std::io::Result<Child>) -> Result<Program> {
        let child = child.with_context(|| format!("could not run {}", self.folder.join(name).display()))?;
        Ok(Program { name: name.to_owned(), child })
    }
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
}

impl Program {
    /// Waits until the program has ended, or ends it when the demo is to stop.
    async fn end(&mut self, stop: &CancellationToken) -> Result<()> {
        let Some(status) = stop.run_until_cancelled(self.child.wait()).await else {
            self.stop().await?;
            bail!(STOPPED);
        };
        self.judge(status?)
    }

    /// Whether it has ended; it is an error if it failed.
    pub(crate) fn has_ended(&mut self) -> Result<bool> {
        match self.child.try_wait()? {
            Some(status) => self.judge(status).map(|()| true),
            None => Ok(false),
        }
    }

    /// Asks the program to end, and sees to it that it does.
    pub(crate) async fn stop(&mut self) -> Result<()> {
        if let Some(id) = self.child.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)) {
            kill_process(id, Signal::TERM).with_context(|| format!("could not ask {} to end", self.name))?;
        }
        if timeout(GRACE, self.child.wait()).await.is_err() {
            self.child.kill().await.with_context(|| format!("could not end {}", self.name))?;
        }
        Ok(())
    }

    fn judge(&self, status: ExitStatus) -> Result<()> {
        if status.success() { Ok(()) } else { bail!("{} ended with {status}", self.name) }
    }
}
