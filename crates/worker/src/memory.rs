//! What batches in flight take of memory: large rows are taken few at a time.

use std::collections::HashMap;
use std::sync::Arc;

use certferry_bootstrap::config::ByteSize;
use certferry_certificate::{Identity, OldId};
use certferry_migration::{COPIES, row_too_large};
use certferry_queue::{Batch, Job};
use certferry_source::SMALL_ROW;
use certferry_store::{Finished, Verdict};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::engine::Engine;
use crate::error::Error;
use crate::in_flight::UnderWay;
use crate::tally::Counts;

/// The memory that the batches of a process share.
#[derive(Debug)]
pub(crate) struct Memory {
    total: ByteSize,
    /// What one batch may take, so that as many as are allowed find room at once.
    of_a_batch: u64,
    /// In kibibytes.
    free: Arc<Semaphore>,
}

/// Jobs that are worked on together, and the memory that takes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) jobs: Batch,
    /// In bytes; none when the rows have not been measured.
    pub(crate) memory: Option<u64>,
}

impl From<Batch> for Part {
    fn from(jobs: Batch) -> Self {
        Self { jobs, memory: None }
    }
}

impl Memory {
    pub(crate) fn new(total: ByteSize, concurrency: usize) -> Self {
        let kibibytes = usize::try_from(total.bytes() >> 10).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        let of_a_batch = total.bytes() / u64::try_from(concurrency.max(1)).unwrap_or(u64::MAX);
        Self { total, of_a_batch, free: Arc::new(Semaphore::new(kibibytes)) }
    }

    /// How many bytes are taken.
    pub(crate) fn taken(&self) -> u64 {
        let free = u64::try_from(self.free.available_permits()).unwrap_or(u64::MAX);
        ((self.total.bytes() >> 10).saturating_sub(free)) << 10
    }

    /// Waits until there is room for so many bytes; they are taken until the permit is dropped.
    pub(crate) async fn take(&self, bytes: u64) -> OwnedSemaphorePermit {
        let kibibytes = u32::try_from(bytes.min(self.total.bytes()) >> 10).unwrap_or(u32::MAX);
        self.free.clone().acquire_many_owned(kibibytes).await.expect("nobody closes it")
    }
}

/// Divides a batch into parts that take no more than `of_a_batch` bytes each, or have one job alone; those that would take
/// more than `total` alone are returned besides, with the size of their rows.
fn divide(batch: &[Job], large: &HashMap<OldId, u64>, of_a_batch: u64, total: u64) -> (Vec<Part>, Vec<(Job, u64)>) {
    let (mut parts, mut too_large) = (Vec::new(), Vec::new());
    let (mut jobs, mut memory) = (Batch::new(), 0);
    for job in batch {
        let size = large.get(&job.certificate_id).copied().unwrap_or(SMALL_ROW);
        let takes = size.saturating_mul(COPIES);
        if takes > total {
            too_large.push((job.clone(), size));
            continue;
        }
        if memory + takes > of_a_batch && !jobs.is_empty() {
            parts.push(Part { jobs: std::mem::take(&mut jobs), memory: Some(memory) });
            memory = 0;
        }
        jobs.push(job.clone());
        memory += takes;
    }
    if !jobs.is_empty() {
        parts.push(Part { jobs, memory: Some(memory) });
    }
    (parts, too_large)
}

impl Engine {
    /// Divides a batch into parts for which there is memory. A certificate whose row is too large for all of it fails.
    async fn divide(&self, batch: &[Job]) -> Result<Vec<Part>, Error> {
        let ids: Vec<OldId> = batch.iter().map(|job| job.certificate_id).collect();
        let large: HashMap<OldId, u64> = self.planner.source.large_certificates(&ids).await?.into_iter().collect();
        let (parts, too_large) = divide(batch, &large, self.memory.of_a_batch, self.memory.total.bytes());
        if !too_large.is_empty() {
            self.fail_too_large(&too_large).await?;
        }
        Ok(parts)
    }

    /// The parts of a batch that was not measured yet. One that the source refuses to measure is worked on as it is, so that
    /// whichever certificate is to blame is found.
    pub(crate) async fn measured(&self, jobs: Batch, under_way: &UnderWay) -> Vec<Part> {
        match self.in_time(self.divide(&jobs)).await {
            Ok(parts) => parts,
            Err(error)
                if matches!(error, Error::Interrupted)
                    || under_way.while_waiting(self.health.wait_after(&error)).await =>
            {
                vec![jobs.into()]
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "a batch could not be measured");
                vec![Part { jobs, memory: Some(self.memory.of_a_batch) }]
            }
        }
    }

    async fn fail_too_large(&self, too_large: &[(Job, u64)]) -> Result<(), Error> {
        let ids: Vec<OldId> = too_large.iter().map(|(job, _)| job.certificate_id).collect();
        let mut transaction = self.database.begin().await?;
        let locked = certferry_store::lock_open(&mut transaction, &ids).await?;
        let results: Vec<Finished> = too_large
            .iter()
            .filter(|(job, _)| locked.open.contains(&job.certificate_id))
            .map(|(job, size)| Finished {
                id: job.certificate_id,
                identity: Identity::default(),
                started_at: job.claimed_at,
                verdict: Verdict::Failed(vec![row_too_large(*size, self.memory.total)]),
                evidence: None,
            })
            .collect();
        certferry_store::finish(&mut transaction, &self.worker, &results).await?;
        let jobs: Vec<String> = too_large.iter().map(|(job, _)| job.id.clone()).collect();
        certferry_queue::complete(&mut transaction, &self.worker, &jobs).await?;
        transaction.commit().await?;
        let mut counts = Counts::default();
        for result in &results {
            if let Verdict::Failed(issues) = &result.verdict {
                counts.fail(issues);
            }
        }
        self.count(&counts);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    #[test]
    fn the_page_of_the_code_shows_the_message_of_a_row_that_is_too_large() {
        let issue = row_too_large(300 * MIB, ByteSize::mebibytes(256));
        assert!(issue.code.page().example().contains(&issue.message), "{}", issue.message);
    }

    /// How many jobs each part has, and the too large ones.
    #[expect(clippy::default_trait_access, reason = "how the queue tells time is not for this crate to name")]
    fn divided(sizes: &[u64], of_a_batch: u64, total: u64) -> (Vec<usize>, usize) {
        let ids = 1..=i64::try_from(sizes.len()).unwrap();
        let batch: Vec<Job> = ids
            .map(|id| Job {
                id: id.to_string(),
                certificate_id: OldId(id),
                attempts: 0,
                crashes: 0,
                claimed_at: Default::default(),
            })
            .collect();
        let large = batch.iter().map(|job| job.certificate_id).zip(sizes.iter().copied());
        let large: HashMap<OldId, u64> = large.filter(|(_, size)| *size > SMALL_ROW).collect();
        let (parts, too_large) = divide(&batch, &large, of_a_batch, total);
        let mut in_order: Vec<Job> = parts.iter().flat_map(|part| part.jobs.clone()).collect();
        in_order.extend(too_large.iter().map(|(job, _)| job.clone()));
        in_order.sort_unstable_by_key(|job| job.certificate_id);
        assert_eq!(in_order, batch, "every job is in one place");
        for part in parts.iter().filter(|part| part.jobs.len() > 1) {
            assert!(part.memory.unwrap() <= of_a_batch);
        }
        (parts.iter().map(|part| part.jobs.len()).collect(), too_large.len())
    }

    #[test]
    fn a_batch_of_small_rows_stays_whole() {
        assert_eq!(divided(&[SMALL_ROW; 500], 64 * MIB, 256 * MIB), (vec![500], 0));
        assert_eq!(divided(&[], 64 * MIB, 256 * MIB), (vec![], 0));
    }

    #[test]
    fn large_rows_are_taken_few_at_a_time() {
        assert_eq!(divided(&[MIB; 20], 64 * MIB, 256 * MIB), (vec![8, 8, 4], 0));
        assert_eq!(divided(&[10 * MIB, 1, 1], 64 * MIB, 256 * MIB), (vec![1, 2], 0), "alone");
    }

    #[test]
    fn a_row_too_large_for_all_memory_is_set_apart() {
        assert_eq!(divided(&[1, 33 * MIB, 1], 64 * MIB, 256 * MIB), (vec![2], 1));
        assert_eq!(divided(&[32 * MIB], 64 * MIB, 256 * MIB), (vec![1], 0));
        let issue = row_too_large(33 * MIB, ByteSize::mebibytes(256));
        assert!(issue.message.contains("33 MiB") && issue.message.contains("264MiB or more"), "{}", issue.message);
    }

    #[tokio::test]
    async fn nobody_takes_more_than_there_is() {
        let memory = Memory::new(ByteSize::mebibytes(16), 4);
        let all = memory.take(17 * MIB).await;
        assert!(futures::FutureExt::now_or_never(memory.take(MIB)).is_none());
        drop(all);
        assert!(futures::FutureExt::now_or_never(memory.take(MIB)).is_some());
    }
}
