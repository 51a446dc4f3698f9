use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use certferry_bootstrap::Hint;
use tempfile::NamedTempFile;

/// A file that appears whole or not at all: written beside its place, then renamed onto it.
///
/// Dropping it without [`OutputFile::finish`] leaves what was there before.
#[derive(Debug)]
pub(crate) struct OutputFile {
    target: PathBuf,
    temporary: NamedTempFile,
}

impl OutputFile {
    /// Finds out whether `path` can be written, without changing what is there.
    pub(crate) fn create(path: &Path) -> anyhow::Result<Self> {
        Self::try_create(path)
            .with_context(|| format!("could not write the report to {}", path.display()))
            .hint("name another file with --output")
    }

    fn try_create(path: &Path) -> anyhow::Result<Self> {
        if path.file_name().is_none() {
            bail!("it is not the name of a file");
        }
        // What a link points to is replaced, not the link.
        let target = if path.exists() {
            if !path.is_file() {
                bail!("it is there and not a regular file");
            }
            OpenOptions::new().write(true).open(path)?;
            fs::canonicalize(path)?
        } else {
            path.to_path_buf()
        };
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        if !folder.is_dir() {
            bail!("there is no folder {}", folder.display());
        }
        let temporary = tempfile::Builder::new()
            .prefix(".certferry-report-")
            // Less the umask, as for any new file.
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)?;
        Ok(Self { target, temporary })
    }

    /// What to write to.
    pub(crate) fn file(&mut self) -> &mut File {
        self.temporary.as_file_mut()
    }

    /// The folder the report will be in.
    pub(crate) fn folder(&self) -> &Path {
        self.temporary.path().parent().unwrap_or(Path::new("."))
    }

    /// Another handle to the same file, for a writer that wants one of its own.
    pub(crate) fn another_handle(&self) -> anyhow::Result<File> {
        self.temporary.as_file().try_clone().with_context(|| self.doing())
    }

    /// Puts the report in its place.
    pub(crate) fn finish(self) -> anyhow::Result<()> {
        let doing = self.doing();
        self.temporary.as_file().sync_all().with_context(|| doing.clone())?;
        self.temporary.persist(&self.target).map(drop).context(doing)
    }

    /// For the context of errors.
    pub(crate) fn doing(&self) -> String {
        format!("could not write the report to {}", self.target.display())
    }
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
        let mut dropped = OutputFile::create(&path).unwrap();
        dropped.file().write_all(b"half").unwrap();
        drop(dropped);
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), entries(folder.path())), ("before", 1));
        let mut finished = OutputFile::create(&path).unwrap();
        finished.file().write_all(b"whole").unwrap();
        finished.finish().unwrap();
        assert_eq!((fs::read_to_string(&path).unwrap().as_str(), entries(folder.path())), ("whole", 1));
        let ordinary = folder.path().join("ordinary");
        fs::write(&ordinary, "").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&path), mode(&ordinary), "readable for whom any new file is");
    }

    #[test]
    fn keeps_a_link_and_replaces_what_it_points_to() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("report.csv"), folder.path().join("latest.csv"));
        fs::write(&path, "before").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let mut file = OutputFile::create(&link).unwrap();
        file.file().write_all(b"after").unwrap();
        file.finish().unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "after");
    }

    #[test]
    fn says_why_a_place_cannot_be_written() {
        let folder = tempfile::tempdir().unwrap();
        let mistake = |path: &Path| {
            let error = OutputFile::create(path).unwrap_err();
            certferry_bootstrap::exit::render(&error).replace(&folder.path().display().to_string(), "DIR")
        };
        insta::assert_snapshot!(mistake(&folder.path().join("no/report.xlsx")), @r#"
        error: could not write the report to DIR/no/report.xlsx
          caused by: there is no folder DIR/no
        hint: name another file with --output
        "#);
        insta::assert_snapshot!(mistake(folder.path()), @r#"
        error: could not write the report to DIR
          caused by: it is there and not a regular file
        hint: name another file with --output
        "#);
        insta::assert_snapshot!(mistake(Path::new("/dev/null")), @r#"
        error: could not write the report to /dev/null
          caused by: it is there and not a regular file
        hint: name another file with --output
        "#);
        insta::assert_snapshot!(mistake(Path::new("..")), @r#"
        error: could not write the report to ..
          caused by: it is not the name of a file
        hint: name another file with --output
        "#);
        assert_eq!(entries(folder.path()), 0);
    }
}
