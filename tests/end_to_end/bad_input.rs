//! Wrong input: a message that says what, where and what to do; the right exit code; nothing half done.

use std::process::Output;

use crate::world::World;

fn said(output: &Output, code: i32, parts: &[&str]) {
    let text = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{text}");
    for part in parts {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    for never in ["panicked", "backtrace", "s3cret"] {
        assert!(!text.contains(never), "{never:?} in:\n{text}");
    }
}

#[tokio::test]
async fn without_setup_every_binary_says_what_to_run_first() {
    let world = World::with_unprepared_cases().await;
    for (binary, arguments) in [
        ("worker", vec!["--drain"]),
        ("producer", vec!["enqueue"]),
        ("producer", vec!["status"]),
        ("producer", vec!["retry"]),
        ("reporter", vec![]),
    ] {
        said(&world.runs(binary, arguments).await, 1, &["error:", "hint:", "producer setup"]);
    }
    assert!(!world.folder.path().join("certificate_migration_report.xlsx").exists());
}

#[tokio::test]
async fn a_database_that_cannot_be_reached_is_named_without_its_password() {
    let world = World::with_cases().await;
    for (binary, arguments) in [("worker", vec!["--drain"]), ("producer", vec!["enqueue"]), ("reporter", vec![])] {
        let mut command = world.command(binary, arguments.clone());
        command.env("DATABASE_URL", "postgres://app:s3cret@127.0.0.1:1/gone");
        command.env("CERTFERRY__DATABASE__CONNECT_TIMEOUT", "2s");
        said(&command.output().await.unwrap(), 1, &["error:", "127.0.0.1:1", "hint:", "database.url"]);
    }
    let mut command = world.command("worker", ["--drain"]);
    command.env("SOURCE_URL", "postgres://app:s3cret@127.0.0.1:1/gone");
    said(&command.output().await.unwrap(), 1, &["source", "hint:"]);
}

#[tokio::test]
async fn wrong_configuration_is_named_with_the_place_it_came_from() {
    let world = World::with_cases().await;
    std::fs::write(world.folder.path().join("certferry.toml"), "[worker]\nbatchsize = 3\n").unwrap();
    said(&world.runs("worker", ["--drain"]).await, 2, &["batchsize", "certferry.toml"]);
    std::fs::write(world.folder.path().join("certferry.toml"), "").unwrap();
    said(&world.runs("worker", ["--batch-size", "0"]).await, 2, &["batch-size"]);
    let mut command = world.command("producer", ["status"]);
    command.env_remove("DATABASE_URL");
    said(&command.output().await.unwrap(), 2, &["database.url", "DATABASE_URL"]);
    let mut command = world.command("producer", ["status"]);
    command.env("DATABASE_URL", "mysql://app:s3cret@h/d");
    said(&command.output().await.unwrap(), 2, &["database.url", "postgres"]);
}

#[tokio::test]
async fn a_source_without_the_tables_is_named() {
    let world = World::with_cases().await;
    world.execute_at_source("ALTER TABLE certificates DROP COLUMN speed").await;
    let output = world.runs("producer", ["enqueue"]).await;
    said(&output, 1, &["speed", "hint:"]);
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status").await, 0);
}
