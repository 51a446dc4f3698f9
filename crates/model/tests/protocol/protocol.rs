//! The protocol, whole and in the variants that are missing something.

use stateright::{Model, Property};

use crate::action::{Action, Trouble};
use crate::database::{Database, Fence, Job, Name};
use crate::worker::{Batch, Process, Step, Worker};

/// How it is done, by how many, and what goes wrong meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Protocol {
    pub(crate) workers: usize,
    /// For each certificate, whether it can be migrated.
    pub(crate) sound: Vec<bool>,
    /// Batches that a worker has in flight at most.
    pub(crate) concurrency: usize,
    pub(crate) max_crashes: u8,
    /// The kinds of trouble there are.
    pub(crate) troubles: Vec<Trouble>,
    /// How much of it, of all kinds together.
    pub(crate) trouble: u8,
    pub(crate) fence: Fence,
    pub(crate) completion: Completion,
    pub(crate) names: Names,
    pub(crate) late_rows: LateRows,
    pub(crate) strays: Strays,
}

/// When the job of a certificate is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    /// In the transaction that writes its result.
    WithTheResult,
    /// In a transaction before that one.
    BeforeTheResult,
}

/// Whether a process that is started again has a new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Names {
    Unique,
    UsedAgain,
}

/// Whether a worker that finds a certificate final keeps its row locked until it has deleted the job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LateRows {
    Locked,
    Unlocked,
}

/// What becomes of jobs that a worker claimed without learning of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Strays {
    /// The worker gives them back itself.
    Released,
    /// They stay its own.
    Kept,
}

/// Everything there is at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct State {
    pub(crate) database: Database,
    pub(crate) workers: Vec<Worker>,
    /// Certificates that were seen to be queued without a job, by whoever restores jobs.
    pub(crate) missed: Vec<usize>,
    /// How much trouble is still to come at most.
    pub(crate) trouble: u8,
    /// Whether a result that was prepared before `producer retry` was recorded after it.
    pub(crate) outdated_result: bool,
}

impl Protocol {
    /// The steps that are the protocol's own: what is sure to go on as long as processes run.
    pub(crate) fn own_steps(&self, state: &State) -> Vec<Action> {
        self.steps(state).into_iter().filter(|action| action.trouble().is_none()).collect()
    }

    /// The jobs that a rescue takes: those whose worker is not known to be alive.
    pub(crate) fn orphans(state: &State) -> Vec<usize> {
        let is_orphan = |lock_by: Name| {
            let worker = &state.workers[lock_by.worker];
            worker.name != lock_by || !worker.lease_holds
        };
        let certificates = state.database.certificates.iter().enumerate();
        certificates
            .filter(|(_, certificate)| certificate.job.and_then(|job| job.lock_by).is_some_and(is_orphan))
            .map(|(id, _)| id)
            .collect()
    }

    /// Whether somebody's open transaction has locked one of these status rows.
    fn is_locked(&self, state: &State, certificates: &[usize]) -> bool {
        state.workers.iter().flat_map(|worker| &worker.batches).any(|batch| match &batch.step {
            Step::Looked { late } => {
                let locks = |id: &&usize| self.late_rows == LateRows::Locked || !late.contains(id);
                batch.certificates.iter().filter(locks).any(|id| certificates.contains(id))
            }
            _ => false,
        })
    }

    fn steps(&self, state: &State) -> Vec<Action> {
        let mut steps = Vec::new();
        for (worker, of) in state.workers.iter().enumerate() {
            match of.process {
                Process::Down => steps.push(Action::Start { worker }),
                Process::Ending => steps.push(Action::End { worker }),
                Process::Up => self.steps_of_running(state, worker, &mut steps),
            }
            for (batch, at) in of.batches.iter().enumerate() {
                self.steps_of_batch(state, worker, batch, at, &mut steps);
            }
        }
        let failed = (0..self.sound.len()).filter(|id| {
            matches!(state.database.certificates[*id].status, crate::database::Status::Failed(_))
                && !self.is_locked(state, &[*id])
        });
        steps.extend(failed.map(|certificate| Action::Requeue { certificate }));
        self.steps_of_restoring(state, &mut steps);
        steps
    }

    /// Whether jobs may be missing at all.
    pub(crate) fn loses_jobs(&self) -> bool {
        self.troubles.contains(&Trouble::JobLost)
    }

    fn steps_of_restoring(&self, state: &State, steps: &mut Vec<Action>) {
        if !self.loses_jobs() {
            return;
        }
        for certificate in 0..self.sound.len() {
            let is_missed = state.missed.contains(&certificate);
            if state.database.certificates[certificate].job.is_some() {
                steps.push(Action::LoseJob { certificate });
            }
            if state.database.lacks_its_job(certificate) && !is_missed {
                steps.push(Action::Miss { certificate });
            }
            // It waits for whoever has the row locked.
            if is_missed && !self.is_locked(state, &[certificate]) {
                steps.push(Action::Restore { certificate });
            }
        }
    }

    fn steps_of_running(&self, state: &State, worker: usize, steps: &mut Vec<Action>) {
        let of = &state.workers[worker];
        steps.extend([Action::Crash { worker }, Action::Abandon { worker }]);
        steps.push(if of.lease_holds { Action::LeaseRunsOut { worker } } else { Action::Renew { worker } });
        let orphans = Self::orphans(state);
        // A worker whose own lease was not renewed in time does not judge others.
        if of.lease_holds && !orphans.is_empty() && !self.is_locked(state, &orphans) {
            steps.push(Action::Rescue { worker });
        }
        if of.lease_holds && self.strays == Strays::Released && of.has_strays(&state.database) {
            steps.push(Action::ReleaseStrays { worker });
        }
        if of.batches.len() < self.concurrency {
            let (jobs, limit) = state.database.claimable(self.max_crashes);
            for certificates in parts(&jobs).into_iter().filter(|part| part.len() <= limit) {
                steps.push(Action::ClaimUnheard { worker, certificates: certificates.clone() });
                steps.push(Action::Claim { worker, certificates });
            }
        }
    }

    fn steps_of_batch(&self, state: &State, worker: usize, batch: usize, at: &Batch, steps: &mut Vec<Action>) {
        let is_ready = match at.step {
            Step::Claimed => {
                steps.push(Action::Prepare { worker, batch });
                return;
            }
            Step::Looked { .. } => {
                steps.push(Action::CommitCarefully { worker, batch, is_heard: true });
                steps.push(Action::CommitCarefully { worker, batch, is_heard: false });
                steps.push(Action::Undo { worker, batch });
                return;
            }
            Step::Prepared if self.completion == Completion::BeforeTheResult => {
                steps.push(Action::CompleteFirst { worker, batch });
                return;
            }
            Step::Prepared | Step::Completed => !self.is_locked(state, &at.certificates),
        };
        if at.step == Step::Prepared {
            steps.push(Action::Postpone { worker, batch });
        }
        // Both wait for whoever is finishing one of the rows.
        if is_ready {
            let all_open = at.certificates.iter().all(|id| state.database.is_open(*id));
            if all_open || self.fence == Fence::None {
                steps.push(Action::Commit { worker, batch, is_heard: true });
                steps.push(Action::Commit { worker, batch, is_heard: false });
            }
            if self.fence == Fence::Queued {
                steps.push(Action::Look { worker, batch });
            }
        }
    }

    /// Records a result, and deletes the job unless that was done before.
    fn settle(&self, state: &mut State, name: Name, batch: &Batch, id: usize) {
        state.outdated_result |= batch.outdated.contains(&id);
        state.database.finish(self.fence, name, id, self.sound[id]);
        if batch.step != Step::Completed {
            state.database.complete(name, id);
        }
    }

    fn apply(&self, state: &mut State, action: &Action) {
        match action {
            Action::Claim { worker, certificates } => {
                let worker = &mut state.workers[*worker];
                state.database.claim(worker.name, certificates);
                let certificates = certificates.clone();
                worker.batches.push(Batch { certificates, step: Step::Claimed, outdated: Vec::new() });
                worker.batches.sort_by(|one, other| one.certificates.cmp(&other.certificates));
            }
            Action::ClaimUnheard { worker, certificates } => {
                state.database.claim(state.workers[*worker].name, certificates);
            }
            Action::Prepare { worker, batch } => state.workers[*worker].batches[*batch].step = Step::Prepared,
            Action::CompleteFirst { worker, batch } => {
                let of = &mut state.workers[*worker];
                for id in &of.batches[*batch].certificates {
                    state.database.complete(of.name, *id);
                }
                of.batches[*batch].step = Step::Completed;
            }
            Action::Commit { worker, batch, is_heard } => {
                let (name, at) = take(state, *worker, *batch, *is_heard);
                for id in &at.certificates {
                    self.settle(state, name, &at, *id);
                }
            }
            Action::Look { worker, batch } => {
                let at = &mut state.workers[*worker].batches[*batch];
                let late = at.certificates.iter().copied().filter(|id| !state.database.is_open(*id)).collect();
                at.step = Step::Looked { late };
            }
            Action::CommitCarefully { worker, batch, is_heard } => {
                let (name, at) = take(state, *worker, *batch, *is_heard);
                let Step::Looked { late } = &at.step else { return };
                for id in &at.certificates {
                    if late.contains(id) {
                        state.database.note_late(name, *id);
                        state.database.complete(name, *id);
                    } else {
                        self.settle(state, name, &at, *id);
                    }
                }
            }
            Action::Undo { worker, batch } => prepare_anew(&mut state.workers[*worker].batches[*batch]),
            Action::Postpone { worker, batch } => {
                let (name, at) = take(state, *worker, *batch, true);
                state.database.postpone(name, &at.certificates);
            }
            Action::LeaseRunsOut { worker } => state.workers[*worker].lease_holds = false,
            Action::Renew { worker } => state.workers[*worker].lease_holds = true,
            Action::Rescue { worker } => {
                for id in Self::orphans(state) {
                    state.database.rescue(self, state.workers[*worker].name, id);
                }
            }
            Action::Crash { worker } | Action::End { worker } => state.workers[*worker].end(),
            Action::Abandon { worker } => {
                state.workers[*worker].process = Process::Ending;
                state.database.release_all(state.workers[*worker].name);
            }
            Action::Start { worker } => {
                let worker = &mut state.workers[*worker];
                worker.process = Process::Up;
                worker.lease_holds = true;
                worker.name.start += u8::from(self.names == Names::Unique);
            }
            Action::ReleaseStrays { worker } => {
                let worker = &state.workers[*worker];
                for id in worker.strays(&state.database).collect::<Vec<_>>() {
                    state.database.release(worker.name, id);
                }
            }
            Action::LoseJob { certificate } => state.database.certificates[*certificate].job = None,
            Action::Miss { certificate } => state.missed.push(*certificate),
            Action::Restore { certificate } => {
                state.missed.retain(|missed| missed != certificate);
                if state.database.is_open(*certificate) {
                    let job = &mut state.database.certificates[*certificate].job;
                    *job = job.or(Some(Job::default()));
                }
            }
            Action::Requeue { certificate } => {
                state.database.requeue(*certificate);
                for batch in state.workers.iter_mut().flat_map(|worker| &mut worker.batches) {
                    let is_prepared = batch.step != Step::Claimed && batch.certificates.contains(certificate);
                    if is_prepared && !batch.outdated.contains(certificate) {
                        batch.outdated.push(*certificate);
                    }
                }
            }
        }
    }
}

/// A batch whose transaction ends. A worker that does not hear how it ended begins the batch again.
fn take(state: &mut State, worker: usize, batch: usize, is_heard: bool) -> (Name, Batch) {
    let worker = &mut state.workers[worker];
    let taken = worker.batches[batch].clone();
    if is_heard {
        worker.batches.remove(batch);
    } else {
        prepare_anew(&mut worker.batches[batch]);
    }
    (worker.name, taken)
}

fn prepare_anew(batch: &mut Batch) {
    batch.step = Step::Claimed;
    batch.outdated.clear();
}

/// Every part of a list but the empty one.
fn parts(list: &[usize]) -> Vec<Vec<usize>> {
    (1..1_u32 << list.len())
        .map(|chosen| list.iter().enumerate().filter(|(bit, _)| chosen >> bit & 1 == 1).map(|(_, id)| *id).collect())
        .collect()
}

impl Model for Protocol {
    type State = State;
    type Action = Action;

    fn init_states(&self) -> Vec<State> {
        vec![State {
            database: Database::new(self.sound.len()),
            workers: (0..self.workers).map(Worker::new).collect(),
            missed: Vec::new(),
            trouble: self.trouble,
            outdated_result: false,
        }]
    }

    fn actions(&self, state: &State, actions: &mut Vec<Action>) {
        let may_happen = |action: &Action| match action.trouble() {
            Some(trouble) => state.trouble > 0 && self.troubles.contains(&trouble),
            None => true,
        };
        actions.extend(self.steps(state).into_iter().filter(may_happen));
        // Of two ways of one length, that on which trouble comes later is found first, and reads better.
        actions.sort_by_key(|action| action.trouble().is_some());
    }

    fn next_state(&self, last: &State, action: Action) -> Option<State> {
        let mut next = last.clone();
        next.trouble -= u8::from(action.trouble().is_some());
        self.apply(&mut next, &action);
        assert!(self.to_go(&next) < self.to_go(last), "{action:?} brings the end no nearer: {last:?}");
        Some(next)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        crate::properties::all()
    }
}
