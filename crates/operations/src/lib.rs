//! What the producers and workers of one migration must agree on.
//!
//! They work between the same databases by the same rules ([`Participant`]); each certificate that is queued has a job
//! ([`restore_jobs`]); whoever drains the queue knows of those who are filling
//! it ([`AtWork`]).

mod at_work;
mod error;
mod manifest;
mod operator;
mod restore;

pub use at_work::{AtWork, is_anyone_at_work};
pub use error::Error;
pub use manifest::{Difference, Participant};
pub use operator::operator;
pub use restore::{count_missing_jobs, restore_jobs};
