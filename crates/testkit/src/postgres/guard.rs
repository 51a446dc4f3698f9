//! The process that outlives us for a moment to stop the server and clear up.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::account::Account;
use super::binaries::Binaries;

/// How long a dropped server may take to stop and clear up before it is left to its guard.
const CLEARING_UP: Duration = Duration::from_secs(10);

/// A running guard. Dropping it closes the pipe and waits until server and directory are gone.
#[derive(Debug)]
pub(super) struct Guard {
    process: Child,
    orders: Mutex<Option<ChildStdin>>,
}

impl Guard {
    /// Starts the guard, which makes a database cluster in `directory` and waits for orders.
    ///
    /// It runs in a process group of its own, so that Ctrl-C reaches neither it nor the server, and without our
    /// environment, so that no `PG…` variable changes what the server does.
    pub(super) fn start<I, S>(
        directory: &Path,
        binaries: &Binaries,
        account: Option<Account>,
        settings: I,
    ) -> io::Result<Self>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(include_str!("guard.sh")).arg("certferry-guard").arg(directory);
        command.arg(binaries.initdb()).arg(binaries.postgres()).args(settings);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        if let Some(libraries) = binaries.library_path() {
            command.env("LD_LIBRARY_PATH", libraries);
        }
        if let Some(account) = account {
            command.uid(account.user).gid(account.group);
        }
        command.current_dir(directory).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut process = command.spawn()?;
        let orders = Mutex::new(process.stdin.take());
        Ok(Self { process, orders })
    }

    /// Tells the guard what to do.
    pub(super) fn order(&self, order: &str) -> io::Result<()> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        match orders.as_mut() {
            Some(pipe) => writeln!(pipe, "{order}"),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.orders.get_mut().unwrap_or_else(PoisonError::into_inner).take());
        let deadline = Instant::now() + CLEARING_UP;
        while matches!(self.process.try_wait(), Ok(None)) && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(2));
        }
    }
}
