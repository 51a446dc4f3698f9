//! A file that a command writes, or standard output in its place.

use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Seek, SeekFrom};
use std::os::unix::fs::{MetadataExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use tempfile::NamedTempFile;

use crate::output::OutputError;

/// The name of standard output.
const STANDARD_OUTPUT: &str = "-";

/// Rights that a replaced file hands on: those of reading, writing and running.
const RIGHTS: u32 = 0o777;

/// As many links one after the other as Linux follows.
const LINKS: usize = 40;

/// A file that appears whole or not at all: written beside its place, then renamed onto it. It keeps the rights of the file
/// it replaces, and its owner where that is allowed; a new one is for its owner alone, because it names people.
///
/// Dropping it without [`OutputFile::finish`] leaves what was there before.
#[derive(Debug)]
pub struct OutputFile {
    what: &'static str,
    /// As it was named, for messages.
    path: PathBuf,
    place: Place,
    temporary: NamedTempFile,
}

#[derive(Debug)]
enum Place {
    File { target: PathBuf, replaced: Option<fs::Metadata> },
    StandardOutput,
}

impl OutputFile {
    /// Whether the path means standard output.
    #[must_use]
    pub fn is_standard_output(path: &Path) -> bool {
        path.as_os_str() == STANDARD_OUTPUT
    }

    /// Finds out whether `path` can be written, without changing what is there. `what` is for messages: `the report`.
    pub fn create(path: &Path, what: &'static str) -> anyhow::Result<Self> {
        Self::try_create(path, what).with_context(|| format!("could not write {what} to {}", path.display()))
    }

    fn try_create(path: &Path, what: &'static str) -> anyhow::Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".certferry-");
        if Self::is_standard_output(path) {
            let temporary = builder.tempfile()?;
            return Ok(Self { what, path: path.to_owned(), place: Place::StandardOutput, temporary });
        }
        if path.file_name().is_none() {
            bail!("it is not the name of a file");
        }
        // What a link points to is replaced, not the link.
        let target = behind_links(path)?;
        let replaced = match fs::metadata(&target) {
            Ok(metadata) if metadata.is_dir() => bail!("it is a folder"),
            Ok(metadata) if !metadata.is_file() => bail!("it is there and not a regular file"),
            Ok(metadata) => {
                OpenOptions::new().write(true).open(&target)?;
                Some(metadata)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            bail!("there is no folder {}", folder.display());
        }
        let temporary = builder
            .tempfile_in(folder)
            .with_context(|| format!("a file could not be made in the folder {}", folder.display()))?;
        Ok(Self { what, path: path.to_owned(), place: Place::File { target, replaced }, temporary })
    }

    /// What to write to.
    pub fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// The folder the file will be in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.temporary.path().parent().unwrap_or(Path::new("."))
    }

    /// Another handle to the same file, for a writer that wants one of its own.
    pub fn another_handle(&self) -> anyhow::Result<File> {
        self.temporary.as_file().try_clone().with_context(|| self.doing())
    }

    /// Puts the file in its place, or onto standard output.
    pub fn finish(mut self) -> anyhow::Result<()> {
        let doing = self.doing();
        match &self.place {
            Place::StandardOutput => {
                let file = self.temporary.as_file_mut();
                file.seek(SeekFrom::Start(0)).with_context(|| doing.clone())?;
                let mut stdout = io::stdout().lock();
                io::copy(file, &mut stdout).map_err(OutputError::from)?;
                Ok(io::Write::flush(&mut stdout).map_err(OutputError::from)?)
            }
            Place::File { target, replaced } => {
                if let Some(replaced) = replaced {
                    hand_on(replaced, self.temporary.as_file()).with_context(|| doing.clone())?;
                }
                self.temporary.as_file().sync_all().with_context(|| doing.clone())?;
                self.temporary.persist(target).map(drop).context(doing)
            }
        }
    }

    /// For the context of errors.
    #[must_use]
    pub fn doing(&self) -> String {
        format!("could not write {} to {}", self.what, self.path.display())
    }
}

/// The path that a link leads to in the end, whether something is there or not.
fn behind_links(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::read_link(&path) {
            Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
            // It is no link, or not there.
            Err(_) => return Ok(path),
        }
    }
    Err(io::Error::other("its links lead to each other"))
}

/// Gives a file the owner of another one, as far as this account may, and then its rights.
fn hand_on(replaced: &fs::Metadata, file: &File) -> io::Result<()> {
    let (owner, group) = (Some(replaced.uid()), Some(replaced.gid()));
    let mut rights = replaced.mode() & RIGHTS;
    if fchown(file, owner, group).is_err() && fchown(file, None, group).is_err() {
        // They were another group's rights.
        rights &= 0o707;
    }
    file.set_permissions(Permissions::from_mode(rights))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn entries(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn replaces_the_file_only_when_finished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        fs::write(&path, "before").unwrap();
        let mut dropped = OutputFile::create(&path, "the report").unwrap();
        dropped.file().write_all(b"half").unwrap();
        drop(dropped);
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), entries(folder.path())), ("before", 1));
        let mut finished = OutputFile::create(&path, "the report").unwrap();
        finished.file().write_all(b"whole").unwrap();
        finished.finish().unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), entries(folder.path())), ("whole", 1));
    }

    #[test]
    fn a_new_file_is_for_its_owner_alone_and_an_old_one_keeps_its_rights() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.csv");
        OutputFile::create(&path, "the report").unwrap().finish().unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        for rights in [0o640, 0o664, 0o600, 0o604] {
            fs::set_permissions(&path, Permissions::from_mode(rights)).unwrap();
            let owner = |path: &Path| fs::metadata(path).map(|is| (is.uid(), is.gid())).unwrap();
            // Another owner where this account may say so.
            let _may_be_refused = std::os::unix::fs::chown(&path, Some(12_345), Some(12_346));
            let before = owner(&path);
            OutputFile::create(&path, "the report").unwrap().finish().unwrap();
            assert_eq!((fs::metadata(&path).unwrap().mode() & 0o7777, owner(&path)), (rights, before));
        }
    }

    #[test]
    fn a_link_to_nothing_gets_its_target_and_links_in_a_ring_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("latest.csv");
        std::os::unix::fs::symlink("report.csv", &link).unwrap();
        OutputFile::create(&link, "the report").unwrap().finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(fs::symlink_metadata(folder.path().join("report.csv")).unwrap().is_file());
        let ring = folder.path().join("ring");
        std::os::unix::fs::symlink("ring", &ring).unwrap();
        assert!(OutputFile::create(&ring, "the report").is_err());
    }

    #[test]
    fn keeps_a_link_and_replaces_what_it_points_to() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("report.csv"), folder.path().join("latest.csv"));
        fs::write(&path, "before").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut file = OutputFile::create(&link, "the report").unwrap();
        file.file().write_all(b"after").unwrap();
        file.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
    }

    #[test]
    fn says_why_a_place_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let mistake = |path: &Path| {
            let error = OutputFile::create(path, "the report").unwrap_err();
            crate::exit::render(&error).replace(&folder.path().display().to_string(), "DIR")
        };
        insta::assert_snapshot!(mistake(&folder.path().join("no/report.xlsx")), @r#"
        error: could not write the report to DIR/no/report.xlsx
          caused by: there is no folder DIR/no
        "#);
        insta::assert_snapshot!(mistake(folder.path()), @r#"
        error: could not write the report to DIR
          caused by: it is a folder
        "#);
        insta::assert_snapshot!(mistake(Path::new("/dev/null")), @r#"
        error: could not write the report to /dev/null
          caused by: it is there and not a regular file
        "#);
        insta::assert_snapshot!(mistake(Path::new("..")), @r#"
        error: could not write the report to ..
          caused by: it is not the name of a file
        "#);
        assert_eq!(entries(folder.path()), 0);
    }
}
