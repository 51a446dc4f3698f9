//! The steps of the demo.

use std::env;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use certferry_testkit::generator::Dataset;
use indicatif::HumanCount;
use tokio_util::sync::CancellationToken;

use crate::databases::{Databases, Found};
use crate::programs::{Program, Programs, STOPPED};
use crate::progress::{Counts, INTERVAL, Progress};
use crate::screen::{say, short, step};

/// Always the same certificates, so that a second demo recognises those of the first.
const SEED: u64 = 2025;

const CERTIFICATES: u64 = 20_000;

/// What the demo writes beside the report.
pub(crate) const FOLDER: &str = "demo";

const REPORT: &str = "certificate_migration_report.xlsx";

/// Runs the whole demo; it is an error to be stopped before its end.
pub(crate) async fn run(stop: &CancellationToken) -> Result<()> {
    let started = Instant::now();
    let dataset = Dataset::messy(SEED, certificates()?);
    let databases = unless_stopped(stop, Box::pin(Databases::find())).await?;
    let programs = Programs::find(&databases, stop)?;
    let found = unless_stopped(stop, databases.look(&dataset)).await?;

    Box::pin(prepare(&dataset, &databases, &programs, found, stop)).await?;
    step("Importing the mappings and enqueueing one job for each certificate");
    programs.run("producer", &["import-mappings", &short(&folder().join("mappings"))]).await?;
    programs.run("producer", &["enqueue"]).await?;
    step("Migrating, with two worker processes side by side");
    let (migrated, took) = migrate(&programs, stop).await?;
    step("Writing the report");
    programs.run("reporter", &["--output", REPORT]).await?;
    programs.run("producer", &["status"]).await?;
    let counts = Counts::of(&programs.status().await?);
    summarize(&dataset, &databases, counts, migrated, took);
    drop(databases);
    say(&format!("The whole demo took {:.1} s.", started.elapsed().as_secs_f64()));
    Ok(())
}

async fn unless_stopped<T, E>(stop: &CancellationToken, work: impl Future<Output = Result<T, E>>) -> Result<T>
where
    anyhow::Error: From<E>,
{
    Ok(stop.run_until_cancelled(work).await.context(STOPPED)??)
}

/// As many as `CERTIFICATES` says.
fn certificates() -> Result<u64> {
    match env::var("CERTIFICATES") {
        Ok(number) if !number.is_empty() => {
            number.parse().with_context(|| format!("CERTIFICATES is {number:?}, which is not a number of certificates"))
        }
        _ => Ok(CERTIFICATES),
    }
}

fn folder() -> &'static Path {
    Path::new(FOLDER)
}

async fn prepare(
    dataset: &Dataset,
    databases: &Databases,
    programs: &Programs,
    found: Found,
    stop: &CancellationToken,
) -> Result<()> {
    let amount = HumanCount(dataset.certificates);
    if found.source {
        step(&format!("The legacy database has the {amount} certificates of an earlier demo: using them"));
    } else {
        step(&format!("Filling a legacy database with {amount} certificates as people typed them"));
        unless_stopped(stop, dataset.load_source(&databases.source)).await?;
    }
    step("Setting up the queue, Certferry's own tables and, for the demo, the destination's");
    programs.run("producer", &["setup", "--reference-destination"]).await?;
    if found.destination {
        say("    The destination has what an earlier demo left there: going on from that.");
    } else {
        unless_stopped(stop, dataset.load_destination(&databases.destination)).await?;
        say("    Filled the destination with its users, customers, technicians and devices.");
    }
    let mappings = folder().join("mappings");
    dataset.write_mappings(&mappings)?;
    say(&format!("    Wrote the mapping files into {}.", short(&mappings)));
    Ok(())
}

/// Runs two workers until nothing is left to do. Returns how many certificates they finished and how long it took.
async fn migrate(programs: &Programs, stop: &CancellationToken) -> Result<(u64, Duration)> {
    let before = Counts::of(&programs.status().await?);
    let started = Instant::now();
    let mut workers = Vec::new();
    for number in 1..=2 {
        let log = folder().join(format!("worker-{number}.log"));
        workers.push(programs.start("worker", &["--drain"], &log)?);
    }
    let watched = unless_stopped(stop, watch(programs, &mut workers, before)).await;
    if watched.is_err() {
        say("    Asking the workers to finish what they have in hand …");
        for worker in &mut workers {
            worker.stop().await?;
        }
    }
    watched.with_context(|| format!("the workers' own words are in {FOLDER}/worker-1.log and worker-2.log"))?;
    let took = started.elapsed();
    let after = Counts::of(&programs.status().await?);
    Ok((after.finished().saturating_sub(before.finished()), took))
}

/// Shows how far the workers are until both have ended.
async fn watch(programs: &Programs, workers: &mut [Program], before: Counts) -> Result<()> {
    let mut progress = Progress::new(before);
    let mut next = tokio::time::interval(INTERVAL);
    loop {
        next.tick().await;
        let mut running = 0;
        for worker in &mut *workers {
            running += usize::from(!worker.has_ended()?);
        }
        if running == 0 {
            return Ok(());
        }
        progress.show(Counts::of(&programs.status().await?));
    }
}

fn summarize(dataset: &Dataset, databases: &Databases, counts: Counts, migrated: u64, took: Duration) {
    step("Done");
    say(&format!(
        "    {} certificates: {} migrated, {} failed, {} skipped.",
        HumanCount(counts.total),
        HumanCount(counts.migrated),
        HumanCount(counts.failed),
        HumanCount(counts.skipped)
    ));
    let faults = dataset.faults();
    if counts.failed == faults {
        say("    The failed ones are those that were made unfit to be migrated, and no others.");
    } else {
        say(&format!(
            "    Made unfit to be migrated were {}: something here is not as it should be.",
            HumanCount(faults)
        ));
    }
    let seconds = took.as_secs_f64();
    #[allow(clippy::cast_precision_loss, reason = "a rate for people to read")]
    let rate = migrated as f64 / seconds;
    say(&format!("    {} of them now, in {seconds:.1} s: {rate:.0} certificates per second.", HumanCount(migrated)));
    say(&format!("    The report:         {REPORT}"));
    say(&format!("    The mapping files:  {FOLDER}/mappings"));
    say(&format!("    The workers' logs:  {FOLDER}/worker-1.log, {FOLDER}/worker-2.log"));
    say(if databases.private.is_some() {
        "    The private servers go with the databases on them. To keep them, name two empty ones of your own:\n    \
         make demo DATABASE_URL=postgres://… SOURCE_URL=postgres://…"
    } else {
        "    The databases:      where SOURCE_URL and DATABASE_URL say; they are as the migration left them."
    });
}
