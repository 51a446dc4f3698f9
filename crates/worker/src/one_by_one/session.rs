//! A person's session: what is shown next, and what each answer comes to.

use std::collections::VecDeque;
use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use anyhow::Context;
use certferry_bootstrap::output::{self, OutputError};
use certferry_bootstrap::{HintFrom, Shutdown};
use certferry_certificate::{Code, OldId};
use certferry_operations::{Candidates, Decision, Desk, Error, Left, Seen};
use chrono_tz::Tz;
use serde::Serialize;

use super::answer::{Answer, CHOICES};
use super::document::{Answered, OutcomeOfAnswer, ToDecide};
use super::input::Input;
use super::say;
use super::screen::Screen;
use super::tally::Tally;
use crate::metrics::Metrics;

/// How many certificates one can go back.
const LONGEST_WAY_BACK: usize = 10_000;

/// How often it is tried again while a database is away, and the pause between.
const TRIES: u32 = 120;
const PAUSE: Duration = Duration::from_secs(1);

/// How certificates and outcomes are shown.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown {
    /// For a program.
    Documents,
    /// For a person, with times also in the zone of the legacy dates.
    Text(Tz),
}

pub(super) struct Session {
    pub(super) desk: Desk,
    pub(super) candidates: Candidates,
    pub(super) input: Input,
    pub(super) shown: Shown,
    pub(super) shutdown: Shutdown,
    /// The longest that showing or deciding a certificate may take.
    pub(super) patience: Duration,
    pub(super) tally: Tally,
    pub(super) metrics: Metrics,
    /// The certificates that were shown, the latest last, and where among them the person is; at the end a new one comes.
    pub(super) visited: VecDeque<OldId>,
    pub(super) place: usize,
}

/// What is to be shown next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Onward,
    Before,
    /// Another in place of this one, which somebody else was faster with.
    Instead,
    Nothing,
}

/// What an answer leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    To(Next),
    /// The same is shown and asked about again, for this reason.
    Again(String),
}

impl Session {
    /// Shows one certificate after the other and does what is answered.
    pub(super) async fn run(&mut self) -> anyhow::Result<()> {
        while let Some(id) = self.next().await? {
            if !self.claim(id).await? {
                continue;
            }
            let next = self.ask_until_answered(id).await?;
            self.give_back().await;
            match next {
                Next::Before => self.place = self.place.saturating_sub(1),
                Next::Onward => self.place += 1,
                Next::Instead => {
                    self.visited.pop_back();
                }
                Next::Nothing => return Ok(()),
            }
        }
        Ok(())
    }

    /// The certificate at hand: one that was shown before, or a new one. None after the last, and when told to stop.
    async fn next(&mut self) -> anyhow::Result<Option<OldId>> {
        if self.shutdown.is_requested() {
            return Ok(None);
        }
        if let Some(id) = self.visited.get(self.place) {
            return Ok(Some(*id));
        }
        let mut tries = 0;
        loop {
            let found = self.candidates.next(self.desk.planner()).await;
            self.name_left();
            match found {
                Ok(found) => return Ok(found),
                Err(error) => {
                    if !self.outlast(error, &mut tries, "looking for the next certificate").await? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn name_left(&mut self) {
        for left in self.candidates.take_left() {
            let (id, why) = match left {
                Left::Nowhere(id) => (id, "the source has none as selected, and it was never enqueued".to_owned()),
                Left::Several(id) => (id, "several rows of the source are it".to_owned()),
                Left::In(id, state) => (id, format!("it is {state}, and that was not asked for")),
            };
            say(format!("certificate {id} is left out: {why}"));
        }
    }

    /// Claims a certificate. Returns false, and goes on to the next, where a worker or another person has it.
    async fn claim(&mut self, id: OldId) -> anyhow::Result<bool> {
        let mut tries = 0;
        loop {
            match self.desk.claim(id).await {
                Ok(true) => {
                    if self.place == self.visited.len() {
                        self.visited.push_back(id);
                        if self.visited.len() > LONGEST_WAY_BACK {
                            self.visited.pop_front();
                            self.place -= 1;
                        }
                    }
                    return Ok(true);
                }
                Ok(false) => {
                    if self.place < self.visited.len() {
                        say(format!("a worker or another person has certificate {id}; going on to the next"));
                        self.place += 1;
                    }
                    return Ok(false);
                }
                Err(error) => {
                    if !self.outlast(error, &mut tries, "claiming the certificate").await? {
                        return Ok(false);
                    }
                }
            }
        }
    }

    /// Shows a certificate and does what is answered, until it leaves the desk.
    async fn ask_until_answered(&mut self, id: OldId) -> anyhow::Result<Next> {
        let is_new = self.place + 1 == self.visited.len();
        let mut again: Option<String> = None;
        let mut tries = 0;
        loop {
            let looked = self.in_time(self.desk.look(id)).await;
            let seen = match looked {
                Ok(seen) => seen,
                Err(error) => {
                    if !self.outlast(error, &mut tries, "reading the certificate").await? {
                        return Ok(Next::Nothing);
                    }
                    continue;
                }
            };
            if is_new && again.is_none() && !self.candidates.has_state(seen.state()) {
                return Ok(Next::Instead);
            }
            self.show(&seen, again.as_deref())?;
            match self.answer(&seen).await? {
                Step::Again(reason) => again = Some(reason),
                Step::To(next) => return Ok(next),
            }
        }
    }

    fn show(&self, seen: &Seen, again: Option<&str>) -> Result<(), OutputError> {
        match self.shown {
            Shown::Documents => document(&ToDecide::of(seen, again)),
            Shown::Text(timezone) => {
                // The terminal may have another size by now.
                output::line(Screen::now(timezone).certificate(seen, again, &self.tally))
            }
        }
    }

    /// Reads an answer and does it.
    async fn answer(&mut self, seen: &Seen) -> anyhow::Result<Step> {
        loop {
            self.prompt();
            let Some(Some(line)) = self.shutdown.interrupting(self.input.next()).await else {
                return Ok(Step::To(Next::Nothing));
            };
            let decided = match line.and_then(|line| Answer::of(&line)) {
                Err(complaint) => {
                    say(complaint);
                    continue;
                }
                Ok(Answer::Quit) => return Ok(Step::To(Next::Nothing)),
                Ok(Answer::Later) => {
                    self.tell(&Answered::of(seen.id(), OutcomeOfAnswer::Later))?;
                    return Ok(Step::To(Next::Onward));
                }
                Ok(Answer::Back) => return Ok(self.back(seen)?),
                Ok(Answer::Migrate) => {
                    let patience = self.patience;
                    within(patience, self.desk.migrate(seen)).await
                }
                Ok(Answer::Skip { reason }) => {
                    let patience = self.patience;
                    within(patience, self.desk.skip(seen, &reason)).await
                }
            };
            return match decided {
                Ok(decision) => Ok(self.decided(seen, decision)?),
                Err(error) => Ok(self.failed(error)),
            };
        }
    }

    /// Goes to the certificate before; before the first there is none, and it stays.
    fn back(&mut self, seen: &Seen) -> Result<Step, OutputError> {
        let mut answered = Answered::of(seen.id(), OutcomeOfAnswer::Back);
        if self.place == 0 {
            answered.message = Some("there is none before it".to_owned());
            self.tell(&answered)?;
            return Ok(Step::Again("there is none before it".to_owned()));
        }
        self.tell(&answered)?;
        Ok(Step::To(Next::Before))
    }

    /// Says what a decision came to.
    fn decided(&mut self, seen: &Seen, decision: Decision) -> Result<Step, OutputError> {
        let mut answered = Answered::of(seen.id(), OutcomeOfAnswer::Migrated);
        match decision {
            Decision::Migrated { new_certificate_id, warnings } => {
                answered.new_certificate_id = Some(new_certificate_id);
                answered.warnings = warnings;
            }
            Decision::Failed(issues) => {
                answered.outcome = OutcomeOfAnswer::Failed;
                answered.issues = issues;
            }
            Decision::Skipped => answered.outcome = OutcomeOfAnswer::Skipped,
            Decision::WasMigrated(row) => {
                answered.new_certificate_id = row.new_certificate_id;
                let by = row.worker.as_deref().map(|worker| format!(" by {worker}")).unwrap_or_default();
                answered.message = Some(format!("it was migrated before{by}; nothing was changed"));
                answered.is_own = false;
            }
            Decision::Elsewhere => {
                answered.outcome = OutcomeOfAnswer::Later;
                answered.message = Some("a worker or another person has it by now; nothing was changed".to_owned());
                answered.is_own = false;
            }
            Decision::Changed => {
                return Ok(Step::Again("it is not what was shown any more; nothing was changed".to_owned()));
            }
            Decision::NotNow(reason) => return Ok(Step::Again(format!("not now, nothing was changed: {reason}"))),
        }
        self.tell(&answered)?;
        Ok(Step::To(Next::Onward))
    }

    /// Says why a decision could not be carried out; it is asked again.
    fn failed(&self, error: Error) -> Step {
        self.refresh_after(&error);
        let hint = error.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
        Step::Again(format!("{:#}; nothing is charged{hint}", anyhow::Error::from(error)))
    }

    /// Prints what came of an answer, and counts it.
    fn tell(&mut self, answered: &Answered) -> Result<(), OutputError> {
        answered.count(&mut self.tally);
        answered.measure(&self.metrics);
        match self.shown {
            Shown::Documents => document(answered),
            Shown::Text(_) => output::line(answered),
        }
    }

    /// Whether to try again what has failed: an outage is waited for. Returns false when told to stop meanwhile.
    async fn outlast(&self, error: Error, tries: &mut u32, doing: &'static str) -> anyhow::Result<bool> {
        *tries += 1;
        if error.code().is_permanent() || error.code() == Code::Unexpected || *tries >= TRIES {
            return Err(error).hint_from(Error::hint).context(doing);
        }
        self.refresh_after(&error);
        if *tries == 1 {
            say(format!("{doing}: {:#}; trying on, nothing is lost", anyhow::Error::from(error)));
        }
        Ok(self.shutdown.interrupting(tokio::time::sleep(PAUSE)).await.is_some())
    }

    /// Leaves connections behind that may be dead.
    fn refresh_after(&self, error: &Error) {
        if matches!(error.code(), Code::Connection | Code::Unavailable | Code::Timeout) {
            self.desk.planner().database.refresh();
            self.desk.planner().source.refresh();
        }
    }

    /// What is not given back now falls free by itself, and the desk may claim it again before.
    async fn give_back(&self) {
        if let Err(error) = within(self.patience, self.desk.give_back()).await {
            self.refresh_after(&error);
            tracing::debug!(error = &error as &dyn std::error::Error, "a certificate stays on the desk");
        }
    }

    async fn in_time<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        within(self.patience, work).await
    }

    /// Asks a person; a program needs no asking.
    fn prompt(&self) {
        if matches!(self.shown, Shown::Text(_)) && io::stdin().is_terminal() {
            let mut stderr = io::stderr().lock();
            if write!(stderr, "{CHOICES} > ").and_then(|()| stderr.flush()).is_err() {
                tracing::debug!("standard error is closed");
            }
        }
    }
}

/// What `work` gives within `patience`: a server that hangs tells nobody.
async fn within<T>(patience: Duration, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::time::timeout(patience, Box::pin(work)).await.unwrap_or_else(|_| {
        let seconds = patience.as_secs();
        let error = certferry_store::Error::unavailable("get an answer", format!("none came within {seconds} s"));
        Err(Error::Store(error))
    })
}

/// Prints a document on a line of its own.
pub(super) fn document(document: &impl Serialize) -> Result<(), OutputError> {
    let text = serde_json::to_string(document).map_err(|error| OutputError::Failed(error.into()))?;
    output::line(text)
}
