//! What must hold, and what must be able to happen for the checks to mean something.

use stateright::Property;

use crate::database::{Certificate, Status};
use crate::protocol::{Protocol, State};
use crate::worker::{Process, Step};

pub(crate) const WRITTEN_ONCE: &str = "written at most once";
pub(crate) const AGREES: &str = "migrated exactly where it is in the destination";
pub(crate) const NEVER_LOST: &str = "what is not final has a job";
pub(crate) const NEVER_STUCK: &str = "until all is settled, someone can go on";

pub(crate) const SETTLED: &str = "all is settled";
pub(crate) const LATE: &str = "a late result is noted";
pub(crate) const PARKED: &str = "a sound certificate is parked";
pub(crate) const LEFT_OVER: &str = "a job is left of a final certificate";
pub(crate) const OUTDATED: &str = "a result from before a retry answers it";

pub(crate) fn all() -> Vec<Property<Protocol>> {
    vec![
        Property::always(WRITTEN_ONCE, |_, state| certificates(state).all(|certificate| certificate.written <= 1)),
        Property::always(AGREES, |_, state| {
            certificates(state).all(|one| matches!(one.status, Status::Migrated(_)) == (one.written > 0))
        }),
        // Where somebody takes jobs away, what must hold is that they come back: the next property.
        Property::always(NEVER_LOST, |protocol: &Protocol, state| {
            protocol.loses_jobs()
                || certificates(state).all(|certificate| is_final(certificate) || certificate.job.is_some())
        }),
        Property::always(NEVER_STUCK, |protocol, state| is_settled(state) || !protocol.own_steps(state).is_empty()),
        Property::sometimes(SETTLED, |_, state| is_settled(state)),
        Property::sometimes(LATE, |_, state: &State| state.database.late_result),
        Property::sometimes(PARKED, |protocol, state| {
            let mut rows = certificates(state).zip(&protocol.sound);
            rows.any(|(certificate, is_sound)| *is_sound && matches!(certificate.status, Status::Failed(_)))
        }),
        Property::sometimes(LEFT_OVER, |_, state| {
            certificates(state).any(|certificate| is_final(certificate) && certificate.job.is_some())
        }),
        Property::sometimes(OUTDATED, |_, state: &State| state.outdated_result),
    ]
}

fn certificates(state: &State) -> impl Iterator<Item = &Certificate> {
    state.database.certificates.iter()
}

fn is_final(certificate: &Certificate) -> bool {
    certificate.status != Status::Queued
}

/// Every certificate is final, and nobody has anything left to do.
fn is_settled(state: &State) -> bool {
    certificates(state).all(|certificate| is_final(certificate) && certificate.job.is_none())
        && state.workers.iter().all(|worker| worker.batches.is_empty())
        && state.missed.is_empty()
}

impl Protocol {
    /// How far it is to the end: every step makes this smaller, so that no run goes on for ever.
    ///
    /// First the trouble still to come; then how often jobs may be rescued; then the workers that are not as they
    /// should be; then the work.
    pub(crate) fn to_go(&self, state: &State) -> (u8, u8, usize, usize) {
        let jobs = || certificates(state).filter_map(|certificate| certificate.job);
        let lacking = (0..self.sound.len()).filter(|id| self.loses_jobs() && state.database.lacks_its_job(*id));
        let lacking: Vec<usize> = lacking.collect();
        // A job that is pushed anew may be rescued as often as any other.
        let of_lacking: u8 = lacking.iter().map(|_| self.max_crashes).sum();
        let rescues = of_lacking + jobs().map(|job| self.max_crashes - job.crashes).sum::<u8>();
        let ailing = |process: Process, lease_holds: bool| match process {
            Process::Up => usize::from(!lease_holds),
            Process::Down => 2,
            Process::Ending => 3,
        };
        let workers = state.workers.iter().map(|worker| ailing(worker.process, worker.lease_holds)).sum();
        let waiting = jobs().filter(|job| job.lock_by.is_none()).count();
        let strays = state.workers.iter().filter(|worker| worker.process == Process::Up);
        let strays: usize = strays.map(|worker| worker.strays(&state.database).count()).sum();
        let begun = state.workers.iter().flat_map(|worker| &worker.batches).map(|batch| match batch.step {
            Step::Claimed => 4,
            Step::Prepared => 3,
            Step::Completed => 2,
            Step::Looked { .. } => 1,
        });
        // Who is missed goes from 7 to 6 of them, and then to a job that waits.
        let missed = state.missed.iter().filter(|id| !lacking.contains(id)).count();
        let lacking = lacking.iter().map(|id| if state.missed.contains(id) { 6 } else { 7 }).sum::<usize>();
        (state.trouble, rescues, workers, lacking + missed + 6 * strays + 5 * waiting + begun.sum::<usize>())
    }
}
