use std::{collections::HashSet, sync::Arc};

use certferry_certificate::{LegacyCertificate, LegacyCustomer, LegacyTechnician, LegacyText, OldId};

use crate::check::{self, QueryCheck};
use crate::mysql::MysqlReader;
use crate::pace::Pace;
use crate::postgres::PostgresReader;
use crate::reader::Reader;
use crate::sqlite::SqliteReader;
use crate::{About, Entity, Error, Page, Selection, Settings, record};

/// The most ids that one statement names: more would be a plan of another kind for some engines, and none for others.
const IDS_A_STATEMENT: usize = 1000;

/// Bytes of a row that are not worth measuring.
pub const SMALL_ROW: u64 = 1024;

/// The legacy database. Cloning it shares its connections.
#[derive(Clone, Debug)]
pub struct Source {
    reader: Arc<dyn Reader>,
    pace: Arc<Pace>,
}

impl Source {
    /// Connects to the legacy database at `url`; its scheme says which engine it is.
    ///
    /// One connection is made at once, so that a wrong URL shows here and not at the first question.
    pub async fn connect(url: &str, settings: &Settings) -> Result<Self, Error> {
        let scheme = url.split(':').next().unwrap_or_default();
        let reader: Arc<dyn Reader> = match scheme {
            "postgres" | "postgresql" => Arc::new(Box::pin(PostgresReader::connect(url, settings)).await?),
            "mysql" | "mariadb" => Arc::new(Box::pin(MysqlReader::connect(url, settings)).await?),
            "sqlite" => Arc::new(Box::pin(SqliteReader::connect(url, settings)).await?),
            _ if !url.contains(':') => {
                return Err(Error::Url { reason: "it has no scheme such as postgres://".into() });
            }
            _ => {
                let reason =
                    format!("there is no reader for {scheme}: it reads postgres://, mysql://, mariadb:// and sqlite:");
                return Err(Error::Url { reason });
            }
        };
        Ok(Self { reader, pace: Arc::new(Pace::new(settings.max_rows_per_second)) })
    }

    /// The certificate ids of `selection` above `after`, at most `limit` of them.
    ///
    /// Begin with `after: None` and go on with [`Page::next`] until that is `None`.
    pub async fn ids_page(&self, after: Option<OldId>, limit: u32, selection: &Selection) -> Result<Page, Error> {
        let after = after.map(|id| id.0);
        if let Some(ids) = selection.ids() {
            return self.page_of_named(ids, after, limit, selection).await;
        }
        let Some(ecu_numbers) = selection.ecu_numbers() else {
            self.pace.wait_for(limit as usize).await;
            return Ok(page(self.reader.scan(after, limit).await?, limit));
        };
        if ecu_numbers.is_empty() {
            return Ok(Page::default());
        }
        self.pace.wait_for(limit as usize).await;
        let rows = self.reader.scan_ecu_numbers(after, limit, ecu_numbers).await?;
        let all = page(rows.iter().map(|(id, _)| *id).collect(), limit);
        let matching: HashSet<i64> =
            rows.into_iter().filter(|(_, ecu_number)| selection.has_ecu_number(ecu_number)).map(|(id, _)| id).collect();
        Ok(Page { ids: all.ids.into_iter().filter(|id| matching.contains(&id.0)).collect(), ..all })
    }

    async fn page_of_named(
        &self,
        ids: &[i64],
        after: Option<i64>,
        limit: u32,
        selection: &Selection,
    ) -> Result<Page, Error> {
        let begin = after.map_or(0, |after| ids.partition_point(|id| *id <= after));
        let end = ids.len().min(begin.saturating_add(limit as usize));
        let asked = &ids[begin..end];
        if asked.is_empty() {
            return Ok(Page::default());
        }
        let mut rows = Vec::new();
        for ids in asked.chunks(IDS_A_STATEMENT) {
            self.pace.wait_for(ids.len()).await;
            rows.extend(self.reader.present(ids).await?);
        }
        let matching: HashSet<i64> =
            rows.into_iter().filter(|(_, ecu_number)| selection.has_ecu_number(ecu_number)).map(|(id, _)| id).collect();
        let (ids_there, absent) = asked.iter().map(|id| OldId(*id)).partition(|id| matching.contains(&id.0));
        let next = if end < ids.len() { asked.last().map(|id| OldId(*id)) } else { None };
        Ok(Page { ids: ids_there, absent, next })
    }

    /// The certificates with these ids, by ascending id: each row, so an id that several rows have comes as often, and one that
    /// is not there never.
    pub async fn certificates(&self, ids: &[OldId]) -> Result<Vec<LegacyCertificate>, Error> {
        let mut found = self.records(Entity::Certificates, ids, record::certificate).await?;
        found.sort_by_key(|certificate| certificate.id);
        Ok(found)
    }

    /// The customers with these ids, by ascending id: each row, so an id that several rows have comes as often, and one that
    /// is not there never.
    pub async fn customers(&self, ids: &[OldId]) -> Result<Vec<LegacyCustomer>, Error> {
        let mut found = self.records(Entity::Customers, ids, record::customer).await?;
        found.sort_by_key(|customer| customer.id);
        Ok(found)
    }

    /// The technicians with these ids, by ascending id: each row, so an id that several rows have comes as often, and one that
    /// is not there never.
    pub async fn technicians(&self, ids: &[OldId]) -> Result<Vec<LegacyTechnician>, Error> {
        let mut found = self.records(Entity::Technicians, ids, record::technician).await?;
        found.sort_by_key(|technician| technician.id);
        Ok(found)
    }

    /// Those of the certificates with these ids whose values have more than [`SMALL_ROW`] bytes together, and how many.
    pub async fn large_certificates(&self, ids: &[OldId]) -> Result<Vec<(OldId, u64)>, Error> {
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let mut large = Vec::new();
        for ids in ids.chunks(IDS_A_STATEMENT) {
            let rows = self.reader.large_certificates(ids, SMALL_ROW).await?;
            large.extend(rows.into_iter().map(|(id, size)| (OldId(id), size)));
        }
        Ok(large)
    }

    async fn records<T>(
        &self,
        entity: Entity,
        ids: &[OldId],
        record: impl Fn(Vec<LegacyText>) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let mut ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS_A_STATEMENT) {
            self.pace.wait_for(ids.len()).await;
            found.extend(self.reader.rows(entity, ids).await?.into_iter().filter_map(&record));
        }
        Ok(found)
    }

    /// About how many certificates `selection` has, never fewer, for showing progress; `None` when counting takes too
    /// long.
    pub async fn count(&self, selection: &Selection) -> Result<Option<u64>, Error> {
        match (selection.ids(), selection.ecu_numbers()) {
            (Some(ids), _) => Ok(Some(ids.len() as u64)),
            (None, Some([])) => Ok(Some(0)),
            (None, ecu_numbers) => self.reader.count(ecu_numbers).await,
        }
    }

    /// Which database it is, and where.
    pub async fn about(&self) -> Result<About, Error> {
        self.reader.about().await
    }

    /// What is wrong with each source query, if anything is: tables and columns that are missing, types that cannot be
    /// read, an id that is not unique or not indexed.
    pub async fn check(&self) -> Result<Vec<QueryCheck>, Error> {
        let mut checks = Vec::new();
        for entity in Entity::ALL {
            checks.push(check::query(self.reader.as_ref(), entity).await?);
        }
        Ok(checks)
    }

    /// Asks the database for its version, to learn whether it answers.
    pub async fn ping(&self) -> Result<(), Error> {
        self.reader.about().await.map(drop)
    }

    /// Fails unless the database accepts the query of `entity`, by asking it for no row.
    pub async fn try_query(&self, entity: Entity) -> Result<(), Error> {
        self.reader.rows(entity, &[]).await.map(drop)
    }

    /// Leaves idle connections behind: those of a server that was away may be dead.
    pub fn refresh(&self) {
        self.reader.refresh();
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.reader.close().await;
    }
}

/// A page of ids that were read in ascending order, where a full page means that more may follow.
fn page(ids: Vec<i64>, limit: u32) -> Page {
    let next = if ids.len() >= limit as usize { ids.last().map(|id| OldId(*id)) } else { None };
    let mut ids: Vec<OldId> = ids.into_iter().map(OldId).collect();
    ids.dedup();
    Page { ids, absent: Vec::new(), next }
}
