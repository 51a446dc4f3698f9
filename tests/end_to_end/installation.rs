//! What `make install` installs: the programs, completions that the shells accept, and manual pages that render.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::world::binary_path;

/// Runs a tool, with nothing of ours in its environment; none if it is not installed.
fn run<S: AsRef<OsStr>>(tool: &str, arguments: impl IntoIterator<Item = S>) -> Option<Output> {
    let mut command = Command::new(tool);
    command.args(arguments).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        output => Some(output.unwrap()),
    }
}

/// Whether a tool that checks a file says nothing against it.
#[track_caller]
fn accepts(tool: &str, arguments: &[&str], file: &Path) {
    if let Some(output) = run(tool, arguments.iter().map(OsStr::new).chain([file.as_os_str()])) {
        let complaints = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && complaints.is_empty(), "{tool} of {}: {complaints}", file.display());
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn names(folder: &Path) -> Vec<String> {
    files(folder).iter().map(|file| file.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn programs_completions_and_manual_pages_are_installed() {
    let prefix = tempfile::tempdir().unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/install");
    let built = binary_path("producer").parent().unwrap().to_owned();
    let installed = run(script.to_str().unwrap(), [built.as_path(), prefix.path()]).expect("the script is there");
    assert!(installed.status.success() && installed.stderr.is_empty(), "{installed:?}");

    assert_eq!(names(&prefix.path().join("bin")), ["producer", "reporter", "worker"]);
    let share = prefix.path().join("share");
    let bash = share.join("bash-completion/completions");
    assert_eq!(names(&bash), ["producer", "reporter", "worker"]);
    assert_eq!(names(&share.join("zsh/site-functions")), ["_producer", "_reporter", "_worker"]);
    assert_eq!(names(&share.join("fish/vendor_completions.d")), ["producer.fish", "reporter.fish", "worker.fish"]);
    for (folder, shell) in [
        (&bash, "bash"),
        (&share.join("zsh/site-functions"), "zsh"),
        (&share.join("fish/vendor_completions.d"), "fish"),
    ] {
        for file in files(folder) {
            accepts(shell, &["-n"], &file);
        }
    }

    let pages = share.join("man/man1");
    let there = names(&pages);
    for page in ["producer.1", "producer-enqueue.1", "producer-import-mappings.1", "worker.1", "reporter-man.1"] {
        assert!(there.iter().any(|name| name == page), "{page} is not among {there:?}");
    }
    for page in files(&pages) {
        assert!(fs::metadata(&page).unwrap().len() > 200, "{} is empty", page.display());
        accepts("groff", &["-man", "-Tutf8", "-ww", "-z"], &page);
    }
}

#[test]
fn bash_completes_commands_and_codes() {
    let script = run(binary_path("producer").to_str().unwrap(), ["completions", "bash"]).unwrap();
    let script = String::from_utf8(script.stdout).unwrap();
    for (words, expected) in [("producer enq", "enqueue"), ("producer explain missing_d", "missing_device")] {
        let (before, word) = words.rsplit_once(' ').unwrap();
        let last = before.rsplit(' ').next().unwrap();
        let cword = words.split(' ').count() - 1;
        let asked = format!(
            "{script}\nCOMP_WORDS=({words}); COMP_CWORD={cword}; _producer producer {word} {last}; echo \"${{COMPREPLY[@]}}\""
        );
        let Some(output) = run("bash", ["-c", &asked]) else { return };
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), expected, "{output:?}");
    }
}

#[test]
fn whoever_asks_for_something_that_is_not_there_is_told_what_is() {
    for (program, arguments) in
        [("producer", ["man", "enque"]), ("worker", ["man", "enqueue"]), ("reporter", ["completions", "cmd"])]
    {
        let output = run(binary_path(program).to_str().unwrap(), arguments).unwrap();
        assert_eq!(output.status.code(), Some(2), "{output:?}");
        assert!(output.stdout.is_empty() && String::from_utf8_lossy(&output.stderr).contains("error: "), "{output:?}");
    }
}
