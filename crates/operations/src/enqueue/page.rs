//! One page of the source, and the transaction that queues it.

use std::collections::HashSet;

use certferry_certificate::OldId;
use certferry_store::Database;

use crate::Error;

/// What came of one page.
pub(super) struct Pushed {
    /// Certificates of the page.
    pub(super) selected: usize,
    /// Those of them that had no status row.
    pub(super) enqueued: usize,
}

impl Pushed {
    /// What would come of a page of which these are `known`.
    pub(super) fn foreseen(ids: &[OldId], known: &HashSet<OldId>) -> Self {
        Self { selected: ids.len(), enqueued: ids.iter().filter(|id| !known.contains(id)).count() }
    }
}

/// Queues a page in one transaction: the status rows that were not there yet, and exactly their jobs.
pub(super) async fn push(database: Database, ids: Vec<OldId>, run: i64, max_attempts: i32) -> Result<Pushed, Error> {
    if ids.is_empty() {
        return Ok(Pushed { selected: 0, enqueued: 0 });
    }
    let mut transaction = database.begin().await?;
    let new = certferry_store::record_queued(&mut transaction, &ids, Some(run)).await?;
    certferry_queue::push(&mut transaction, &new, max_attempts).await?;
    if !certferry_store::select_in_run(&mut transaction, run, new.len()).await? {
        return Err(Error::Cancelled { run });
    }
    transaction.commit().await?;
    Ok(Pushed { selected: ids.len(), enqueued: new.len() })
}

/// How many of `ids` to take so that at most `room` of them are not `known`.
pub(super) fn end_of_new(ids: &[OldId], known: &HashSet<OldId>, room: usize) -> usize {
    let mut new = ids.iter().enumerate().filter(|(_, id)| !known.contains(id));
    new.nth(room).map_or(ids.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_counts_only_new_certificates() {
        let ids: Vec<OldId> = (1..=6).map(OldId).collect();
        let known = HashSet::from([1, 3, 6].map(OldId));
        let ends = [0, 1, 2, 3, 4, usize::MAX].map(|room| end_of_new(&ids, &known, room));
        assert_eq!(ends, [1, 3, 4, 6, 6, 6]);
        assert_eq!(end_of_new(&[], &known, 0), 0);
    }
}
