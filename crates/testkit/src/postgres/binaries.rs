//! Where `postgres` and `initdb` are.

use std::cmp::Reverse;
use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{BINARIES_VARIABLE, Error, Result};
use crate::installation::{self, subfolders};

/// The programs of one PostgreSQL installation.
#[derive(Debug)]
pub(super) struct Binaries {
    directory: PathBuf,
}

impl Binaries {
    /// The installation named by `CERTFERRY_POSTGRES_BIN`, else the one on the PATH, the one `pg_config` knows, the
    /// newest that Debian's packages, the project's own download or Homebrew put where they put it.
    pub(super) fn find() -> Result<Self> {
        if let Some(named) = env::var_os(BINARIES_VARIABLE).filter(|value| !value.is_empty()) {
            let named = PathBuf::from(named);
            return Self::at(&named).ok_or(Error::WrongBinaries(named));
        }
        on_path()
            .chain(from_pg_config())
            .chain(newest_versions())
            .find_map(|directory| Self::at(&directory))
            .ok_or(Error::NotInstalled)
    }

    /// The installation whose `postgres` is at `directory` or is linked there from where it really is.
    fn at(directory: &Path) -> Option<Self> {
        let directory = directory.join("postgres").canonicalize().ok()?.parent()?.to_owned();
        directory.join("initdb").is_file().then_some(Self { directory })
    }

    pub(super) fn postgres(&self) -> PathBuf {
        self.directory.join("postgres")
    }

    pub(super) fn initdb(&self) -> PathBuf {
        self.directory.join("initdb")
    }

    /// The value of `LD_LIBRARY_PATH`, where there must be one.
    pub(super) fn library_path(&self) -> Option<OsString> {
        installation::library_path(&self.directory)
    }
}

fn on_path() -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).collect::<Vec<_>>().into_iter()
}

fn from_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok().filter(|output| output.status.success())?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// `bin` of every version below the folders that hold one folder a version, the newest first in each.
fn newest_versions() -> impl Iterator<Item = PathBuf> {
    let unpacked = installation::unpacked("postgres").join("usr/lib/postgresql");
    let debian = [PathBuf::from("/usr/lib/postgresql"), unpacked];
    let homebrew = [PathBuf::from("/opt/homebrew/opt"), PathBuf::from("/usr/local/opt")];
    let mut found = Vec::new();
    for folder in debian {
        let mut versions: Vec<_> = subfolders(&folder).collect();
        versions.sort_by_key(|path| Reverse(version(path)));
        found.extend(versions);
    }
    for folder in homebrew {
        let kegs = subfolders(&folder).filter(|path| path.to_string_lossy().contains("/postgresql"));
        let mut versions: Vec<_> = kegs.collect();
        versions.sort_by_key(|path| Reverse(version(path)));
        found.extend(versions);
    }
    found.into_iter().map(|folder| folder.join("bin"))
}

/// `15` of `/usr/lib/postgresql/15` and of `/opt/homebrew/opt/postgresql@15`.
fn version(folder: &Path) -> u32 {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.rsplit('@').next().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers_not_text() {
        let mut folders = [Path::new("/usr/lib/postgresql/9"), Path::new("/usr/lib/postgresql/15")];
        folders.sort_by_key(|folder| Reverse(version(folder)));
        assert_eq!(folders[0], Path::new("/usr/lib/postgresql/15"));
        assert_eq!(version(Path::new("/opt/homebrew/opt/postgresql@17")), 17);
    }
}
