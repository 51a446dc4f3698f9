//! Planning every certificate that is not migrated, and writing nothing: what `producer check` foresees.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::time::{Duration, Instant};

use certferry_certificate::OldId;
use certferry_migration::{Assessment, Assessor, COPIES, Error, Planner, Prepared, References, row_too_large};
use certferry_source::{SMALL_ROW, Selection, Source};
use certferry_store::{Database, states_between};
use tokio_util::task::AbortOnDropHandle;

/// Certificates that are read and planned together.
const BATCH: usize = 1000;

/// Memory that the rows of one batch may take, as [`COPIES`] reckons it.
const MEMORY_OF_A_BATCH: u64 = 16 << 20;

/// How many certificates are planned, and how.
#[derive(Clone, Debug)]
pub struct Assess {
    /// What they are read from and planned by.
    pub planner: Planner,
    /// Ids that are read at a time.
    pub page_size: u32,
    /// Batches that are planned at once.
    pub batches: usize,
    /// Of so many certificates in a row one is planned; 1 is all of them.
    pub one_of: u64,
    /// What a worker may take of memory, in bytes, and in the words of the configuration.
    pub worker_memory: (u64, String),
}

/// What was foreseen.
#[derive(Debug)]
pub struct Assessed {
    /// The figures.
    pub assessment: Assessment,
    /// Whom the certificates refer to.
    pub references: References,
    /// Certificates that are not migrated and were not set aside, whether they were planned or not.
    pub unmigrated: u64,
    /// Certificates that are migrated already.
    pub migrated: u64,
    /// Certificates that a person has set aside.
    pub skipped: u64,
    /// How long all of it took.
    pub took: Duration,
    /// How long planning took, as if the batches that are planned at once were always as many as they may be.
    pub planning: Duration,
}

/// The certificates of a page that are not migrated.
#[derive(Debug, Default)]
struct Page {
    unmigrated: Vec<OldId>,
    migrated: u64,
    skipped: u64,
    next: Option<OldId>,
}

impl Assess {
    /// Plans the certificates; `tell` learns of more that were looked at, again and again.
    ///
    /// Batches are planned beside each other while the next page is read, and counted in the order of their ids.
    pub async fn run(&self, tell: impl Fn(u64)) -> Result<Assessed, Error> {
        let begun = Instant::now();
        let mut assessor = Assessor::default();
        let (mut unmigrated, mut migrated, mut skipped) = (0, 0, 0);
        let mut in_flight = VecDeque::new();
        let mut planning = Duration::ZERO;
        let mut reading = Some(self.read(None));
        while let Some(page) = reading.take() {
            let page = joined(page).await?;
            reading = page.next.is_some().then(|| self.read(page.next));
            migrated += page.migrated;
            skipped += page.skipped;
            let chosen = self.chosen(&page.unmigrated, unmigrated);
            unmigrated += page.unmigrated.len() as u64;
            tell(page.migrated + page.skipped + (page.unmigrated.len() - chosen.len()) as u64);
            for ids in chosen.chunks(BATCH) {
                while in_flight.len() >= self.batches {
                    planning += count_first(&mut in_flight, &mut assessor, &tell).await?;
                }
                in_flight.push_back(self.plan(ids.to_vec()));
            }
        }
        while !in_flight.is_empty() {
            planning += count_first(&mut in_flight, &mut assessor, &tell).await?;
        }
        let (assessment, references) = assessor.finish();
        let planning = planning / u32::try_from(self.batches).unwrap_or(u32::MAX).max(1);
        Ok(Assessed { assessment, references, unmigrated, migrated, skipped, took: begun.elapsed(), planning })
    }

    /// Those of `ids` to plan, the first of which is certificate number `position` of all.
    fn chosen(&self, ids: &[OldId], position: u64) -> Vec<OldId> {
        let numbered = ids.iter().zip(position..);
        numbered.filter(|(_, position)| position.is_multiple_of(self.one_of.max(1))).map(|(id, _)| *id).collect()
    }

    /// Begins to read the page of certificates above an id.
    fn read(&self, after: Option<OldId>) -> AbortOnDropHandle<Result<Page, Error>> {
        let (source, database, page_size) =
            (self.planner.source.clone(), self.planner.database.clone(), self.page_size);
        AbortOnDropHandle::new(tokio::spawn(async move { page(&source, &database, after, page_size).await }))
    }

    /// Begins to plan certificates.
    fn plan(&self, ids: Vec<OldId>) -> Planning {
        let (planner, memory) = (self.planner.clone(), self.worker_memory.clone());
        AbortOnDropHandle::new(tokio::spawn(async move {
            let begun = Instant::now();
            Ok((batch(&planner, ids, &memory).await?, begun.elapsed()))
        }))
    }
}

/// Certificates that are being planned, and how long that took.
type Planning = AbortOnDropHandle<Result<(Vec<Prepared>, Duration), Error>>;

/// Counts the batch that was begun first, once it is planned; says how long it took.
async fn count_first(
    in_flight: &mut VecDeque<Planning>,
    assessor: &mut Assessor,
    tell: &impl Fn(u64),
) -> Result<Duration, Error> {
    let Some(planning) = in_flight.pop_front() else { return Ok(Duration::ZERO) };
    let (planned, took) = joined(planning).await?;
    for certificate in &planned {
        assessor.add(certificate);
    }
    tell(planned.len() as u64);
    Ok(took)
}

/// What a task gives; it panics only where planning outside of a certificate's own plan does.
async fn joined<T>(task: AbortOnDropHandle<Result<T, Error>>) -> Result<T, Error> {
    match task.await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => unreachable!("nobody cancels it: {error}"),
        },
    }
}

/// The certificates above an id, with those that were enqueued and that the source does not have any more.
async fn page(source: &Source, database: &Database, after: Option<OldId>, page_size: u32) -> Result<Page, Error> {
    let page = source.ids_page(after, page_size, &Selection::all()).await?;
    let from = after.map_or(i64::MIN, |after| after.0.saturating_add(1));
    let to = page.next.map_or(i64::MAX, |next| next.0);
    let known = states_between(database, OldId(from), OldId(to)).await?;
    Ok(Page { next: page.next, ..unmigrated(page.ids, known) })
}

fn unmigrated(ids: Vec<OldId>, known: Vec<(OldId, String)>) -> Page {
    let mut page = Page::default();
    let mut unmigrated: BTreeSet<OldId> = ids.into_iter().collect();
    for (id, state) in known {
        match state.as_str() {
            "migrated" => page.migrated += 1,
            "skipped" => page.skipped += 1,
            _ => {
                unmigrated.insert(id);
                continue;
            }
        }
        unmigrated.remove(&id);
    }
    page.unmigrated = unmigrated.into_iter().collect();
    page
}

/// Plans certificates as they would be written; what remains of them is small.
async fn batch(planner: &Planner, ids: Vec<OldId>, memory: &(u64, String)) -> Result<Vec<Prepared>, Error> {
    surveyed(planner, ids, memory, |certificate| {
        certificate.refuse_if_held(None);
        certificate.forget_texts();
    })
    .await
}

/// Plans certificates, whoever has their numbers, few at a time where their rows are large. `then` is done with each before
/// others are read.
pub(crate) async fn surveyed(
    planner: &Planner,
    ids: Vec<OldId>,
    (worker_memory, in_words): &(u64, String),
    then: fn(&mut Prepared),
) -> Result<Vec<Prepared>, Error> {
    let large: HashMap<OldId, u64> = planner.source.large_certificates(&ids).await?.into_iter().collect();
    let is_too_large = |id: &OldId| large.get(id).is_some_and(|size| size.saturating_mul(COPIES) > *worker_memory);
    let (too_large, others): (Vec<OldId>, Vec<OldId>) = ids.into_iter().partition(is_too_large);
    let mut certificates = Vec::with_capacity(others.len());
    for part in parts(&others, &large) {
        let mut part = planner.survey(part).await?;
        part.iter_mut().for_each(then);
        certificates.append(&mut part);
    }
    let failed = |id: OldId| Prepared::failed(id, row_too_large(large[&id], in_words));
    certificates.extend(too_large.into_iter().map(failed));
    certificates.sort_by_key(|certificate| certificate.id);
    Ok(certificates)
}

/// The ids in order, in parts whose rows keep to the memory of a batch or stand alone.
fn parts<'a>(ids: &'a [OldId], large: &HashMap<OldId, u64>) -> Vec<&'a [OldId]> {
    let mut parts = Vec::new();
    let (mut begin, mut memory) = (0, 0);
    for (at, id) in ids.iter().enumerate() {
        let takes = large.get(id).copied().unwrap_or(SMALL_ROW).saturating_mul(COPIES);
        if memory + takes > MEMORY_OF_A_BATCH && at > begin {
            parts.push(&ids[begin..at]);
            (begin, memory) = (at, 0);
        }
        memory += takes;
    }
    if begin < ids.len() {
        parts.push(&ids[begin..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(ids: impl IntoIterator<Item = i64>) -> Vec<OldId> {
        ids.into_iter().map(OldId).collect()
    }

    #[test]
    fn what_is_not_migrated_is_planned_and_what_was_set_aside_is_not() {
        let states = [(1, "migrated"), (2, "failed"), (3, "skipped"), (4, "queued"), (9, "queued"), (11, "reverted")];
        let known = states.map(|(id, state)| (OldId(id), state.to_owned())).to_vec();
        let page = unmigrated(ids([1, 2, 3, 4, 5]), known);
        // 9 and 11 are gone from the source, which is why they would fail.
        assert_eq!((page.unmigrated, page.migrated, page.skipped), (ids([2, 4, 5, 9, 11]), 1, 1));
    }

    #[test]
    fn large_rows_are_read_few_at_a_time() {
        let all = ids(1..=1000);
        assert_eq!(parts(&all, &HashMap::new()), [&all[..]]);
        let large = all.iter().map(|id| (*id, 1 << 20)).collect();
        let parts = parts(&all, &large);
        assert!(parts.iter().all(|part| part.len() == 2), "{parts:?}");
        assert_eq!(parts.concat(), all);
        let larger = HashMap::from([(OldId(2), 1 << 30)]);
        assert_eq!(self::parts(&all[..3], &larger), [&all[..1], &all[1..2], &all[2..3]]);
        assert_eq!(self::parts(&[], &larger), Vec::<&[OldId]>::new());
    }
}
