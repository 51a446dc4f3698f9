//! End to end: the real binaries, as separate processes, on a real PostgreSQL.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod agreement;
mod architecture;
mod assessment;
mod bad_input;
mod cases;
mod changes_meanwhile;
#[path = "../chaos/mod.rs"]
mod chaos;
mod conservation;
mod crash_points;
mod crashes;
mod desks;
mod destination_shape;
mod equivalence;
mod installation;
mod interference;
mod locks;
mod logs;
mod memory;
mod million;
mod missing_jobs;
mod observed;
mod one_by_one;
mod panics;
mod refusals;
mod repeat;
mod reports;
mod retries;
mod reverting;
mod sources;
mod steering;
mod uniqueness;
mod verdicts;
mod verifying;
mod world;
