//! A private `PgBouncer` in transaction mode: nobody keeps a connection to the server for longer than a transaction.
//!
//! It lives as a [private PostgreSQL](crate::postgres) does: a directory of its own, a unix socket there, and a guard that
//! takes both away however its owner ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};

use crate::installation;
use crate::postgres::account::Account;
use crate::postgres::guard::{Guard, Guarded};
use crate::postgres::{Address, Durability, place};

/// How long it may take to be ready or to stop; usually it is a few milliseconds.
const PATIENCE: Duration = Duration::from_mins(1);

/// The port in the name of its socket.
const PORT: u16 = 6432;

/// Beside the PATH, as root's own programs are not on everybody's.
const FOLDERS: [&str; 4] = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/opt/homebrew/bin"];

/// Why a private `PgBouncer` is not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No `pgbouncer` in any of the places where it usually is.
    #[error("PgBouncer was not found; run scripts/ensure-pgbouncer, or install the package pgbouncer")]
    NotInstalled,
    /// There is no place, no account or no address for it.
    #[error("could not prepare a private PgBouncer")]
    Place(#[source] Box<crate::postgres::Error>),
    /// The operating system refused something.
    #[error("could not {action} the private PgBouncer in {path}", path = .path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// Its directory.
        path: PathBuf,
        /// What was answered.
        #[source]
        source: std::io::Error,
    },
    /// It ended, or never got as far as being ready.
    #[error("the private PgBouncer {what}; its log ends with:\n{log}")]
    NotReady {
        /// What it did or did not do.
        what: &'static str,
        /// The last lines of its log.
        log: String,
    },
}

/// The result of work on a private `PgBouncer`.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A private `PgBouncer` before a private server. When it is dropped, it stops and leaves nothing behind.
#[derive(Debug)]
pub struct PgBouncer {
    guard: Guard,
    directory: PathBuf,
    starts: AtomicU32,
}

impl PgBouncer {
    /// Starts one before `server`, with at most `pool_size` connections to each of its databases, and returns when it
    /// accepts connections.
    pub async fn start(server: &Address, pool_size: u32) -> Result<Self> {
        let program = installation::find("pgbouncer", &FOLDERS, "pgbouncer").ok_or(Error::NotInstalled)?;
        let place = |error| Error::Place(Box::new(error));
        let account = Account::for_server().map_err(place)?;
        let socket = format!(".s.PGSQL.{PORT}");
        let directory = place::make(("certferry-pgb-", &socket), Durability::None, None, account).map_err(place)?;
        let io = |source| Error::Io { action: "start", path: directory.path().to_owned(), source };
        let settings = directory.path().join("pgbouncer.ini");
        fs::write(&settings, configuration(directory.path(), server, pool_size)).map_err(io)?;
        let guarded = Guarded {
            init: ":".to_owned(),
            crash_signal: "TERM",
            library_path: installation::library_path(&program),
            server: vec![program.into_os_string(), settings.into_os_string()],
        };
        let guard = Guard::start(directory.path(), account, guarded).map_err(io)?;
        // From here on the guard removes the directory.
        let bouncer = Self { guard, directory: directory.keep(), starts: AtomicU32::new(0) };
        bouncer.start_again().await?;
        Ok(bouncer)
    }

    /// The URL of one of the server's databases, through `PgBouncer`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={PORT}&user=postgres", self.directory.display())
    }

    /// Stops it at once: every connection breaks, and there is nobody to connect to.
    pub async fn stop_immediate(&self) -> Result<()> {
        self.order("quit", "stop")?;
        let stopped = self.directory.join(format!("stopped.{}", self.starts.load(Ordering::Relaxed)));
        let deadline = Instant::now() + PATIENCE;
        while !stopped.exists() {
            self.check("did not stop in time", deadline)?;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// Starts it again after it was stopped, at its old address.
    pub async fn start_again(&self) -> Result<()> {
        let count = self.starts.fetch_add(1, Ordering::Relaxed) + 1;
        self.order(&format!("start {count}"), "start")?;
        let stopped = self.directory.join(format!("stopped.{count}"));
        let deadline = Instant::now() + PATIENCE;
        loop {
            if stopped.exists() || self.directory.join("failed").exists() {
                return Err(self.not_ready("ended instead of starting"));
            }
            // A startup parameter that the driver sends unless told not to, and that PgBouncer refuses.
            let options =
                PgConnectOptions::from_str(&self.url("postgres")).map(|options| options.extra_float_digits(None));
            if let Ok(options) = options
                && let Ok(connection) = PgConnection::connect_with(&options).await
            {
                // It has accepted us, which is what was wanted to know.
                connection.close().await.ok();
                return Ok(());
            }
            self.check("was not ready in time", deadline)?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn order(&self, order: &str, action: &'static str) -> Result<()> {
        self.guard.order(order).map_err(|source| Error::Io { action, path: self.directory.clone(), source })
    }

    fn check(&self, late: &'static str, deadline: Instant) -> Result<()> {
        if Instant::now() > deadline { Err(self.not_ready(late)) } else { Ok(()) }
    }

    fn not_ready(&self, what: &'static str) -> Error {
        let log = fs::read_to_string(self.directory.join("log")).unwrap_or_else(|error| format!("(no log: {error})"));
        let lines: Vec<_> = log.lines().collect();
        Error::NotReady { what, log: lines[lines.len().saturating_sub(12)..].join("\n") }
    }
}

/// Debian's settings but for the places, the pools, and whom it trusts.
fn configuration(directory: &Path, server: &Address, pool_size: u32) -> String {
    format!(
        "[databases]\n\
         * = host={server} port={port} user=postgres\n\
         [pgbouncer]\n\
         listen_addr =\n\
         listen_port = {PORT}\n\
         unix_socket_dir = {directory}\n\
         auth_type = any\n\
         pool_mode = transaction\n\
         default_pool_size = {pool_size}\n\
         max_client_conn = 300\n",
        server = server.directory().display(),
        port = server.port(),
        directory = directory.display(),
    )
}
