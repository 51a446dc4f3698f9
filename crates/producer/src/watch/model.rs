//! What the screen shows, and what keys make of it: without a clock, a terminal or a database.

use certferry_certificate::OldId;
use certferry_operations::Dashboard;
use certferry_store::{Cause, LastFailed};
use chrono_tz::Tz;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use crate::cli;

/// The most characters of a line that a person types.
const LONGEST_INPUT: usize = 200;

/// Lines by which a page key scrolls.
const PAGE: usize = 10;

/// Everything that is on the screen.
#[derive(Clone, Debug)]
pub(super) struct Model {
    /// What was seen last.
    pub(super) dashboard: Dashboard,
    /// Why nothing newer could be seen; none when it could.
    pub(super) away: Option<String>,
    /// What became of the last wish.
    pub(super) notice: Option<String>,
    /// What a person is asked.
    pub(super) prompt: Option<Prompt>,
    /// The views that were opened one from another, above the overview; the last one is shown.
    pub(super) views: Vec<View>,
    /// In which zone times are shown.
    pub(super) timezone: Tz,
    /// Whether colours may be used.
    pub(super) has_colours: bool,
}

/// What is shown in place of the overview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// Why certificates fail.
    Causes { selected: usize },
    /// One cause, and the latest failures of it once they are known.
    Cause { cause: Cause, failures: Option<Vec<LastFailed>>, selected: usize },
    /// What is recorded of one certificate, once it is known.
    Certificate { id: OldId, text: Option<String>, scroll: usize },
}

/// A change that takes effect at Enter, and not before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Prompt {
    /// Pausing the run, with the reason that was typed.
    Pause(String),
    /// Letting it go on.
    Resume,
    /// Limiting the rate, as it was typed; nothing lifts the limit.
    Limit(String),
}

/// What a key asks for that the model cannot do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Wish {
    /// To leave the screen.
    Quit,
    /// To ask the database.
    Ask(Request),
}

/// Something to be read or done in the database.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Request {
    /// To pause the run.
    Pause(Option<String>),
    /// To let it go on.
    Resume,
    /// To limit the rate, or to lift the limit.
    Limit(Option<f64>),
    /// To find the latest failures of a cause.
    FailuresOf(Cause),
    /// To read what is recorded of a certificate.
    Show(OldId),
}

/// What came from the database.
#[derive(Debug)]
pub(super) enum Update {
    /// How everything is.
    Seen(Box<Dashboard>),
    /// Nothing could be seen, and why; it is tried again.
    Away(String),
    /// What became of a wish.
    Notice(String),
    /// The latest failures of a cause.
    Failures(Cause, Vec<LastFailed>),
    /// What is recorded of a certificate.
    Certificate(OldId, String),
}

impl Model {
    /// The overview.
    pub(super) fn new(dashboard: Dashboard, timezone: Tz, has_colours: bool) -> Self {
        Self { dashboard, away: None, notice: None, prompt: None, views: Vec::new(), timezone, has_colours }
    }

    /// Takes up what came from the database.
    pub(super) fn take(&mut self, update: Update) {
        match update {
            Update::Seen(dashboard) => self.see(*dashboard),
            Update::Away(why) => self.away = Some(why),
            Update::Notice(notice) => self.notice = Some(notice),
            Update::Failures(of, found) => {
                for view in &mut self.views {
                    if let View::Cause { cause, failures, .. } = view
                        && is_same(cause, &of)
                    {
                        *failures = Some(found.clone());
                    }
                }
            }
            Update::Certificate(of, found) => {
                for view in &mut self.views {
                    if let View::Certificate { id, text, .. } = view
                        && *id == of
                    {
                        *text = Some(found.clone());
                    }
                }
            }
        }
    }

    /// Shows what is new; the cause that is selected stays so, wherever it stands now.
    fn see(&mut self, dashboard: Dashboard) {
        let (old, new) = (&self.dashboard.causes, &dashboard.causes);
        let find = |cause: &Cause| new.iter().position(|other| is_same(cause, other));
        for view in &mut self.views {
            match view {
                View::Causes { selected } => {
                    let found = old.get(*selected).and_then(find);
                    *selected = found.unwrap_or_else(|| (*selected).min(new.len().saturating_sub(1)));
                }
                View::Cause { cause, .. } => match find(cause) {
                    Some(at) => cause.certificates = new[at].certificates,
                    None => cause.certificates = 0,
                },
                View::Certificate { .. } => {}
            }
        }
        self.dashboard = dashboard;
        self.away = None;
    }

    /// Does what a key says.
    pub(super) fn press(&mut self, key: KeyEvent) -> Option<Wish> {
        if key.kind == KeyEventKind::Release {
            return None;
        }
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        if is_control {
            return (key.code == KeyCode::Char('c')).then_some(Wish::Quit);
        }
        if self.prompt.is_some() {
            return self.answer(key.code);
        }
        self.notice = None;
        match key.code {
            KeyCode::Char('q') => return Some(Wish::Quit),
            KeyCode::Char('p') => {
                let is_paused = self.dashboard.progress.paused;
                self.prompt = Some(if is_paused { Prompt::Resume } else { Prompt::Pause(String::new()) });
            }
            KeyCode::Char('l') => self.prompt = Some(Prompt::Limit(String::new())),
            KeyCode::Char('c') => self.views = vec![View::Causes { selected: 0 }],
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Left => {
                self.views.pop();
            }
            KeyCode::Up | KeyCode::Char('k') => self.step(|at| at.saturating_sub(1)),
            KeyCode::Down | KeyCode::Char('j') => self.step(|at| at + 1),
            KeyCode::PageUp => self.step(|at| at.saturating_sub(PAGE)),
            KeyCode::PageDown | KeyCode::Char(' ') => self.step(|at| at + PAGE),
            KeyCode::Home => self.step(|_| 0),
            KeyCode::End => self.step(|_| usize::MAX),
            KeyCode::Enter | KeyCode::Right => return self.descend(),
            _ => {}
        }
        None
    }

    /// Does what a key says to a prompt.
    fn answer(&mut self, code: KeyCode) -> Option<Wish> {
        let prompt = self.prompt.as_mut()?;
        let input = match prompt {
            Prompt::Pause(input) | Prompt::Limit(input) => Some(input),
            Prompt::Resume => None,
        };
        match (code, input) {
            (KeyCode::Enter, _) => return self.confirm(),
            (KeyCode::Esc, _) => {
                self.prompt = None;
                self.notice = None;
            }
            (KeyCode::Backspace, Some(input)) => {
                input.pop();
            }
            (KeyCode::Char(character), Some(input)) if input.chars().count() < LONGEST_INPUT => input.push(character),
            _ => {}
        }
        None
    }

    /// Does what the prompt is about. A rate that cannot be is said, and asked for again.
    fn confirm(&mut self) -> Option<Wish> {
        let request = match self.prompt.take()? {
            Prompt::Resume => Request::Resume,
            Prompt::Pause(reason) => Request::Pause(Some(reason.trim().to_owned()).filter(|reason| !reason.is_empty())),
            Prompt::Limit(typed) if typed.trim().is_empty() => Request::Limit(None),
            Prompt::Limit(typed) => match cli::rate(typed.trim()) {
                Ok(rate) => Request::Limit(Some(rate)),
                Err(error) => {
                    self.notice = Some(error);
                    self.prompt = Some(Prompt::Limit(typed));
                    return None;
                }
            },
        };
        self.notice = Some("telling the database …".to_owned());
        Some(Wish::Ask(request))
    }

    /// Moves what is selected, or scrolls.
    fn step(&mut self, to: impl Fn(usize) -> usize) {
        let causes = self.dashboard.causes.len();
        let (at, length) = match self.views.last_mut() {
            None => return,
            Some(View::Causes { selected }) => (selected, causes),
            Some(View::Cause { failures, selected, .. }) => (selected, failures.as_ref().map_or(0, Vec::len)),
            Some(View::Certificate { text, scroll, .. }) => {
                (scroll, text.as_ref().map_or(0, |text| text.lines().count()))
            }
        };
        *at = to(*at).min(length.saturating_sub(1));
    }

    /// Opens what is selected.
    fn descend(&mut self) -> Option<Wish> {
        let (view, request) = match self.views.last() {
            None => (View::Causes { selected: 0 }, None),
            Some(View::Causes { selected }) => {
                let cause = self.dashboard.causes.get(*selected)?.clone();
                let request = Request::FailuresOf(cause.clone());
                (View::Cause { cause, failures: None, selected: 0 }, Some(request))
            }
            Some(View::Cause { failures, selected, .. }) => {
                let id = failures.as_ref()?.get(*selected)?.certificate_id;
                (View::Certificate { id, text: None, scroll: 0 }, Some(Request::Show(id)))
            }
            Some(View::Certificate { .. }) => return None,
        };
        self.views.push(view);
        request.map(Wish::Ask)
    }
}

/// Whether it is the same cause, whatever number of certificates it has.
fn is_same(one: &Cause, other: &Cause) -> bool {
    (&one.kind, &one.code, &one.field) == (&other.kind, &other.code, &other.field)
}

#[cfg(test)]
mod tests;
