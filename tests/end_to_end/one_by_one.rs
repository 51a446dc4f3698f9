//! Certificates one by one, as people decide: beside each other, beside workers, and after a kill.

use std::collections::{BTreeMap, HashSet};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use sqlx::Row;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout};

use crate::conservation::Conservation;
use crate::verdicts::assert_as_expected;
use crate::world::{World, ended, succeeded};

const CLAIMS: &str = "SELECT count(*) FROM certferry.desk_claim";
const RUNNING: &str = "SELECT count(*) FROM apalis.jobs WHERE status = 'Running'";
const FINISHED: &str = "SELECT count(*) FROM certferry.certificate_status WHERE state <> 'queued'";

/// A session that a program drives.
struct Driven {
    child: Child,
    stdin: Option<ChildStdin>,
    documents: Lines<BufReader<ChildStdout>>,
}

impl Driven {
    fn start(world: &World, arguments: &[&str]) -> Self {
        let mut command = world.command("worker", [&["one-by-one", "--json"], arguments].concat());
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take();
        let documents = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, stdin, documents }
    }

    /// The next document.
    async fn next(&mut self) -> Value {
        let waiting = tokio::time::timeout(std::time::Duration::from_mins(2), self.documents.next_line());
        let line = waiting.await.expect("it says nothing").unwrap().expect("it has ended");
        serde_json::from_str(&line).unwrap()
    }

    async fn answer(&mut self, line: &str) {
        self.stdin.as_mut().unwrap().write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    /// Answers, and returns what came of it.
    async fn outcome(&mut self, line: &str) -> Value {
        self.answer(line).await;
        let document = self.next().await;
        assert!(document["outcome"].is_string(), "{document}");
        document
    }

    /// Ends the input; returns the tally and what was said on standard error.
    async fn end(mut self) -> (Value, String) {
        drop(self.stdin.take());
        let mut last = Value::Null;
        while let Some(line) = self.documents.next_line().await.unwrap() {
            last = serde_json::from_str(&line).unwrap();
        }
        let output = ended(self.child).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        (last["tally"].clone(), said)
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().unwrap().cast_signed()).unwrap(), signal).unwrap();
    }
}

/// Answers `m` to everything, as often as it is asked.
async fn migrate_all(mut driven: Driven) -> Value {
    while let Some(line) = driven.documents.next_line().await.unwrap() {
        let document: Value = serde_json::from_str(&line).unwrap();
        if document.get("source").is_some() {
            driven.answer("m").await;
        } else if let Some(tally) = document.get("tally") {
            let tally = tally.clone();
            driven.end().await;
            return tally;
        }
    }
    panic!("there was no tally");
}

async fn assert_nothing_is_claimed(world: &World) {
    assert_eq!((world.number(CLAIMS).await, world.number(RUNNING).await), (0, 0));
    assert_eq!(world.number("SELECT count(*) FROM apalis.workers").await, 0);
}

/// As many lines as there are cases, from a pipe that nobody watches.
#[tokio::test]
async fn a_thousand_decisions_by_pipe_give_the_rows_of_batch_mode() {
    let world = World::with_cases().await;
    let answers = world.folder.path().join("answers");
    std::fs::write(&answers, "m\n".repeat(1000)).unwrap();
    let mut command = world.command("worker", ["one-by-one", "--json"]);
    command.stdin(std::fs::File::open(&answers).unwrap());
    let said = succeeded(ended(command.spawn().unwrap()).await);
    let documents: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let tally = &documents.last().unwrap()["tally"];
    assert_eq!(tally["migrated"].as_i64().unwrap() + tally["failed"].as_i64().unwrap(), 1000, "{tally}");
    let mut by_outcome = BTreeMap::new();
    for document in documents.iter().filter(|document| document.get("outcome").is_some()) {
        *by_outcome.entry(document["outcome"].as_str().unwrap()).or_insert(0) += 1;
        assert_eq!(document["outcome"] == "migrated", document["new_certificate_id"].is_i64(), "{document}");
        assert_eq!(document["outcome"] == "failed", !document["issues"].as_array().unwrap().is_empty(), "{document}");
    }
    assert_eq!(
        (by_outcome["migrated"], by_outcome["failed"]),
        (tally["migrated"].as_i64().unwrap(), tally["failed"].as_i64().unwrap())
    );
    assert_eq!(world.number(FINISHED).await, 1000);
    assert_nothing_is_claimed(&world).await;

    world.succeeds("producer", ["enqueue"]).await;
    world.drain(1).await;
    assert_as_expected(&world).await;
    let runs: Value = serde_json::from_str(&world.succeeds("producer", ["runs", "--json"]).await).unwrap();
    let run = runs.as_array().unwrap().iter().find(|run| run["filter"]["one_by_one"] == true).unwrap();
    assert_eq!((&run["selected"], &run["queued"], &run["adds_up"]), (&1000.into(), &0.into(), &true.into()), "{run}");
    assert_ne!(run["outcome"], "running");
}

#[tokio::test]
async fn two_people_beside_two_workers_decide_each_certificate_once() {
    let mut world = World::with_cases().await;
    world.set("worker.batch_size", "5");
    world.set("worker.concurrency", "1");
    let conservation = Conservation::expecting(&world, 2000).await;
    world.succeeds("producer", ["enqueue", "--limit", "1500"]).await;
    let people = [Driven::start(&world, &[]), Driven::start(&world, &[])];
    let workers = [world.start("worker", ["--drain"]), world.start("worker", ["--drain"])];
    let [one, other] = people;
    let tallies = <[Value; 2]>::from(tokio::join!(migrate_all(one), migrate_all(other)));
    for worker in workers {
        succeeded(ended(worker).await);
    }
    assert_as_expected(&world).await;
    conservation.assert_holds(&world).await;
    let count = |tally: &Value| tally["migrated"].as_i64().unwrap() + tally["failed"].as_i64().unwrap();
    let by_people = world.number("SELECT count(*) FROM certferry.certificate_status WHERE worker LIKE '%@%'").await;
    assert_eq!(count(&tallies[0]) + count(&tallies[1]), by_people, "{tallies:?}");
    assert!(tallies.iter().all(|tally| count(tally) > 0) && by_people < 2000, "{tallies:?}");
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status WHERE attempts <> 1").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM certferry.late_result").await, 0);
    assert_nothing_is_claimed(&world).await;
}

#[tokio::test]
async fn a_person_migrates_skips_leaves_for_later_and_goes_back() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["pause", "--reason", "a backup"]).await;
    let mut person = Driven::start(&world, &[]);
    let first = person.next().await;
    let id = first["certificate_id"].as_i64().unwrap();
    assert!(first["state"].is_null() && first["source"]["id"] == id, "{first}");
    assert_eq!(first["plan"].is_null(), !first["issues"].as_array().unwrap().is_empty());
    assert_eq!(world.number(CLAIMS).await, 1);
    person.answer("please").await;
    person.answer("s").await;
    let skipped = person.outcome("s sold abroad").await;
    assert_eq!((&skipped["certificate_id"], &skipped["outcome"]), (&id.into(), &"skipped".into()));
    let row = &world
        .rows(&format!("SELECT state, reason, worker FROM certferry.certificate_status WHERE certificate_id = {id}"))
        .await[0];
    assert_eq!((row.get::<&str, _>("state"), row.get::<&str, _>("reason")), ("skipped", "sold abroad"));
    assert!(row.get::<&str, _>("worker").contains('@'));

    let second = person.next().await;
    assert!(second["certificate_id"].as_i64().unwrap() > id);
    assert_eq!(person.outcome("d").await["outcome"], "later");
    let third = person.next().await;
    assert_eq!(person.outcome("b").await["outcome"], "back");
    assert_eq!(person.next().await["certificate_id"], second["certificate_id"]);
    assert_eq!(person.outcome("b").await["outcome"], "back");
    let again = person.next().await;
    assert_eq!((&again["certificate_id"], &again["state"]), (&id.into(), &"skipped".into()));
    let outcome = person.outcome("m").await;
    assert_eq!(outcome["outcome"] == "migrated", !first["plan"].is_null(), "{outcome}");
    assert_eq!(person.next().await["certificate_id"], second["certificate_id"]);
    person.outcome("b").await;
    let decided = person.next().await;
    assert_eq!(decided["state"], outcome["outcome"]);
    if outcome["outcome"] == "migrated" {
        let unchanged = person.outcome("m").await;
        assert_eq!(unchanged["new_certificate_id"], outcome["new_certificate_id"]);
        assert!(unchanged["message"].as_str().unwrap().contains("nothing was changed"), "{unchanged}");
        let unchanged = {
            person.next().await;
            person.outcome("b").await;
            person.next().await;
            person.outcome("s too late").await
        };
        assert_eq!(unchanged["outcome"], "migrated");
    } else {
        person.outcome("d").await;
    }
    assert_eq!(person.next().await["certificate_id"], second["certificate_id"]);
    person.outcome("d").await;
    assert_eq!(person.next().await["certificate_id"], third["certificate_id"]);
    person.answer("q").await;
    let (tally, said) = person.end().await;
    assert_eq!((&tally["skipped"], &tally["migrated"]), (&1.into(), &i64::from(!first["plan"].is_null()).into()));
    assert!(
        said.contains("say why it is skipped") && said.contains("not understood") && said.contains("paused"),
        "{said}"
    );
    assert_nothing_is_claimed(&world).await;
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status").await, 1);
}

#[tokio::test]
async fn only_what_was_asked_for_comes_before_a_person() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue", "--limit", "60"]).await;
    world.drain(1).await;
    let failed =
        world.rows("SELECT certificate_id FROM certferry.certificate_status WHERE state = 'failed' ORDER BY 1").await;
    let failed: Vec<i64> = failed.iter().map(|row| row.get(0)).collect();
    let mut person = Driven::start(&world, &["--state", "failed"]);
    for id in &failed {
        let document = person.next().await;
        assert_eq!((&document["certificate_id"], &document["state"]), (&(*id).into(), &"failed".into()));
        assert_eq!(person.outcome("d").await["outcome"], "later");
    }
    assert_eq!(person.next().await["tally"]["later"], failed.len());
    person.end().await;

    let finished = failed[0].to_string();
    let new = world.rows("SELECT max(certificate_id) + 1 FROM certferry.certificate_status").await[0].get::<i64, _>(0);
    let (_, said) = {
        let mut person = Driven::start(&world, &["--id", &finished, "--id", "999999999", "--id", &new.to_string()]);
        assert_eq!(person.next().await["certificate_id"], new);
        person.end().await
    };
    assert!(
        said.contains("certificate 999999999 is left out")
            && said.contains(&format!("certificate {finished} is left out: it is failed")),
        "{said}"
    );

    // What was mended is decided anew, in a run of its own.
    let mut person = Driven::start(&world, &["--state", "failed", "--id", &finished]);
    person.next().await;
    assert_eq!(person.outcome("m").await["outcome"], "failed");
    person.end().await;
    assert_eq!(
        world.number(&format!("SELECT count(*) FROM certferry.history WHERE certificate_id = {finished}")).await,
        1
    );
    assert_eq!(world.number("SELECT selected FROM certferry.run WHERE kind = 'retry'").await, 1);
}

/// What is shown is not what would be written any more.
#[tokio::test]
async fn what_has_changed_since_it_was_shown_is_shown_again() {
    let world = World::with_cases().await;
    let mut person = Driven::start(&world, &[]);
    let mut shown = person.next().await;
    while shown["plan"].is_null() {
        person.outcome("d").await;
        shown = person.next().await;
    }
    let id = shown["certificate_id"].as_i64().unwrap();
    world.execute_at_source(&format!("UPDATE certificates SET remarks = 'corrected' WHERE id = {id}")).await;
    person.answer("m").await;
    let again = person.next().await;
    assert_eq!((&again["certificate_id"], &again["source"]["remarks"]), (&id.into(), &"corrected".into()));
    assert!(again["asked_again"].is_string() && again.get("outcome").is_none(), "{again}");
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status").await, 0);
    assert_eq!(person.outcome("m").await["outcome"], "migrated");

    // Somebody else migrates it meanwhile.
    let mut other = person.next().await;
    while other["plan"].is_null() {
        person.outcome("d").await;
        other = person.next().await;
    }
    let id = other["certificate_id"].as_i64().unwrap().to_string();
    world.succeeds("producer", ["enqueue", "--id", &id]).await;
    world.drain(1).await;
    let late = person.outcome("m").await;
    assert!(late["outcome"] == "migrated" && late["message"].as_str().unwrap().contains("before by"), "{late}");
    let (tally, _) = person.end().await;
    assert_eq!(tally["migrated"], 1);
}

/// A lock that somebody else holds in the destination is said and waited for by the person, not by the certificate.
#[tokio::test]
async fn trouble_that_passes_charges_nothing_and_is_asked_again() {
    let world = World::with_cases().await;
    let mut person = Driven::start(&world, &[]);
    let mut shown = person.next().await;
    while shown["plan"].is_null() {
        person.outcome("d").await;
        shown = person.next().await;
    }
    let mut holder = world.connection().await;
    sqlx::raw_sql("BEGIN; LOCK TABLE certificates IN SHARE MODE").execute(&mut holder).await.unwrap();
    person.answer("m").await;
    let again = person.next().await;
    assert!(again["asked_again"].is_string() && again["certificate_id"] == shown["certificate_id"], "{again}");
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status").await, 0);
    sqlx::raw_sql("ROLLBACK").execute(&mut holder).await.unwrap();
    assert_eq!(person.outcome("m").await["outcome"], "migrated");
    person.end().await;
}

#[tokio::test]
async fn what_lies_on_a_desk_is_left_alone_and_comes_back_whatever_ends_the_desk() {
    let mut world = World::with_cases().await;
    world.set("worker.orphan_after", "1500ms");
    world.succeeds("producer", ["enqueue", "--limit", "40"]).await;
    for signal in [Signal::INT, Signal::TERM] {
        let mut person = Driven::start(&world, &[]);
        person.next().await;
        assert_eq!(world.number(RUNNING).await, 1);
        person.signal(signal);
        let (tally, _) = person.end().await;
        assert!(tally.is_object());
        assert_nothing_is_claimed(&world).await;
    }

    let mut person = Driven::start(&world, &[]);
    let first = person.next().await["certificate_id"].as_i64().unwrap();
    let mut second_person = Driven::start(&world, &[]);
    assert_ne!(second_person.next().await["certificate_id"], first, "nobody else is asked about it");
    let status: Value = serde_json::from_str(&world.succeeds("producer", ["status", "--json"]).await).unwrap();
    assert_eq!(status["workers"], 0, "people are no workers");
    let refused = world.runs("producer", ["setup", "--accept-changes"]).await;
    assert!(
        String::from_utf8_lossy(&refused.stderr).contains("people in one-by-one"),
        "they go by the rules they began with"
    );
    let worker = world.start("worker", ["--drain"]);
    world.until(FINISHED, |finished| finished == 38).await;
    person.signal(Signal::KILL);
    person.child.wait().await.unwrap();
    second_person.end().await;
    succeeded(ended(worker).await);
    assert_eq!(world.number(FINISHED).await, 40);
    let charged = "SELECT count(*) FROM certferry.history WHERE outcome = 'crashed'";
    assert_eq!(world.number(charged).await, 0, "nothing was begun with it");
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status WHERE attempts <> 1").await, 0);
    // The claim of the dead person keeps nobody from deciding.
    let mut next_person = Driven::start(&world, &["--state", "failed"]);
    let shown = next_person.next().await;
    assert!(shown["certificate_id"].is_i64() || shown["tally"].is_object());
    next_person.end().await;
}

/// A person at a terminal, or one whose answers come from a file.
#[tokio::test]
async fn a_person_sees_the_old_beside_the_new() {
    let world = World::with_cases().await;
    let answers = world.folder.path().join("answers");
    std::fs::write(&answers, "m\nb\nm\nd").unwrap();
    let mut command = world.command("worker", ["one-by-one"]);
    command.stdin(std::fs::File::open(&answers).unwrap());
    let text = succeeded(ended(command.spawn().unwrap()).await);
    assert!(text.contains("in the source") && text.contains("never enqueued"), "{text}");
    assert!(text.contains("→ back") && text.contains("→ later"), "{text}");
    assert!(text.lines().last().unwrap().ends_with("1 left for later"), "{text}");
    assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text:?}");
    let ids: HashSet<&str> = text.lines().filter(|line| line.starts_with("certificate ")).collect();
    assert!(ids.len() >= 2, "{ids:?}");
}
