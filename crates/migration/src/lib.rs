//! What becomes of certificates, one or five hundred: everything they need is read and each is planned.
//!
//! The batch, the interactive mode and the assessment all begin here, so that none of them can disagree. Nothing here knows
//! of jobs, workers, retries, the command line or the configuration file.

mod assess;
mod crash_point;
mod error;
mod memory;
mod prepare;
mod step;

pub use assess::{Assessment, Assessor, Distinct, Fix, Reason, References, Sample, WouldCreate, percent};
pub use crash_point::crash_point;
pub use error::{Error, panic_message, source_code};
pub use memory::{COPIES, row_too_large};
pub use prepare::{Begun, Planner, Prepared};
pub use step::Step;
