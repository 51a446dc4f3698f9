//! The machine and the versions that the figures belong to.

use std::fs;
use std::process::Command;
use std::thread::available_parallelism;
use std::time::Instant;

use anyhow::{Context, Result};
use sqlx::Connection;

use crate::arena::Arena;
use crate::options::Options;

/// Bytes of memory of this machine; a guess where it does not say.
pub(crate) fn memory() -> u64 {
    let kilobytes = || {
        let text = fs::read_to_string("/proc/meminfo").ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()
    };
    kilobytes().map_or(4 << 30, |kilobytes| kilobytes << 10)
}

/// Processor cores that this process may use.
pub(crate) fn cores() -> usize {
    available_parallelism().map_or(1, Into::into)
}

/// Each a name and what it is.
pub(crate) async fn describe(arena: &Arena, options: &Options) -> Result<Vec<(&'static str, String)>> {
    let mut connection = arena.connect("postgres").await?;
    let postgres: String = sqlx::query_scalar("SELECT version()").fetch_one(&mut connection).await?;
    let settings: Vec<String> = arena.settings.iter().map(|(name, value)| format!("{name} = {value}")).collect();
    let statements = if arena.has_statements { ", pg_stat_statements loaded" } else { "" };
    let trip = round_trip(&arena.url("postgres", None)).await?;
    let processor = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let processor = processor.lines().find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let processor = processor.map_or("unknown processor", |(_, name)| name.trim()).to_owned();
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    let memory = memory() as f64 / f64::from(1 << 30);
    Ok(vec![
        ("date", chrono::Utc::now().format("%Y-%m-%d %H:%M UTC").to_string()),
        ("machine", format!("{} cores ({processor}), {memory:.1} GiB of memory", cores())),
        ("system", said("uname", &["-srm"])),
        ("disk", format!("a commit of one row takes {:.2} ms", commit(arena).await? * 1e3)),
        ("network", format!("loopback, a round trip takes {:.2} ms", trip * 1e3)),
        ("PostgreSQL", postgres),
        ("settings", format!("stock, durable (fsync on), but {}{statements}", settings.join(", "))),
        ("Certferry", format!("{}, {}", said_by(&options.binaries.join("worker")), revision())),
        ("script", script(options)),
    ])
}

fn script(options: &Options) -> String {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peers/script.py");
    said(&options.python.display().to_string(), &[script, "--version"])
}

fn said_by(program: &std::path::Path) -> String {
    said(&program.display().to_string(), &["--version"])
}

fn revision() -> String {
    let folder = env!("CARGO_MANIFEST_DIR");
    let revision = said("git", &["-C", folder, "rev-parse", "--short", "HEAD"]);
    let changes = said("git", &["-C", folder, "status", "--porcelain", "--untracked-files=no"]);
    let more = if changes.is_empty() { "" } else { " and changes" };
    format!("revision {revision}{more}")
}

/// What a program prints, or that it is not there.
fn said(program: &str, arguments: &[&str]) -> String {
    match Command::new(program).args(arguments).output() {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// Seconds that a round trip takes, the median of many.
pub(crate) async fn round_trip(url: &str) -> Result<f64> {
    let mut connection = sqlx::PgConnection::connect(url).await.context("could not connect")?;
    let mut taken = Vec::new();
    for _ in 0..50 {
        let started = Instant::now();
        sqlx::query("SELECT 1").execute(&mut connection).await?;
        taken.push(started.elapsed().as_secs_f64());
    }
    connection.close().await?;
    Ok(crate::results::median(taken))
}

/// Seconds that a commit of one row takes, the median of many: what every script that commits for each row waits for.
async fn commit(arena: &Arena) -> Result<f64> {
    let mut connection = arena.connect("postgres").await?;
    sqlx::query("CREATE TABLE commit_cost (number bigint)").execute(&mut connection).await?;
    let mut taken = Vec::new();
    for number in 0..200_i64 {
        let started = Instant::now();
        sqlx::query("INSERT INTO commit_cost VALUES ($1)").bind(number).execute(&mut connection).await?;
        taken.push(started.elapsed().as_secs_f64());
    }
    sqlx::query("DROP TABLE commit_cost").execute(&mut connection).await?;
    connection.close().await?;
    Ok(crate::results::median(taken))
}
