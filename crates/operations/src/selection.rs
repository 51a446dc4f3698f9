//! What of the certificates that a filter selects an operation may change.

use std::collections::BTreeMap;

use certferry_certificate::{Filter, OldId, State};
use certferry_store::Database;
use serde::Serialize;

use crate::Error;

/// Certificates a transaction.
pub(crate) const PAGE: i64 = 5_000;

/// How many certificates a dry run names.
const SAMPLES: i64 = 10;

/// What an operation would change, and what not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Eligible {
    /// Certificates that it would change.
    #[serde(skip)]
    pub selected: u64,
    /// Certificates that the filter selects and that it leaves alone, by their state.
    pub ineligible: BTreeMap<State, u64>,
    /// Ids that were named and that were never enqueued.
    pub unknown: u64,
    /// The first few of those that it would change.
    pub samples: Vec<OldId>,
}

/// Looks what an operation on certificates in one of `states` would change; changes nothing.
pub(crate) async fn eligible(database: &Database, filter: &Filter, states: &[State]) -> Result<Eligible, Error> {
    let mut eligible = Eligible::default();
    for (state, certificates) in certferry_store::selected_counts(database, filter).await? {
        if states.contains(&state) {
            eligible.selected += certificates;
        } else {
            eligible.ineligible.insert(state, certificates);
        }
    }
    if let Some(ids) = &filter.ids {
        let known = certferry_store::known(database, ids).await?;
        eligible.unknown = ids.iter().filter(|id| known.binary_search(id).is_err()).count() as u64;
    }
    if eligible.selected == 0 {
        return Ok(eligible);
    }
    let mut snapshot = database.begin_snapshot().await?;
    let changed = filter.in_states(&intersection(filter, states));
    eligible.samples = certferry_store::selected_page(&mut snapshot, &changed, OldId(i64::MIN), SAMPLES).await?;
    snapshot.rollback().await?;
    Ok(eligible)
}

/// Those of `states` that the filter lets through. None is left where it asks for others, so that nothing may be selected.
pub(crate) fn intersection(filter: &Filter, states: &[State]) -> Vec<State> {
    states.iter().copied().filter(|state| filter.states.is_empty() || filter.states.contains(state)).collect()
}

/// How often a page is tried that the database undoes because a worker and we wait for each other.
const TRIES: u32 = 10;

/// Does a page in a transaction of its own, again where the database undid it because two waited for each other.
pub(crate) async fn page_again<T>(mut page: impl AsyncFnMut() -> Result<T, Error>) -> Result<T, Error> {
    let mut tries = 1;
    loop {
        match page().await {
            Err(error) if error.is_deadlock() && tries < TRIES => {
                tracing::debug!(error = &error as &dyn std::error::Error, tries, "a page was undone; trying again");
                tokio::time::sleep(std::time::Duration::from_millis(20) * tries).await;
                tries += 1;
            }
            done => return done,
        }
    }
}
