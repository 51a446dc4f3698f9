//! What becomes of certificates, one or five hundred: everything they need is read and each is planned.
//!
//! The batch, the interactive mode and the assessment all begin here, so that none of them can disagree. Nothing here knows
//! of jobs, workers, retries, the command line or the configuration file.

mod crash_point;
mod error;
mod prepare;

pub use crash_point::crash_point;
pub use error::{Error, panic_message, source_code};
pub use prepare::{Begun, Planner, Prepared};
