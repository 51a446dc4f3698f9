//! The script people use today: `peers/script.py`.

use std::net::SocketAddr;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::arena::{Arena, Prepared, RUN};
use crate::meter::Meter;
use crate::options::Options;
use crate::program;
use crate::results::Run;

/// Which share of the good certificates the script may fail by its simpler rules.
const SIMPLER: f64 = 0.01;

/// Migrates the first `limit` certificates into a fresh destination, through a proxy where there is one.
pub(crate) async fn run(
    arena: &Arena,
    options: &Options,
    prepared: &Prepared,
    limit: u64,
    address: Option<SocketAddr>,
) -> Result<Run> {
    arena.fresh(prepared).await?;
    let output = arena.folder.join("script");
    std::fs::create_dir_all(&output).with_context(|| format!("could not make {}", output.display()))?;
    let meter = Meter::begin(arena, &prepared.source).await?;
    let mut command = program::command(&options.python, &arena.folder);
    command
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/script.py"))
        .args([arena.url(&prepared.source, address), arena.url(RUN, address)])
        .arg(&prepared.mappings)
        .arg(&output)
        .args(["--limit", &limit.to_string()]);
    let ended = program::run("script", command, &arena.log("script")).await?;
    let said: Value = serde_json::from_str(&ended.output).context("the script did not say what it did")?;
    let (migrated, failed) = (said["migrated"].as_u64().unwrap_or(0), said["failed"].as_u64().unwrap_or(0));
    let certificates = limit.min(prepared.certificates());
    let good = (1..=certificates).filter(|id| prepared.dataset.fault(*id).is_none()).count();
    #[expect(clippy::cast_precision_loss, reason = "no run has 2^53 certificates")]
    let share = migrated as f64 / good as f64;
    ensure!(
        migrated + failed == certificates && (1.0 - SIMPLER..=1.0 + SIMPLER).contains(&share),
        "the script migrated {migrated} and failed {failed} of {certificates}, of which {good} are good; its failures \
         are in {}",
        output.display()
    );
    let spent = meter.end(arena).await?;
    Ok(Run { certificates, seconds: ended.seconds, parts: Vec::new(), programs: vec![ended], spent })
}
