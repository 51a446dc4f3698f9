//! `producer explain`, and whether the SQL of the pages that it prints runs.

use std::process::{Command, Stdio};

use certferry_certificate::CodePage;
use serde_json::Value;

use crate::world::{Ended, PRODUCER, World, execute};

/// The binary with a configuration that nothing else can start with, and without databases.
fn explain(arguments: &str) -> Ended {
    let mut command = Command::new(PRODUCER);
    command.args(["explain"]).args(arguments.split_whitespace()).env_clear().stdin(Stdio::null());
    command.env("CERTFERRY__WORKER__CONCURRENCY", "many").env("CERTFERRY_CONFIG", "/no/such/file.toml");
    Ended::of(command.output().expect("the binary runs"))
}

#[test]
fn a_code_is_explained_whatever_the_configuration_is() {
    let text = explain("invalid_speed").good().to_owned();
    assert_eq!(text, include_str!("../../../../docs/codes/invalid_speed.md").trim_end());

    let document: Value = serde_json::from_str(explain("invalid_speed --json").good()).expect("a document");
    assert_eq!(document["code"], "invalid_speed");
    assert_eq!(document["kind"], "validation");
    assert_eq!(document["permanent"], true);
    for key in ["meaning", "causes", "remedy", "example"] {
        let section = document[key].as_str().expect("text");
        assert!(section.len() > 20 && text.contains(section), "{key}: {section}");
    }

    let warning: Value = serde_json::from_str(explain("vehicle_missing --json").good()).expect("a document");
    assert_eq!(warning["kind"], Value::Null);
    let transient: Value = serde_json::from_str(explain("timeout --json").good()).expect("a document");
    assert_eq!(transient["permanent"], false);
}

#[test]
fn without_a_code_all_are_listed() {
    let text = explain("").good().to_owned();
    let all: Vec<Value> = serde_json::from_str(explain("--json").good()).expect("a document");
    assert_eq!(all.len(), CodePage::all().count());
    let lines: Vec<&str> = text.lines().take_while(|line| !line.is_empty()).collect();
    assert_eq!(lines.len(), all.len());
    for (line, explanation) in lines.iter().zip(&all) {
        assert!(line.starts_with(explanation["code"].as_str().expect("a code")), "{line}");
    }
}

#[test]
fn an_unknown_code_is_wrong_usage_and_the_nearest_is_named() {
    let message = explain("missing_devise").bad(2).to_owned();
    let tip = message.lines().find(|line| line.contains("similar")).expect("a suggestion");
    assert!(tip.contains("'missing_device'"), "{message}");
    assert!(message.contains("missing_field") && message.contains("vehicle_missing"), "the list: {message}");
    explain("zzz").bad(2);
}

#[tokio::test]
async fn the_sql_of_every_page_runs() {
    let world = World::ready().await;
    let all: Vec<Value> = serde_json::from_str(explain("--json").good()).expect("a document");
    let mut ran = 0;
    for explanation in &all {
        let remedy = explanation["remedy"].as_str().expect("text");
        for block in remedy.split("```sql\n").skip(1) {
            let (sql, _) = block.split_once("```").expect("an end");
            let at = match sql.trim_start() {
                sql if sql.starts_with("-- the new database: ") => &world.database,
                sql if sql.starts_with("-- the old database: ") => &world.source,
                sql => panic!("{}: which database is this for? {sql}", explanation["code"]),
            };
            execute(at, sql).await;
            ran += 1;
        }
    }
    assert!(ran >= all.len(), "{ran} statements");
}
