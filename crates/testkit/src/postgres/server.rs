//! One private server.

use std::env;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

use super::account::Account;
use super::binaries::Binaries;
use super::guard::{Guard, Guarded, shell_word};
use super::{Error, Result, SERVER_VARIABLE, place};

/// How long a server may take to be ready or to stop; usually it is less than half a second.
const PATIENCE: Duration = Duration::from_mins(1);

/// The port in the name of the socket of a server that listens on nothing else.
const SOCKET_PORT: u16 = 5432;

/// What becomes of committed work when the server crashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// The last of it may be lost, and the server is the faster for it: for tests that do not stop it, and the demo.
    #[default]
    None,
    /// It is on disk, as on a server that matters: for benchmarks, and where a server is stopped.
    Full,
}

/// How a private server is set up.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Whether commits wait for the disk.
    pub durability: Durability,
    /// Whether the server also listens on a free TCP port of the loopback address, for whoever must go through TCP,
    /// as a proxy does. Any account of this machine can connect to that port.
    pub tcp: bool,
    /// More settings, as on the server's command line (`-c name=value`); they win over our own.
    pub parameters: Vec<(String, String)>,
    /// The folder to make the server's directory in, where the usual one will not do.
    pub place: Option<PathBuf>,
}

impl Settings {
    /// Sets one setting of the server.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.parameters.push((name.to_owned(), value.to_owned()));
        self
    }

    fn arguments(&self, directory: &Path, port: u16) -> Vec<String> {
        let mut settings = vec![
            ("unix_socket_directories", directory.display().to_string()),
            ("listen_addresses", if self.tcp { Ipv4Addr::LOCALHOST.to_string() } else { String::new() }),
            ("port", port.to_string()),
            ("max_connections", "300".to_owned()),
        ];
        if self.durability == Durability::None {
            settings
                .extend(["fsync", "synchronous_commit", "full_page_writes"].map(|setting| (setting, "off".to_owned())));
        }
        let extra = self.parameters.iter().map(|(name, value)| (name.as_str(), value.clone()));
        settings.into_iter().chain(extra).flat_map(|(name, value)| ["-c".into(), format!("{name}={value}")]).collect()
    }
}

/// Where a server answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    directory: PathBuf,
    port: u16,
}

impl Address {
    /// The URL of one of the server's databases, for sqlx, `psql` and every program of Certferry alike.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!("postgres:///{database}?host={}&port={}&user=postgres", self.directory.display(), self.port)
    }

    /// The directory that holds the server's socket.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The port in the name of its socket.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Makes an empty database.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        let sql = |source| Error::Sql { action: "create the database", subject: name.to_owned(), source };
        let mut connection = PgConnection::connect(&self.url("postgres")).await.map_err(sql)?;
        let statement = AssertSqlSafe(format!("CREATE DATABASE {}", quoted(name)));
        sqlx::raw_sql(statement).execute(&mut connection).await.map_err(sql)?;
        connection.close().await.map_err(sql)
    }
}

/// A name as SQL wants it.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A private server. When it is dropped, it stops and leaves nothing behind.
#[derive(Debug)]
pub struct Server {
    guard: Guard,
    address: Address,
    tcp: bool,
    starts: AtomicU32,
}

impl Server {
    /// Makes and starts a server, and returns when it accepts connections.
    pub async fn start(settings: Settings) -> Result<Self> {
        let server = Self::spawn(&settings)?;
        server.start_again().await?;
        Ok(server)
    }

    /// The address of a server for tests to share, each with a database of its own: the one that `with-postgres` started
    /// for the whole run, or one that this process starts with its first call and that ends with this process.
    pub async fn shared() -> Result<Address> {
        static OWN: OnceCell<Server> = OnceCell::const_new();
        if let Some(directory) = env::var_os(SERVER_VARIABLE) {
            return Ok(Address { directory: PathBuf::from(directory), port: SOCKET_PORT });
        }
        Ok(OWN.get_or_try_init(|| Self::start(Settings::default())).await?.address.clone())
    }

    fn spawn(settings: &Settings) -> Result<Self> {
        let binaries = Binaries::find()?;
        let account = Account::for_server()?;
        let directory =
            place::make(("certferry-pg-", ".s.PGSQL.65535"), settings.durability, settings.place.as_deref(), account)?;
        let io = |source| Error::Io { action: "start a private server in", path: directory.path().to_owned(), source };
        let port = if settings.tcp { free_port().map_err(io)? } else { SOCKET_PORT };
        let arguments = settings.arguments(directory.path(), port);
        // Small segments make a server that is soon thrown away smaller and sooner there; they cost those who write much.
        let segments = if settings.durability == Durability::None { "--wal-segsize=1" } else { "" };
        let guarded = Guarded {
            init: format!(
                "{} -D \"$directory/data\" -U postgres -N --no-locale -E UTF8 -A trust {segments}",
                shell_word(&binaries.initdb())
            ),
            crash_signal: "QUIT",
            server: [binaries.postgres().into_os_string(), "-D".into(), directory.path().join("data").into_os_string()]
                .into_iter()
                .chain(arguments.into_iter().map(Into::into))
                .collect(),
            library_path: binaries.library_path(),
        };
        let guard = Guard::start(directory.path(), account, guarded).map_err(io)?;
        // From here on the guard removes the directory.
        Ok(Self {
            guard,
            address: Address { directory: directory.keep(), port },
            tcp: settings.tcp,
            starts: AtomicU32::new(0),
        })
    }

    /// Where the server answers.
    #[must_use]
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The URL of one of the server's databases, through its socket.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        self.address.url(database)
    }

    /// The port on the loopback address, for a server that was asked to have one.
    #[must_use]
    pub fn tcp_port(&self) -> Option<u16> {
        self.tcp.then_some(self.address.port)
    }

    /// Makes an empty database.
    pub async fn create_database(&self, name: &str) -> Result<()> {
        self.address.create_database(name).await
    }

    /// Stops the server as a crash of it would: every connection breaks, nothing is written down first.
    pub async fn stop_immediate(&self) -> Result<()> {
        self.order("quit", "stop")?;
        let stopped = self.file(&format!("stopped.{}", self.starts.load(Ordering::Relaxed)));
        self.until("did not stop in time", || Ok(stopped.exists())).await
    }

    /// Starts a stopped server at its old address and returns when it has recovered and accepts connections.
    pub async fn start_again(&self) -> Result<()> {
        let count = self.starts.fetch_add(1, Ordering::Relaxed) + 1;
        self.order(&format!("start {count}"), "start")?;
        let process = self.file(&format!("pid.{count}"));
        let stopped = self.file(&format!("stopped.{count}"));
        let failed = self.file("failed");
        let lock = self.file("data/postmaster.pid");
        self.until("was not ready in time", || {
            if stopped.exists() || failed.exists() {
                return Err(self.not_ready("ended instead of starting"));
            }
            let process = fs::read_to_string(&process).unwrap_or_default();
            let lock = fs::read_to_string(&lock).unwrap_or_default();
            Ok(!process.is_empty() && is_ready(&lock, process.trim()))
        })
        .await
    }

    fn order(&self, order: &str, action: &'static str) -> Result<()> {
        self.guard.order(order).map_err(|source| Error::Io { action, path: self.address.directory.clone(), source })
    }

    async fn until(&self, late: &'static str, mut reached: impl FnMut() -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !reached()? {
            if Instant::now() > deadline {
                return Err(self.not_ready(late));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(())
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

/// Whether `postmaster.pid` was written by this process (its first line) and says `ready` (its eighth, padded).
fn is_ready(lock: &str, process: &str) -> bool {
    let mut lines = lock.lines().map(str::trim);
    lines.next() == Some(process) && lines.nth(6) == Some("ready")
}

/// A port that is free now. Somebody else may take it before the server does; then the server says so and ends.
pub(crate) fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_file_is_ready_when_its_own_process_says_so() {
        let lock = "4711\n/d/data\n1754380800\n5432\n/d\n\n  1234567     32770\nready   \n";
        assert!(is_ready(lock, "4711"));
        assert!(!is_ready(lock, "4712"));
        assert!(!is_ready(&lock.replace("ready", "starting"), "4711"));
        assert!(!is_ready("", "4711"));
    }
}
