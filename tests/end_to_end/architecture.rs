//! The crates' dependency edges, as ARCHITECTURE.md has them, and SQL files that nobody uses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Which of our crates each crate may use; tests, testkit and bench may use any.
const ALLOWED: &[(&str, &[&str])] = &[
    ("certificate", &[]),
    ("bootstrap", &["certificate"]),
    ("connection", &["certificate"]),
    ("source", &["certificate", "connection"]),
    ("store", &["certificate", "connection"]),
    ("queue", &["certificate", "connection"]),
    ("migration", &["certificate", "source", "store"]),
    ("operations", &["bootstrap", "certificate", "migration", "queue", "source", "store"]),
    ("producer", &["bootstrap", "certificate", "migration", "operations", "queue", "source", "store", "telemetry"]),
    (
        "worker",
        &["bootstrap", "certificate", "migration", "operations", "queue", "source", "store", "telemetry", "web"],
    ),
    ("reporter", &["bootstrap", "certificate", "operations", "source", "store"]),
    ("telemetry", &["bootstrap"]),
    ("web", &[]),
    ("testkit", &[]),
    ("model", &[]),
];

/// Crates that only one of ours may name.
const SOLE_USERS: &[(&str, &str)] =
    &[("apalis", "queue"), ("apalis-core", "queue"), ("apalis-postgres", "queue"), ("rust_xlsxwriter", "reporter")];

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn dependencies() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(workspace())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    packages
        .map(|package| {
            let normal = package["dependencies"].as_array().unwrap().iter().filter(|edge| edge["kind"].is_null());
            let names = normal.map(|edge| edge["name"].as_str().unwrap().to_owned()).collect();
            (short(package["name"].as_str().unwrap()).to_owned(), names)
        })
        .collect()
}

fn short(name: &str) -> &str {
    name.strip_prefix("certferry-").unwrap_or(name)
}

#[test]
fn the_edges_between_our_crates_are_those_of_the_architecture() {
    let dependencies = dependencies();
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    for (name, edges) in &dependencies {
        if name == "tests" || name == "bench" {
            continue;
        }
        assert!(known.contains(name.as_str()), "crate {name} has no place in the architecture yet");
        let allowed = ALLOWED.iter().find(|(of, _)| of == name).unwrap().1;
        for edge in edges.iter().filter(|edge| edge.starts_with("certferry-")) {
            assert!(allowed.contains(&short(edge)), "{name} must not use {edge}");
        }
    }
    for (dependency, user) in SOLE_USERS {
        for (name, edges) in &dependencies {
            assert!(name == user || !edges.contains(*dependency), "{name} must not use {dependency}");
        }
    }
    assert!(dependencies["certificate"].iter().all(|edge| edge != "tokio" && edge != "sqlx"));
}

fn files_under(folder: &Path, extension: &str) -> Vec<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| if path.is_dir() { files_under(&path, extension) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect()
}

/// The code of one of our crates, all files one after another.
pub(crate) fn source_of(name: &str) -> String {
    let files = files_under(&workspace().join("crates").join(name).join("src"), "rs");
    files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect()
}

#[test]
fn every_query_file_is_used() {
    for name in ["store", "queue"] {
        let folder = workspace().join("crates").join(name);
        let code = source_of(name);
        let queries = files_under(&folder.join("queries"), "sql");
        assert!(!queries.is_empty());
        for query in queries {
            let path = format!("queries/{}", query.file_name().unwrap().to_str().unwrap());
            assert!(code.contains(&format!("\"{path}\"")), "nobody uses crates/{name}/{path}");
        }
    }
}
