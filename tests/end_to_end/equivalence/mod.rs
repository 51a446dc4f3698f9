//! Batches and one certificate at a time come to the same, whatever is in them.

mod worlds;

use std::collections::BTreeSet;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use sqlx::Row;
use tokio::runtime::Runtime;

use crate::world::World;
use worlds::{Certificate, Numbers, worlds};

const SURROUNDINGS: &str = include_str!("surroundings.sql");
const LEGACY_PEOPLE: &str = include_str!("legacy_people.sql");
const EVERYTHING: &str = include_str!("everything.sql");

/// Where `PROPTEST_RNG_SEED` says nothing else, the same worlds every time.
const SEED: u64 = 20_261_122;

/// How a world is worked off.
#[derive(Clone, Copy, Debug)]
struct Way {
    batch_size: usize,
    concurrency: usize,
}

const ONE_BY_ONE: Way = Way { batch_size: 1, concurrency: 1 };

/// Which of two certificates with one number or one registration is first depends on the order, so there is only one
/// batch at a time.
#[test]
fn a_batch_at_a_time_is_the_same_as_one_by_one() {
    check(12, Numbers::MayRepeat, 1);
}

#[test]
fn four_batches_at_once_are_the_same_as_one_by_one() {
    check(10, Numbers::Differ, 4);
}

fn check(cases: u32, numbers: Numbers, concurrency: usize) {
    let mut config = Config { cases, failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(SEED);
    }
    eprintln!("generating worlds from {:?}; set PROPTEST_RNG_SEED for others", config.rng_seed);
    let runtime = Runtime::new().unwrap();
    let same = |(certificates, batch_size): (Vec<Certificate>, usize)| {
        let way = Way { batch_size, concurrency };
        runtime.block_on(assert_same(&certificates, way)).map_err(TestCaseError::fail)
    };
    TestRunner::new(config).run(&worlds(numbers), same).unwrap_or_else(|error| panic!("{error}"));
}

async fn assert_same(certificates: &[Certificate], way: Way) -> Result<(), String> {
    let (one_by_one, batches) = tokio::join!(outcome(certificates, ONE_BY_ONE), outcome(certificates, way));
    let only = |these: &BTreeSet<String>, those: &BTreeSet<String>| {
        these.difference(those).map(String::as_str).collect::<Vec<_>>().join("\n  ")
    };
    if one_by_one == batches {
        return Ok(());
    }
    Err(format!(
        "{way:?} differs\nonly one by one:\n  {}\nonly in batches:\n  {}",
        only(&one_by_one, &batches),
        only(&batches, &one_by_one)
    ))
}

/// Everything there is after the certificates were worked off in that way.
async fn outcome(certificates: &[Certificate], way: Way) -> BTreeSet<String> {
    let world = World::with("equivalence", LEGACY_PEOPLE, SURROUNDINGS).await;
    let rows: Vec<String> = certificates.iter().zip(1..).map(|(certificate, id)| certificate.as_row(id)).collect();
    world.execute_at_source(&format!("{} {}", Certificate::INSERT, rows.join(", "))).await;
    world.succeeds("producer", ["enqueue"]).await;
    let (batch_size, concurrency) = (way.batch_size.to_string(), way.concurrency.to_string());
    world.succeeds("worker", ["--drain", "--batch-size", &batch_size, "--concurrency", &concurrency]).await;
    let rows = world.rows(EVERYTHING).await;
    let lines: BTreeSet<String> = rows.iter().map(|row| comparable(row.get(0))).collect();
    assert_eq!(lines.len(), rows.len(), "two rows are the same by their natural keys");
    assert!(lines.iter().all(|line| !line.contains("\"queued\"")), "{lines:?}");
    lines
}

/// The holder of a number is named by its new id where it is written already, and not within a batch.
fn comparable(line: &str) -> String {
    let mut parts = line.split("is already taken by ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| {
        let (_holder, rest) = part.split_once(';').expect("the message goes on");
        format!("{whole}is already taken by …;{rest}")
    })
}
