//! Which certificates come before a person, one after the other by id.

use std::collections::VecDeque;

use certferry_certificate::{Filter, OldId, State};
use certferry_migration::Planner;
use certferry_source::Selection;

use crate::Error;
use crate::selection::intersection;

/// The states in which a person may decide about a certificate.
const OPEN: [State; 4] = [State::Queued, State::Failed, State::Skipped, State::Reverted];

/// Why a certificate that was named does not come before the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// The status table has no row of it, and the source none as selected.
    Nowhere(OldId),
    /// Several rows of the source are it.
    Several(OldId),
    /// It is in this state, which was not asked for, or something else of it was.
    In(OldId, State),
}

/// How far the pages have been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pages {
    None,
    UpTo(OldId),
    All,
}

/// The certificates that a filter selects. Without one: those that were never enqueued, page by page of the source, and those
/// that are queued. A state, kind, code, field or run asks for status rows instead; nobody is asked about migrated ones.
#[derive(Debug)]
pub struct Candidates {
    filter: Filter,
    states: Vec<State>,
    /// The source's rows to look through; none where the filter asks for status rows alone.
    selection: Option<Selection>,
    page_size: u32,
    page: VecDeque<OldId>,
    pages: Pages,
    left: Vec<Left>,
}

impl Candidates {
    /// Those of `filter`, to be looked for in pages of `page_size` ids.
    #[must_use]
    pub fn of(filter: Filter, page_size: u32) -> Self {
        let asks_for_issues = !(filter.kinds.is_empty() && filter.codes.is_empty() && filter.fields.is_empty());
        let asks_for_rows = asks_for_issues || !filter.states.is_empty() || filter.run.is_some();
        let states = match filter.states.as_slice() {
            [] if asks_for_issues => vec![State::Failed],
            [] => vec![State::Queued],
            _ => intersection(&filter, &OPEN),
        };
        let selection = (!asks_for_rows).then(|| {
            let mut selection = Selection::all();
            if let Some(ids) = &filter.ids {
                selection = selection.with_ids(ids.iter().copied());
            }
            if !filter.ecu_numbers.is_empty() {
                selection = selection.with_ecu_numbers(&filter.ecu_numbers);
            }
            selection
        });
        let pages = if states.is_empty() { Pages::All } else { Pages::None };
        Self { filter, states, selection, page_size, page: VecDeque::new(), pages, left: Vec::new() }
    }

    /// Whether a certificate in this state, or never enqueued, is one of them as far as its state goes: a worker may have
    /// decided about it since it was looked for.
    #[must_use]
    pub fn has_state(&self, state: Option<State>) -> bool {
        state.map_or(self.selection.is_some(), |state| self.states.contains(&state))
    }

    /// The next one; none after the last.
    pub async fn next(&mut self, planner: &Planner) -> Result<Option<OldId>, Error> {
        loop {
            if let Some(id) = self.page.pop_front() {
                return Ok(Some(id));
            }
            match self.pages {
                Pages::None => self.read_page(planner, None).await?,
                Pages::UpTo(after) => self.read_page(planner, Some(after)).await?,
                Pages::All => return Ok(None),
            }
        }
    }

    /// Those that were named and do not come, as far as it is known by now; each is told once.
    pub fn take_left(&mut self) -> Vec<Left> {
        std::mem::take(&mut self.left)
    }

    /// Reads on to where both the source and the status table have been read.
    async fn read_page(&mut self, planner: &Planner, after: Option<OldId>) -> Result<(), Error> {
        let source = match &self.selection {
            Some(selection) => planner
                .source
                .ids_page(after, self.page_size, selection)
                .await
                .map_err(certferry_migration::Error::from)?,
            None => certferry_source::Page::default(),
        };
        let first = match after {
            Some(OldId(i64::MAX)) => {
                self.pages = Pages::All;
                return Ok(());
            }
            Some(after) => OldId(after.0 + 1),
            None => OldId(i64::MIN),
        };
        let mut snapshot = planner.database.begin_snapshot().await?;
        let rows = self.filter.in_states(&self.states);
        let mut candidates =
            certferry_store::selected_page(&mut snapshot, &rows, first, i64::from(self.page_size)).await?;
        let is_full = candidates.len() >= self.page_size as usize;
        let end = [source.next, candidates.last().copied().filter(|_| is_full)].into_iter().flatten().min();
        let is_within = |id: &OldId| *id >= first && end.is_none_or(|end| *id <= end);
        let mut looked_up: Vec<OldId> = source.ids.iter().copied().filter(is_within).collect();
        let named: Vec<OldId> = self.filter.ids.iter().flatten().copied().filter(is_within).collect();
        looked_up.extend(&named);
        let states = certferry_store::states(&mut snapshot, &looked_up).await?;
        snapshot.rollback().await?;
        let is_open = |id: &OldId| states.get(id).is_none_or(|state| self.states.contains(state));
        candidates.extend(source.ids.iter().copied().filter(|id| is_within(id) && is_open(id)));
        candidates.retain(is_within);
        candidates.sort_unstable();
        candidates.dedup();
        for id in named {
            if candidates.binary_search(&id).is_ok() {
                continue;
            }
            let is_repeated = source.repeated.iter().any(|repeated| repeated.id == id);
            self.left.push(match states.get(&id) {
                Some(state) => Left::In(id, *state),
                None if is_repeated => Left::Several(id),
                None => Left::Nowhere(id),
            });
        }
        self.page = candidates.into();
        self.pages = end.map_or(Pages::All, Pages::UpTo);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use certferry_certificate::Code;

    use super::*;

    fn of(filter: Filter) -> (Vec<State>, bool) {
        let candidates = Candidates::of(filter, 100);
        (candidates.states.clone(), candidates.has_state(None))
    }

    #[test]
    fn failed_certificates_come_only_when_asked_for_and_migrated_ones_never() {
        assert_eq!(of(Filter::default()), (vec![State::Queued], true));
        assert_eq!(of(Filter { ids: Some(vec![OldId(1)]), ..Filter::default() }), (vec![State::Queued], true));
        let ecu = Filter { ecu_numbers: vec!["E1".to_owned()], ..Filter::default() };
        assert_eq!(of(ecu), (vec![State::Queued], true));
        assert_eq!(of(Filter { run: Some(1), ..Filter::default() }), (vec![State::Queued], false));
        let code = Filter { codes: vec![Code::MissingDevice], ..Filter::default() };
        assert_eq!(of(code), (vec![State::Failed], false));
        let states = Filter { states: vec![State::Migrated, State::Failed], ..Filter::default() };
        assert_eq!(of(states), (vec![State::Failed], false));
    }

    #[test]
    fn whoever_asks_for_migrated_ones_alone_is_asked_nothing() {
        let candidates = Candidates::of(Filter { states: vec![State::Migrated], ..Filter::default() }, 100);
        assert_eq!(candidates.pages, Pages::All);
    }
}
