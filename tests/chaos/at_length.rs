//! The long form: `make chaos`.

use std::any::Any;
use std::time::Instant;

use certferry_testkit::postgres::Server;
use sqlx::{Connection, PgConnection};
use tokio::task::LocalSet;

use super::results::{self, Played};
use super::run::{Data, Run};
use super::snapshots::certificates_for;
use super::{SCENARIOS, Scenario};

/// Generated certificates, where `CHAOS_CERTIFICATES` says nothing else.
const CERTIFICATES: u64 = 20_000;

/// How long a transaction is left open, where `CHAOS_MINUTES` says nothing else.
const MINUTES: u64 = 2;

#[tokio::test]
#[ignore = "it takes some ten minutes: make chaos"]
async fn every_scenario_at_length() {
    let number = |name, default| variable(name).map_or(default, |number| number.parse().expect("a number"));
    let certificates = number("CHAOS_CERTIFICATES", CERTIFICATES);
    let certificates_of_snapshot = certificates_for(number("CHAOS_MINUTES", MINUTES));
    let only = variable("CHAOS_ONLY").unwrap_or_default();
    let is_wanted = |scenario: &&Scenario| only.is_empty() || only.split(',').any(|name| name == scenario.name);
    let mut played = Vec::new();
    for scenario in SCENARIOS.iter().filter(is_wanted) {
        let seed = Run::new(Data::Cases).seed;
        let takes_minutes = scenario.name == "snapshot_held";
        let certificates = if takes_minutes { certificates_of_snapshot } else { certificates };
        for data in [Data::Cases, Data::generated(seed, certificates)] {
            let one = play(scenario, data, seed).await;
            eprintln!("{}", one.line());
            played.push(one);
        }
    }
    let names: Vec<&str> = SCENARIOS.iter().map(|scenario| scenario.name).collect();
    assert!(!played.is_empty(), "CHAOS_ONLY names no scenario; there are {}", names.join(", "));
    let page = results::page(&played, &postgres().await);
    if only.is_empty() {
        eprintln!("written to {}", results::write(&page).display());
    } else {
        eprintln!("{page}");
    }
    let failed = played.iter().filter(|one| one.outcome.is_err()).count();
    assert_eq!(failed, 0, "scenarios failed; see above");
}

/// Plays one scenario; where it fails, the others are played all the same.
async fn play(scenario: &Scenario, data: Data, seed: u64) -> Played {
    let begun = Instant::now();
    let playing = LocalSet::new();
    let ended = playing.run_until(playing.spawn_local((scenario.play)(Run::with_seed(data, seed)))).await;
    Played {
        what: scenario.what,
        certificates: data.certificates(),
        seed,
        seconds: begun.elapsed().as_secs_f64(),
        outcome: ended.map_err(|error| words_of(&*error.into_panic())),
    }
}

fn words_of(panic: &(dyn Any + Send)) -> String {
    let words = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    words.unwrap_or("it panicked without a word").to_owned()
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

async fn postgres() -> String {
    let server = Server::shared().await.unwrap();
    let mut connection = PgConnection::connect(&server.url("postgres")).await.unwrap();
    sqlx::query_scalar("SELECT version()").fetch_one(&mut connection).await.unwrap()
}
