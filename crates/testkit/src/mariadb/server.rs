//! One private server.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, MySqlConnection};
use tokio::sync::OnceCell;

use super::binaries::Binaries;
use super::{Error, Result, SERVER_VARIABLE};
use crate::postgres::Durability;
use crate::postgres::account::Account;
use crate::postgres::guard::{Guard, Guarded};
use crate::postgres::place;
use crate::postgres::server::free_port;
use crate::tls;

/// How long a server may take to be ready or to stop; usually it is less than two seconds.
const PATIENCE: Duration = Duration::from_mins(1);

const SOCKET: &str = "socket";

/// Where a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    directory: PathBuf,
}

impl Address {
    /// The URL of one of the server's databases.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("mysql://root@localhost/{database}?socket={}", self.directory.join(SOCKET).display())
    }

    /// The directory that holds the server's socket.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Makes an empty database for text of any language.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        let sql = |source| Error::Sql { name: name.to_owned(), source };
        let mut connection = MySqlConnection::connect(&self.url("mysql")).await.map_err(sql)?;
        let statement = AssertSqlSafe(format!("CREATE DATABASE `{}` CHARACTER SET utf8mb4", name.replace('`', "``")));
        sqlx::raw_sql(statement).execute(&mut connection).await.map_err(sql)?;
        connection.close().await.map_err(sql)
    }
}

/// A private server. When it is dropped, it stops and leaves nothing behind.
#[derive(Debug)]
pub struct Server {
    guard: Guard,
    address: Address,
    port: Option<u16>,
    starts: AtomicU32,
}

impl Server {
    /// Makes and starts a server, and returns when it accepts connections. What it has written does not outlive a crash
    /// of the machine.
    pub async fn start() -> Result<Self> {
        Self::start_with(vec!["--skip-ssl".into(), "--skip-networking".into()]).await
    }

    /// The same, with TLS on a free port of the loopback address.
    pub async fn start_with_tls(files: &tls::Files) -> Result<Self> {
        let option = |name: &str, file: PathBuf| OsString::from(format!("--{name}={}", file.display()));
        let io = |source| Error::Io { action: "find a port for", path: files.certificate(), source };
        let port = free_port().map_err(io)?;
        let options = vec![
            option("ssl-cert", files.certificate()),
            option("ssl-key", files.key()),
            "--bind-address=127.0.0.1".into(),
            format!("--port={port}").into(),
        ];
        let server = Self { port: Some(port), ..Self::spawn(options)? };
        server.start_again().await?;
        Ok(server)
    }

    async fn start_with(options: Vec<OsString>) -> Result<Self> {
        let server = Self::spawn(options)?;
        server.start_again().await?;
        Ok(server)
    }

    /// The address of a server for tests to share, each with a database of its own: the one that `with-postgres` started
    /// for the whole run, or one that this process starts with its first call and that ends with this process.
    pub async fn shared() -> Result<Address> {
        static OWN: OnceCell<Server> = OnceCell::const_new();
        if let Some(directory) = env::var_os(SERVER_VARIABLE) {
            return Ok(Address { directory: PathBuf::from(directory) });
        }
        Ok(OWN.get_or_try_init(Self::start).await?.address.clone())
    }

    fn spawn(options: Vec<OsString>) -> Result<Self> {
        let binaries = Binaries::find()?;
        let place = |error| Error::Place(Box::new(error));
        let account = Account::for_server().map_err(place)?;
        let directory = place::make(("certferry-mariadb-", SOCKET), Durability::None, None, account).map_err(place)?;
        let path = directory.path().to_owned();
        let option = |name: &str, file: &str| OsString::from(format!("--{name}={}", path.join(file).display()));
        let guarded = Guarded {
            init: binaries.init(),
            crash_signal: "KILL",
            server: binaries
                .server()
                .into_iter()
                .chain([
                    option("datadir", "data"),
                    option("socket", SOCKET),
                    option("pid-file", "server.pid"),
                    option("tmpdir", ""),
                    "--skip-log-bin".into(),
                    "--innodb-flush-log-at-trx-commit=2".into(),
                    "--innodb-buffer-pool-size=256M".into(),
                    "--max-connections=300".into(),
                ])
                .chain(options)
                .collect(),
            library_path: binaries.library_path(),
        };
        let guard = Guard::start(&path, account, guarded).map_err(|source| Error::Io {
            action: "start",
            path: path.clone(),
            source,
        })?;
        // From here on the guard removes the directory.
        Ok(Self { guard, address: Address { directory: directory.keep() }, port: None, starts: AtomicU32::new(0) })
    }

    /// The port of a server with TLS.
    #[must_use]
    pub fn tcp_port(&self) -> Option<u16> {
        self.port
    }

    /// Where the server answers.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Stops the server as a crash of it would: every connection breaks, nothing is written down first.
    pub async fn stop_immediate(&self) -> Result<()> {
        self.order("quit", "stop")?;
        let stopped = self.file(&format!("stopped.{}", self.starts.load(Ordering::Relaxed)));
        let deadline = Instant::now() + PATIENCE;
        while !stopped.exists() {
            self.check("did not stop in time", deadline)?;
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    /// Starts a stopped server at its old address and returns when it has recovered and accepts connections.
    pub async fn start_again(&self) -> Result<()> {
        let count = self.starts.fetch_add(1, Ordering::Relaxed) + 1;
        self.order(&format!("start {count}"), "start")?;
        let stopped = self.file(&format!("stopped.{count}"));
        let failed = self.file("failed");
        let deadline = Instant::now() + PATIENCE;
        loop {
            if stopped.exists() || failed.exists() {
                return Err(self.not_ready("ended instead of starting"));
            }
            if self.file(SOCKET).exists()
                && let Ok(connection) = MySqlConnection::connect(&self.address.url("mysql")).await
            {
                // With TLS the server hangs up before the last word of it; it is ready all the same.
                drop(connection.close().await);
                return Ok(());
            }
            self.check("was not ready in time", deadline)?;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn order(&self, order: &str, action: &'static str) -> Result<()> {
        self.guard.order(order).map_err(|source| Error::Io { action, path: self.address.directory.clone(), source })
    }

    fn check(&self, late: &'static str, deadline: Instant) -> Result<()> {
        if Instant::now() > deadline { Err(self.not_ready(late)) } else { Ok(()) }
    }

    fn not_ready(&self, what: &'static str) -> Error {
        let log = fs::read_to_string(self.file("log")).unwrap_or_else(|error| format!("(no log: {error})"));
        let lines: Vec<_> = log.lines().collect();
        Error::NotReady { what, log: lines[lines.len().saturating_sub(12)..].join("\n") }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.address.directory.join(name)
    }
}
