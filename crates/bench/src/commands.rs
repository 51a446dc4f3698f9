//! How long the commands that people wait for take with a million status rows.

use anyhow::Result;

use crate::arena::{Arena, Prepared, RUN};
use crate::program;

/// How often each command is run.
const TIMES: usize = 5;

/// The commands, as they are typed. None of them changes so much that the next one would find something else.
const COMMANDS: [&str; 12] = [
    "status --json",
    "status --run 1 --json",
    "runs --json",
    "show 500000 --json",
    "show 500001 --json",
    "explain missing_device",
    "pause",
    "resume",
    "limit --rate 500",
    "limit --off",
    "skip --id 501 --reason bench",
    "skip --code missing_device --reason bench --dry-run",
];

/// A command and how long it took each time, in milliseconds, the shortest first.
#[derive(Debug, Clone)]
pub(crate) struct Timed {
    pub(crate) command: &'static str,
    pub(crate) milliseconds: Vec<f64>,
}

/// Fills the status table of a fresh destination and times each command, from its start to its end.
pub(crate) async fn measure(arena: &Arena, prepared: &Prepared) -> Result<Vec<Timed>> {
    arena.fresh(prepared).await?;
    let statements: Vec<&str> = include_str!("commands.sql").split_inclusive(';').collect();
    arena.execute(RUN, &statements).await?;
    let mut timed = Vec::new();
    for command in COMMANDS {
        let mut milliseconds = Vec::new();
        for _ in 0..TIMES {
            let mut producer = arena.certferry("producer", &prepared.source, RUN, None);
            producer.args(command.split(' '));
            milliseconds.push(program::run("producer", producer, &arena.log("producer")).await?.seconds * 1e3);
        }
        milliseconds.sort_by(f64::total_cmp);
        timed.push(Timed { command, milliseconds });
    }
    Ok(timed)
}
