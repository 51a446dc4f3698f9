//! A private PostgreSQL server: started by the test, the demo or the benchmark that needs it, and gone with it.
//!
//! No account, no port and nothing started by hand is needed. A server lives in a directory of its own, answers on a
//! unix socket there, and a guard process stops it and removes the directory however its owner ends, SIGKILL included.
//!
//! ```no_run
//! # async fn example() -> Result<(), certferry_testkit::postgres::Error> {
//! use certferry_testkit::postgres::{Database, Template};
//!
//! let template = Template::sql("greeting", ["CREATE TABLE greeting (words text NOT NULL)"]);
//! let database = Database::fresh(template).await?;
//! println!("{}", database.url());
//! # Ok(())
//! # }
//! ```

pub(crate) mod account;
mod binaries;
mod database;
pub(crate) mod guard;
pub(crate) mod place;
pub(crate) mod server;

use std::path::PathBuf;

pub use database::{Database, Template};
pub use server::{Address, Durability, Server, Settings};

/// The environment variable by which `with-postgres` hands its server to the tests: the directory of the socket.
pub const SERVER_VARIABLE: &str = "CERTFERRY_TEST_SERVER";

/// The environment variable that names the directory of the PostgreSQL programs, set by `make`.
pub const BINARIES_VARIABLE: &str = "CERTFERRY_POSTGRES_BIN";

/// Why a private server or one of its databases is not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No `postgres` and `initdb` in any of the places where they usually are.
    #[error(
        "no PostgreSQL server programs were found; run scripts/ensure-postgres, or set {BINARIES_VARIABLE} to the \
         directory that holds `postgres` and `initdb`"
    )]
    NotInstalled,
    /// `CERTFERRY_POSTGRES_BIN` is set, but the programs are not there.
    #[error("{BINARIES_VARIABLE} is {path}, but `postgres` and `initdb` are not there; correct or unset it", path = .0.display())]
    WrongBinaries(PathBuf),
    /// PostgreSQL refuses to run as root, and there is no account it could run as.
    #[error(
        "PostgreSQL does not run as root, and /etc/passwd has neither `postgres` nor `nobody`; run as another user"
    )]
    NoAccount,
    /// The socket's path would be longer than the operating system allows.
    #[error("the path {path} is too long for a unix socket; set TMPDIR to a shorter one", path = .0.display())]
    PathTooLong(PathBuf),
    /// The file system or the operating system refused something.
    #[error("could not {action} {path}", path = .path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// What it was done to.
        path: PathBuf,
        /// What was answered.
        #[source]
        source: std::io::Error,
    },
    /// The server ended, or never got as far as being ready.
    #[error("the private PostgreSQL server {what}; its log ends with:\n{log}")]
    NotReady {
        /// What it did or did not do.
        what: &'static str,
        /// The last lines of its log.
        log: String,
    },
    /// A statement on a private server failed.
    #[error("could not {action} {subject}")]
    Sql {
        /// What was being done.
        action: &'static str,
        /// What it was done to.
        subject: String,
        /// What the server answered.
        #[source]
        source: sqlx::Error,
    },
    /// The function that fills a template failed.
    #[error("could not fill the template database {name}")]
    Template {
        /// The template's name.
        name: String,
        /// What the function answered.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The result of work on private servers.
pub type Result<T, E = Error> = std::result::Result<T, E>;
