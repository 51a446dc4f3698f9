//! What people do to a migration, as typed calls with typed results; terminals and browsers only show them.
//!
//! Producers and workers work between the same databases by the same rules ([`Participant`]); each certificate that is queued
//! has a job ([`restore_jobs`]); whoever drains the queue knows of those who are filling it ([`AtWork`]).

mod assess;
mod at_work;
mod desk;
mod enqueue;
mod error;
mod manifest;
mod observer;
mod operator;
mod restore;
mod retry;
mod revert;
mod selection;
mod show;
mod skip;
mod status;
mod verify;

pub use assess::{Assess, Assessed};
pub use at_work::{AtWork, is_anyone_at_work};
pub use desk::{Candidates, Decision, Desk, Left, Seen};
pub use enqueue::{Enqueue, Enqueued};
pub use error::Error;
pub use manifest::{Difference, Participant};
pub use observer::Observer;
pub use operator::{Operator, operator};
pub use restore::{count_missing_jobs, restore_jobs};
pub use retry::{Retried, Retry};
pub use revert::{Blocked, Reversal, Revert, Reverted};
pub use selection::Eligible;
pub use show::{Shown, show};
pub use skip::{Skip, Skipped, cancel, cancellation};
pub use status::{Dashboard, Progress, STRETCH_SECONDS, Watched, dashboard, failures_of, status};
pub use verify::{Equation, Verification, Verify};
