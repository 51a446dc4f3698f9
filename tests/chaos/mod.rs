//! Processes, connections and servers that go away while certificates are migrated, and what is left of each certificate.
//!
//! A scenario is a function of a [`Run`]: the data, and the seed from which every random choice follows. It makes a
//! [`Scene`] (two databases, everything enqueued, workers), does its harm, and ends with the same account of every
//! certificate as all the others. Here each runs over the cases, in seconds; `make chaos` runs each over the cases and over
//! generated certificates, one after the other, and writes `tests/chaos/RESULTS.md` (`at_length.rs`).
//!
//! A scenario that fails says its seed; `CHAOS_SEED=… make test` makes the same choices again.

mod account;
mod at_length;
mod clocks;
mod connections;
mod deploys;
mod disk;
mod fleet;
mod kills;
mod links;
mod migrations;
mod outages;
mod poolers;
mod progress;
mod results;
mod run;
mod scene;
mod snapshots;

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;
use std::pin::Pin;

use account::Outcome;
use run::{Data, Run};

/// One way of doing harm.
struct Scenario {
    name: &'static str,
    /// What happens, for people.
    what: &'static str,
    play: fn(Run) -> Pin<Box<dyn Future<Output = Outcome>>>,
}

/// The list of all scenarios, and a test for each over the cases.
macro_rules! scenarios {
    ($($family:ident::$name:ident: $what:literal,)*) => {
        const SCENARIOS: &[Scenario] = &[$(Scenario {
            name: stringify!($name),
            what: $what,
            play: |run| Box::pin($family::$name(run)),
        }),*];

        mod over_the_cases {
            $(
                #[tokio::test]
                async fn $name() {
                    super::play_over_the_cases(stringify!($name)).await;
                }
            )*
        }
    };
}

scenarios! {
    kills::workers_killed: "SIGKILL of a random worker every 0.3 s",
    kills::workers_stopped_and_continued: "SIGSTOP of a random worker until others have its jobs, then SIGCONT",
    kills::producer_killed_while_enqueueing: "SIGKILL of the producer while it enqueues and workers work",
    connections::connections_terminated: "pg_terminate_backend of random connections, to both databases",
    connections::pools_of_two: "two connections a process, to each database",
    outages::destination_stops: "immediate stop and start of the destination server",
    outages::destination_restored: "an older copy of the destination server in its place, while workers run",
    outages::source_stops: "immediate stop and start of the source server, PostgreSQL",
    outages::mariadb_source_stops: "kill and start of the source server, MariaDB",
    links::links_cut: "connections cut and refused, to the destination, then to the source",
    links::links_delayed: "connections delayed by up to 200 ms, to both",
    links::links_black: "connections that carry nothing any more, and say so to nobody, until they do again",
    links::links_half_open: "connections whose server is gone without a word, for good; new ones work",
    disk::destination_full: "no space left on the destination's disk, then space again",
    deploys::workers_replaced: "rolling SIGTERM through all workers under load",
    deploys::schema_expanded: "the next version's schema under today's workers and producer",
    clocks::clocks_wrong: "the clock of one worker an hour ahead, of another an hour behind",
    poolers::through_pgbouncer: "everything through PgBouncer in transaction mode, which is restarted",
    snapshots::snapshot_held: "a transaction left open throughout, with its snapshot",
}

async fn play_over_the_cases(name: &str) {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).unwrap();
    let run = Run::new(Data::Cases);
    eprintln!("{name}: CHAOS_SEED={}", run.seed);
    let outcome = (scenario.play)(run).await;
    outcome.assert_clean();
    if let Some(why) = outcome.left_out {
        note_left_out(name, &why);
    }
}

/// Nobody sees what a test says that passes: `make test` shows this in the end.
fn note_left_out(name: &str, why: &str) {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chaos-left-out");
    let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
    writeln!(file, "left out: {name}: {why}").unwrap();
}
