//! Where a server's directory is.

use std::env;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::account::Account;
use super::server::Durability;
use super::{Error, Result};

/// How much memory must be free for a server's files to be kept there.
const MEMORY_WANTED: u64 = 1 << 30;

/// The longest path of a unix socket, less the closing NUL: 108 bytes on Linux, 104 on macOS.
const LONGEST_SOCKET_PATH: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

/// Makes a server's directory, readable by the account the server runs as and by nobody else. Its name begins with
/// `prefix`, and the server's socket in it is to have the name `socket`.
pub(crate) fn make(
    (prefix, socket): (&str, &str),
    durability: Durability,
    place: Option<&Path>,
    account: Option<Account>,
) -> Result<TempDir> {
    let parent = place.map_or_else(|| usual(durability), Path::to_owned);
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { action, path, source }
    };
    let directory = tempfile::Builder::new()
        .prefix(prefix)
        .tempdir_in(&parent)
        .map_err(io("make a directory for a private server in", &parent))?;
    if directory.path().join(socket).as_os_str().len() > LONGEST_SOCKET_PATH {
        return Err(Error::PathTooLong(directory.path().to_owned()));
    }
    let private = Permissions::from_mode(0o700);
    fs::set_permissions(directory.path(), private).map_err(io("set the permissions of", directory.path()))?;
    if let Some(account) = account {
        account.own(directory.path()).map_err(io("give the server its directory", directory.path()))?;
    }
    Ok(directory)
}

/// Memory for tests where there is enough, because ext4 takes 200 ms and more for a database after many deletions; a
/// real disk for whoever measures durable work.
fn usual(durability: Durability) -> PathBuf {
    let memory = Path::new("/dev/shm");
    let disk = Path::new("/var/tmp");
    match durability {
        Durability::None if free_bytes(memory) >= MEMORY_WANTED => memory.to_owned(),
        Durability::Full if disk.is_dir() => disk.to_owned(),
        Durability::None | Durability::Full => env::temp_dir(),
    }
}

fn free_bytes(path: &Path) -> u64 {
    rustix::fs::statvfs(path).map_or(0, |space| space.f_bavail.saturating_mul(space.f_frsize))
}
