//! Where `mariadbd` and `mariadb-install-db` are.

use std::env;
use std::path::{Path, PathBuf};

use super::{Error, Result};

/// Beside the PATH, as root's own programs are not on everybody's.
const FOLDERS: [&str; 5] =
    ["/usr/sbin", "/usr/bin", "/usr/libexec", "/opt/homebrew/opt/mariadb/bin", "/usr/local/opt/mariadb/bin"];

/// The programs of one MariaDB installation.
#[derive(Debug)]
pub(super) struct Binaries {
    pub(super) mariadbd: PathBuf,
    pub(super) install_db: PathBuf,
}

impl Binaries {
    pub(super) fn find() -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let folders: Vec<PathBuf> = env::split_paths(&path).chain(FOLDERS.map(PathBuf::from)).collect();
        let find = |name: &str| {
            let mut places = folders.iter().map(|folder: &PathBuf| Path::new(folder).join(name));
            places.find(|place| place.is_file()).ok_or(Error::NotInstalled)
        };
        Ok(Self { mariadbd: find("mariadbd")?, install_db: find("mariadb-install-db")? })
    }
}
