//! Where programs are that are not the project's own: in the machine's folders, or unpacked by `scripts/ensure-…`.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The first file called `name` on the PATH, in `folders`, or where `tree` was unpacked because only root can install.
pub(crate) fn find(name: &str, folders: &[&str], tree: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let tree = unpacked(tree);
    let unpacked = ["usr/sbin", "usr/bin"].map(|folder| tree.join(folder));
    let folders = env::split_paths(&path).chain(folders.iter().map(PathBuf::from)).chain(unpacked);
    folders.map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// What `scripts/packages.sh` unpacked under this name: for packages a tree like `/`.
pub(crate) fn unpacked(name: &str) -> PathBuf {
    if rustix::process::geteuid().is_root() {
        return Path::new("/usr/local/lib/certferry").join(name);
    }
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    project.canonicalize().unwrap_or(project).join(".local").join(name)
}

/// The folder that holds the `usr` in which `program` is, for packages unpacked below it; `None` for a program in its
/// proper place.
pub(crate) fn root_of(program: &Path) -> Option<&Path> {
    let usr = program.ancestors().find(|folder| folder.file_name().is_some_and(|name| name == "usr"))?;
    usr.parent().filter(|root| root.parent().is_some())
}

/// The value of `LD_LIBRARY_PATH` for a program of unpacked packages, which does not find its libraries itself.
pub(crate) fn library_path(program: &Path) -> Option<OsString> {
    env::join_paths(libraries(root_of(program)?)).ok()
}

/// The folders of libraries in a tree like `/`, as Debian names them.
pub(crate) fn libraries(root: &Path) -> impl Iterator<Item = PathBuf> {
    let folders = ["usr/lib", "lib"].map(|folder| root.join(folder));
    folders
        .into_iter()
        .flat_map(|folder| subfolders(&folder))
        .filter(|folder| folder.to_string_lossy().contains("-linux-"))
}

/// The folders in a folder; none where it is not there.
pub(crate) fn subfolders(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.map(|entry| entry.path()).filter(|path| path.is_dir())
}

/// Where libfaketime is, with which a program is given a wrong clock.
#[must_use]
pub fn faketime() -> Option<PathBuf> {
    let roots = [PathBuf::from("/"), unpacked("faketime")];
    let folders = roots.iter().flat_map(|root| libraries(root));
    let others = ["/usr/lib", "/usr/lib64", "/usr/local/lib"].map(PathBuf::from);
    let mut files = folders.chain(others).map(|folder| folder.join("faketime/libfaketime.so.1"));
    files.find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacked_packages_get_their_own_libraries() {
        let root = tempfile::tempdir().unwrap();
        let libraries = root.path().join("usr/lib/x86_64-linux-gnu");
        fs::create_dir_all(&libraries).unwrap();
        for program in ["usr/lib/postgresql/15/bin/postgres", "usr/sbin/mariadbd"] {
            assert_eq!(library_path(&root.path().join(program)), Some(libraries.clone().into_os_string()));
        }
    }

    #[test]
    fn installed_programs_find_their_libraries_themselves() {
        for program in ["/usr/sbin/mariadbd", "/usr/local/bin/postgres", "/opt/homebrew/opt/mariadb/bin/mariadbd"] {
            assert_eq!(library_path(Path::new(program)), None);
        }
    }
}
