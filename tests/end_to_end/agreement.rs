//! A worker that does not agree with what the migration was begun with changes nothing.

use rustix::process::Signal;

use crate::verdicts::assert_as_expected;
use crate::world::{World, ended, signal};

async fn refused(world: &World, name: &str, value: &str) -> String {
    let mut command = world.command("worker", ["--drain"]);
    let output = ended(command.env(name, value).spawn().unwrap()).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: this is not what the migration was begun with:"), "{said}");
    assert!(said.contains("producer setup --accept-changes"), "{said}");
    said
}

#[tokio::test]
async fn a_worker_with_another_source_query_or_rules_is_refused() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    // The same rows, in another database.
    let other = World::with_unprepared_cases().await;
    let said = refused(&world, "SOURCE_URL", &other.source.url()).await;
    assert!(said.contains("source.url: recorded is the PostgreSQL database"), "{said}");
    let said = refused(&world, "CERTFERRY__STATUS__ACTIVE", r#"["active"]"#).await;
    assert!(said.contains("status.active: recorded is [active, issued, valid], now it is [active]"), "{said}");
    let query = "SELECT * FROM customers WHERE id < 0";
    let said = refused(&world, "CERTFERRY__SOURCE__CUSTOMERS", query).await;
    assert!(said.contains("source.customers: recorded is the query for the reference schema"), "{said}");
    let queued = "SELECT count(*) FROM certferry.certificate_status WHERE state = 'queued'";
    assert_eq!(world.number(queued).await, 2000);
    world.drain(2).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn a_worker_that_comes_first_records_what_it_works_with() {
    let world = World::with_cases().await;
    world.drain(2).await;
    assert_eq!(world.number("SELECT count(*) FROM certferry.manifest WHERE source IS NOT NULL").await, 1);
    let mut command = world.command("producer", ["enqueue"]);
    let output = ended(command.env("CERTFERRY__TECHNICIANS__ON_MISSING", "fail").spawn().unwrap()).await;
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stderr));
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(1).await;
    assert_as_expected(&world).await;
}

#[tokio::test]
async fn changes_are_accepted_only_while_no_worker_goes_on_by_what_was_before() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue", "--limit", "1"]).await;
    let worker = world.start("worker", ["--batch-size", "10"]);
    world.until("SELECT count(*) FROM apalis.workers", |workers| workers == 1).await;
    let accepting = async || {
        let mut command = world.command("producer", ["setup", "--accept-changes"]);
        ended(command.env("CERTFERRY__DATES__TIMEZONE", "Europe/Paris").spawn().unwrap()).await
    };
    let output = accepting().await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("error: nothing was accepted: workers are alive"), "{said}");
    signal(&worker, Signal::TERM);
    assert!(ended(worker).await.status.success());
    let output = accepting().await;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8(output.stdout).unwrap().contains("accepted: dates.timezone"));
}
