//! A private MariaDB server, as a legacy system has one: started by the test or the demo that needs it, and gone with it.
//! Where [`MYSQL_VARIABLE`] says so, it is a MySQL server instead.
//!
//! It lives as a [private PostgreSQL](crate::postgres) does: a directory of its own, a unix socket there, and a guard that
//! takes both away however its owner ends.

mod binaries;
mod database;
mod server;

use std::path::PathBuf;

pub use database::Database;
pub use server::{Address, Server};

/// The environment variable by which `with-postgres` hands its MariaDB to the tests: the directory of the socket.
pub const SERVER_VARIABLE: &str = "CERTFERRY_TEST_MARIADB";

/// The environment variable that names the directory of MySQL's `mysqld`, set by `make` for `SOURCE=mysql`: the private
/// servers are MySQL then.
pub const MYSQL_VARIABLE: &str = "CERTFERRY_MYSQL_BIN";

/// Whether the private servers are MySQL.
#[must_use]
pub fn is_mysql() -> bool {
    std::env::var_os(MYSQL_VARIABLE).is_some_and(|value| !value.is_empty())
}

/// Why a private server or one of its databases is not there.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No `mariadbd` and `mariadb-install-db` in any of the places where they usually are.
    #[error(
        "no MariaDB server programs were found; run scripts/ensure-mariadb, or install the packages \
         mariadb-server-core and mariadb-client-core"
    )]
    NotInstalled,
    /// `CERTFERRY_MYSQL_BIN` is set, but the program is not there.
    #[error("{MYSQL_VARIABLE} is {path}, but `mysqld` is not there; correct or unset it", path = .0.display())]
    WrongMysql(PathBuf),
    /// There is no place, no account or no address for a server.
    #[error("could not prepare a private MariaDB server")]
    Place(#[source] Box<crate::postgres::Error>),
    /// The operating system refused something.
    #[error("could not {action} the private MariaDB server in {path}", path = .path.display())]
    Io {
        /// What was being done.
        action: &'static str,
        /// Its directory.
        path: PathBuf,
        /// What was answered.
        #[source]
        source: std::io::Error,
    },
    /// The server ended, or never got as far as being ready.
    #[error("the private MariaDB server {what}; its log ends with:\n{log}")]
    NotReady {
        /// What it did or did not do.
        what: &'static str,
        /// The last lines of its log.
        log: String,
    },
    /// A statement on a private server failed.
    #[error("could not create the database {name}")]
    Sql {
        /// The database.
        name: String,
        /// What the server answered.
        #[source]
        source: sqlx::Error,
    },
}

/// The result of work on private servers.
pub type Result<T, E = Error> = std::result::Result<T, E>;
