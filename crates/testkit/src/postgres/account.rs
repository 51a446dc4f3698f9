//! Which account the server runs as.

use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::path::Path;

use super::{Error, Result};

/// A user and its group, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

impl Account {
    /// The account to change to, or `None` where the server can run as who we are: PostgreSQL refuses to run as root,
    /// and only root can change to another account.
    pub(crate) fn for_server() -> Result<Option<Self>> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let path = Path::new("/etc/passwd");
        let passwd = fs::read_to_string(path).map_err(|source| Error::Io {
            action: "read the accounts in",
            path: path.to_owned(),
            source,
        })?;
        ["postgres", "nobody"].iter().find_map(|name| find(&passwd, name)).map(Some).ok_or(Error::NoAccount)
    }

    /// Gives `path` to this account.
    pub(crate) fn own(self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.user), Some(self.group))
    }
}

fn find(passwd: &str, name: &str) -> Option<Account> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next()? == name).then_some(())?;
        let user = fields.nth(1)?.parse().ok()?;
        let group = fields.next()?.parse().ok()?;
        Some(Account { user, group })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str =
        "root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        assert_eq!(find(PASSWD, "nobody"), Some(Account { user: 65534, group: 65534 }));
        assert_eq!(find(PASSWD, "no"), None);
        assert_eq!(find(PASSWD, "postgres"), None);
    }
}
