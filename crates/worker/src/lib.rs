//! The worker: claims batches of jobs and takes each through read, plan and write.

mod answers;
mod apply;
mod attempts;
mod backoff;
mod breaker;
mod cli;
mod connected;
mod drained;
mod engine;
mod error;
mod health;
mod in_flight;
mod lease;
mod limit;
mod locks;
mod memory;
mod metrics;
mod one_by_one;
mod probe;
mod run;
mod settle;
mod supervise;
mod sweep;
mod tally;
mod vitals;

pub use cli::Cli;
pub use run::run;
