//! The process that outlives us for a moment to stop the server and clear up.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::account::Account;

/// How long a dropped server may take to stop and clear up before it is left to its guard.
const CLEARING_UP: Duration = Duration::from_secs(10);

/// What a guard is to guard.
#[derive(Debug)]
pub(crate) struct Guarded {
    /// A line of shell that makes the server's data; `$directory` in it is the directory.
    pub(crate) init: String,
    /// The name of the signal that ends the server as a crash would.
    pub(crate) crash_signal: &'static str,
    /// The server's command line.
    pub(crate) server: Vec<OsString>,
    /// The value of `LD_LIBRARY_PATH`, where there must be one.
    pub(crate) library_path: Option<OsString>,
}

/// A word as the shell takes it literally.
pub(crate) fn shell_word(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', r"'\''"))
}

/// A running guard. Dropping it closes the pipe and waits until server and directory are gone.
#[derive(Debug)]
pub(crate) struct Guard {
    process: Child,
    orders: Mutex<Option<ChildStdin>>,
}

impl Guard {
    /// Starts the guard, which makes the server's data in `directory` and waits for orders.
    ///
    /// It runs in a process group of its own, so that Ctrl-C reaches neither it nor the server, and without our
    /// environment, so that no `PG…` variable changes what the server does.
    pub(crate) fn start(directory: &Path, account: Option<Account>, guarded: Guarded) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.arg("-c").arg(include_str!("guard.sh")).arg("certferry-guard").arg(directory);
        command.arg(guarded.init).arg(guarded.crash_signal).args(guarded.server);
        command.env_clear().env("PATH", "/usr/local/bin:/usr/bin:/bin").env("LC_ALL", "C").env("TZ", "UTC");
        if let Some(libraries) = guarded.library_path {
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
    pub(crate) fn order(&self, order: &str) -> io::Result<()> {
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
