use std::path::{Path, PathBuf};
use std::process::Command;

use crate::world::World;

/// The build script that finds out the commit, compiled into a folder.
fn build_script(folder: &Path) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/bootstrap/build.rs");
    let program = folder.join("build-script");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let compiled = Command::new(rustc).args(["--edition", "2024", "-o"]).arg(&program).arg(script).status().unwrap();
    assert!(compiled.success());
    program
}

/// What the script says of a build in a folder.
fn said(program: &Path, folder: &Path, variables: &[(&str, &str)]) -> [String; 2] {
    let mut command = Command::new(program);
    command.current_dir(folder).env_remove("CERTFERRY_COMMIT").env_remove("CERTFERRY_COMMIT_DATE");
    // Whatever repository the tests themselves are in is none of its.
    command.env("GIT_CEILING_DIRECTORIES", folder.parent().unwrap()).envs(variables.iter().copied());
    let output = String::from_utf8(command.output().unwrap().stdout).unwrap();
    ["CERTFERRY_COMMIT", "CERTFERRY_COMMIT_DATE"].map(|variable| {
        let begins = format!("cargo:rustc-env={variable}=");
        output.lines().find_map(|line| line.strip_prefix(&begins)).unwrap().to_owned()
    })
}

#[test]
fn a_binary_knows_its_commit_with_and_without_git() {
    let folder = tempfile::tempdir().unwrap();
    let program = build_script(folder.path());
    let release = ("PROFILE", "release");
    let sources = folder.path().join("sources");
    std::fs::create_dir(&sources).unwrap();
    let unknown = ["unknown".to_owned(), String::new()];
    assert_eq!(said(&program, &sources, &[release]), unknown, "neither git nor anything else");

    // As it lies in the repository, and as `git archive` writes it.
    let mark = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/bootstrap/commit");
    std::fs::copy(mark, sources.join("commit")).unwrap();
    let commit = "c142335f2f2e39beed4a222fd58507e8f5629d66";
    if said(&program, &sources, &[release]) == unknown {
        std::fs::write(sources.join("commit"), format!("{commit} 2026-11-25\n")).unwrap();
    }
    let [short, date] = said(&program, &sources, &[("PROFILE", "debug")]);
    assert_eq!((short.len(), date.len()), (12, 10), "{short} {date}");
    let told = [("CERTFERRY_COMMIT", "0123456789abcdef"), ("CERTFERRY_COMMIT_DATE", "2026-01-02")];
    assert_eq!(said(&program, &sources, &told), ["0123456789ab", "2026-01-02"], "who builds knows best");

    std::fs::remove_file(sources.join("commit")).unwrap();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=a", "-c", "user.email=a@localhost", "-c", "commit.gpgsign=false"];
        let ran = Command::new("git").args(identity).args(arguments).current_dir(&sources).output();
        ran.is_ok_and(|output| output.status.success())
    };
    if !git(&["init", "-q"]) {
        eprintln!("git is missing; a build of a repository is not tried");
        return;
    }
    assert!(git(&["commit", "-q", "--allow-empty", "-m", "first", "--date", "2026-03-04T12:00:00Z"]));
    let [of_release, date] = said(&program, &sources, &[release]);
    assert_eq!((of_release.len(), date.len()), (12, 10), "{of_release} {date}");
    assert_eq!(said(&program, &sources, &[("PROFILE", "debug")]), unknown, "development compiles no more than it must");
}

#[tokio::test]
async fn each_binary_says_its_version_and_commit() {
    let world = World::empty().await;
    for binary in ["producer", "reporter", "worker"] {
        let said = world.succeeds(binary, ["--version"]).await;
        let begins = format!("{binary} {} (commit ", env!("CARGO_PKG_VERSION"));
        assert!(said.starts_with(&begins), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}
