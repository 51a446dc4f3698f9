//! The worker: claims batches of jobs and takes each through read, plan and write.

mod apply;
mod backoff;
mod breaker;
mod cli;
mod connected;
mod drained;
mod engine;
mod error;
mod health;
mod limit;
mod locks;
mod memory;
mod one_by_one;
mod run;
mod supervise;
mod sweep;
mod tally;

pub use cli::Cli;
pub use run::run;
