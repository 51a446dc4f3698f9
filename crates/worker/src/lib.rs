//! The worker: claims batches of jobs and takes each through read, plan and write.

mod apply;
mod backoff;
mod cli;
mod crash_point;
mod engine;
mod error;
mod known;
mod outage;
mod prepare;
mod run;
mod sweep;
mod tally;

pub use cli::Cli;
pub use run::run;
