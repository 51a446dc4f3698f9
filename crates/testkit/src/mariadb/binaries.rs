//! Where the server programs are, and how each of them is called.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::{Error, MYSQL_VARIABLE, Result};
use crate::installation;
use crate::postgres::guard::shell_word;

/// Beside the PATH, as root's own programs are not on everybody's.
const FOLDERS: [&str; 5] =
    ["/usr/sbin", "/usr/bin", "/usr/libexec", "/opt/homebrew/opt/mariadb/bin", "/usr/local/opt/mariadb/bin"];

/// The programs of one installation.
#[derive(Debug)]
pub(super) enum Binaries {
    Mariadb { mariadbd: PathBuf, install_db: PathBuf },
    Mysql { mysqld: PathBuf },
}

impl Binaries {
    /// MySQL where `CERTFERRY_MYSQL_BIN` names it, else MariaDB.
    pub(super) fn find() -> Result<Self> {
        if let Some(folder) = env::var_os(MYSQL_VARIABLE).filter(|value| !value.is_empty()) {
            let mysqld = Path::new(&folder).join("mysqld");
            return if mysqld.is_file() { Ok(Self::Mysql { mysqld }) } else { Err(Error::WrongMysql(folder.into())) };
        }
        let find = |name| installation::find(name, &FOLDERS, "mariadb").ok_or(Error::NotInstalled);
        Ok(Self::Mariadb { mariadbd: find("mariadbd")?, install_db: find("mariadb-install-db")? })
    }

    /// The line of shell that makes the data in `$directory/data`.
    pub(super) fn init(&self) -> String {
        match self {
            // By force: without an entry for this machine's name in /etc/hosts it would refuse, and we need no name.
            Self::Mariadb { mariadbd, install_db } => format!(
                "{} --no-defaults {} --datadir=\"$directory/data\" --auth-root-authentication-method=normal \
                 --skip-test-db --force",
                shell_word(install_db),
                base_folder(mariadbd).map(|folder| shell_word(Path::new(&folder))).unwrap_or_default()
            ),
            Self::Mysql { .. } => {
                let words: Vec<_> = self.server().iter().map(|word| shell_word(Path::new(word))).collect();
                format!("{} --initialize-insecure --datadir=\"$directory/data\"", words.join(" "))
            }
        }
    }

    /// The server's program, and the arguments without which it does not run where it is.
    pub(super) fn server(&self) -> Vec<OsString> {
        match self {
            Self::Mariadb { mariadbd, .. } => {
                let mut words = vec![mariadbd.clone().into_os_string(), "--no-defaults".into()];
                words.extend(base_folder(mariadbd));
                words
            }
            Self::Mysql { mysqld } => {
                let folder = mysqld.parent().unwrap_or(Path::new("/"));
                let base = format!("--basedir={}", folder.display());
                let messages = format!("--lc-messages-dir={}", folder.join("share/mysql").display());
                // It reads and writes no files by SQL; the folder for them that it was built with is not here.
                let mut others = vec!["--secure-file-priv=NULL", "--explicit-defaults-for-timestamp"];
                // Keys would take seconds, and nobody encrypts what goes through a socket.
                others.extend(["--auto-generate-certs=OFF", "--sha256-password-auto-generate-rsa-keys=OFF"]);
                [mysqld.clone().into_os_string(), "--no-defaults".into(), base.into(), messages.into()]
                    .into_iter()
                    .chain(others.into_iter().map(OsString::from))
                    .collect()
            }
        }
    }

    /// The value of `LD_LIBRARY_PATH`, where there must be one.
    pub(super) fn library_path(&self) -> Option<OsString> {
        match self {
            Self::Mariadb { mariadbd, .. } => installation::library_path(mariadbd),
            Self::Mysql { .. } => {
                env::join_paths(installation::libraries(&installation::unpacked("mysql-libraries"))).ok()
            }
        }
    }
}

/// What tells MariaDB's programs where their other files are, when they are not where they were built for.
fn base_folder(mariadbd: &Path) -> Option<OsString> {
    let root = installation::root_of(mariadbd)?;
    Some(format!("--basedir={}", root.join("usr").display()).into())
}
