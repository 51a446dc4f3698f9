//! Tells the binaries which commit they are of: by the environment variables `CERTFERRY_COMMIT` and `CERTFERRY_COMMIT_DATE`,
//! where there are any; else as `git archive` has written it into the file `commit`; else by git. The time of the build is
//! no part of it, so that the same commit gives the same binaries.

use std::process::Command;

fn main() {
    println!("cargo:rerun-if-env-changed=CERTFERRY_COMMIT");
    println!("cargo:rerun-if-env-changed=CERTFERRY_COMMIT_DATE");
    println!("cargo:rerun-if-changed=commit");
    println!("cargo:rerun-if-changed=build.rs");
    // Whoever develops commits often, and would compile everything anew each time.
    let is_release = std::env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let known = from_environment().or_else(from_archive).or_else(|| if is_release { from_git() } else { None });
    let (commit, date) = known.unwrap_or_else(|| ("unknown".to_owned(), String::new()));
    println!("cargo:rustc-env=CERTFERRY_COMMIT={}", commit.chars().take(12).collect::<String>());
    println!("cargo:rustc-env=CERTFERRY_COMMIT_DATE={date}");
}

fn from_environment() -> Option<(String, String)> {
    let commit = std::env::var("CERTFERRY_COMMIT").ok().filter(|commit| !commit.is_empty())?;
    Some((commit, std::env::var("CERTFERRY_COMMIT_DATE").unwrap_or_default()))
}

fn from_archive() -> Option<(String, String)> {
    parsed(&std::fs::read_to_string("commit").ok()?)
}

fn from_git() -> Option<(String, String)> {
    // What changes with each commit, on whatever branch, in whatever worktree.
    for file in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", file]) {
            println!("cargo:rerun-if-changed={}", path.trim());
        }
    }
    parsed(&git(&["log", "-1", "--format=%H %cs"])?)
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
    String::from_utf8(output.stdout).ok()
}

/// A commit and its date, in hexadecimal and as YYYY-MM-DD; none where a text is something else.
fn parsed(text: &str) -> Option<(String, String)> {
    let (commit, date) = text.trim().split_once(' ')?;
    let is_commit = commit.len() >= 7 && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| (commit.to_owned(), date.to_owned()))
}
