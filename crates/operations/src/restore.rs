//! Jobs that are missing: a backup of some schemas was restored, the queue's schema was dropped, a job was deleted by hand.

use certferry_certificate::OldId;
use certferry_store::Database;

use crate::Error;

/// Status rows looked at in one transaction.
const PAGE: i64 = 10_000;

/// Pushes the missing jobs of all queued certificates, a page a transaction, until the end or until `is_stopped`. Returns
/// how many they were.
///
/// It is safe beside workers and other producers. A worker deletes a job in the transaction that finishes the status row,
/// so a certificate whose job seems to be missing is looked at again with its row locked: it has been finished, or its job
/// is missing. The idempotency key keeps several at once from pushing it twice.
pub async fn restore_jobs(database: &Database, max_attempts: i32, is_stopped: impl Fn() -> bool) -> Result<u64, Error> {
    let mut restored = 0;
    let mut from = Some(OldId(i64::MIN));
    while let Some(begin) = from {
        if is_stopped() {
            break;
        }
        let mut transaction = database.begin().await?;
        let (missing, next) = missing_of_page(&mut transaction, begin).await?;
        if missing.is_empty() {
            transaction.rollback().await?;
        } else {
            let open = certferry_store::lock_open(&mut transaction, &missing).await?.open;
            let missing: Vec<OldId> = missing.into_iter().filter(|id| open.contains(id)).collect();
            restored += certferry_queue::restore(&mut transaction, &missing, max_attempts).await?;
            transaction.commit().await?;
        }
        from = next;
    }
    Ok(restored)
}

/// How many jobs [`restore_jobs`] would push.
pub async fn count_missing_jobs(database: &Database) -> Result<u64, Error> {
    let mut missing = 0;
    let mut from = Some(OldId(i64::MIN));
    while let Some(begin) = from {
        let mut transaction = database.begin().await?;
        let (of_page, next) = missing_of_page(&mut transaction, begin).await?;
        transaction.rollback().await?;
        missing += of_page.len() as u64;
        from = next;
    }
    Ok(missing)
}

/// The queued certificates of a page that seem to have no job, and where the next page begins.
async fn missing_of_page(
    transaction: &mut certferry_store::Transaction,
    from: OldId,
) -> Result<(Vec<OldId>, Option<OldId>), Error> {
    let queued = certferry_store::queued_page(transaction, from, PAGE).await?;
    let is_full = i64::try_from(queued.len()).is_ok_and(|rows| rows >= PAGE);
    let next = queued.last().filter(|_| is_full).and_then(|last| last.0.checked_add(1)).map(OldId);
    let missing = if queued.is_empty() { queued } else { certferry_queue::without_job(transaction, &queued).await? };
    Ok((missing, next))
}
