use std::{collections::HashMap, sync::Arc};

use certferry_certificate::{LegacyCertificate, LegacyCustomer, LegacyTechnician, LegacyText, OldId};
use certferry_connection::Usage;

use crate::check::{self, QueryCheck};
use crate::mysql::MysqlReader;
use crate::pace::Pace;
use crate::postgres::PostgresReader;
use crate::reader::Reader;
use crate::sqlite::SqliteReader;
use crate::unaddressable::{Repeated, Unaddressable};
use crate::{About, Column, Entity, Error, Identity, Page, Selection, Settings, record, text};

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
    /// Begin with `after: None` and go on with [`Page::next`] until that is `None`. Rows whose id is no whole number are
    /// on no page: see [`Self::unreadable`].
    pub async fn ids_page(&self, after: Option<OldId>, limit: u32, selection: &Selection) -> Result<Page, Error> {
        let after = after.map(|id| id.0);
        if let Some(ids) = selection.ids() {
            return self.page_of_named(ids, after, limit, selection).await;
        }
        match selection.ecu_numbers() {
            None => self.page_of_all(after, limit).await,
            Some([]) => Ok(Page::default()),
            Some(ecu_numbers) => self.page_of_ecu_numbers(after, limit, ecu_numbers, selection).await,
        }
    }

    async fn page_of_all(&self, after: Option<i64>, limit: u32) -> Result<Page, Error> {
        self.pace.wait_for(limit as usize).await;
        let action = "reading certificate ids";
        let question = self.reader.ids(Entity::Certificates).await?.page(after, limit);
        let answer = self.reader.ask(Entity::Certificates, action, question).await?;
        let mut page = Page::default();
        let mut last = after;
        for row in &answer {
            let (id, rows) = (self.id_of(row, action)?, self.count_of(row.get(1), action)?);
            if last.is_some_and(|last| id <= last) {
                return Err(self.unsorted(action, last, id));
            }
            last = Some(id);
            match rows {
                1 => page.ids.push(OldId(id)),
                rows => page.repeated.push(Repeated { id: OldId(id), rows }),
            }
        }
        page.next = if answer.len() >= limit as usize { last.map(OldId) } else { None };
        Ok(page)
    }

    async fn page_of_ecu_numbers(
        &self,
        after: Option<i64>,
        limit: u32,
        ecu_numbers: &[String],
        selection: &Selection,
    ) -> Result<Page, Error> {
        self.pace.wait_for(limit as usize).await;
        let action = "reading certificate ids by ECU number";
        let question = self.reader.ids(Entity::Certificates).await?.page_of_ecu_numbers(after, limit, ecu_numbers);
        let answer = self.reader.ask(Entity::Certificates, action, question).await?;
        let mut ids = Vec::with_capacity(answer.len());
        for row in &answer {
            let id = self.id_of(row, action)?;
            if after.is_some_and(|after| id <= after) || ids.last().is_some_and(|last| id < *last) {
                return Err(self.unsorted(action, ids.last().copied().or(after), id));
            }
            ids.push(id);
        }
        // The page may end between two rows with one id; how many rows have it is asked for anyway.
        let next = if answer.len() >= limit as usize { ids.last().map(|id| OldId(*id)) } else { None };
        ids.dedup();
        let page = self.looked_up(&ids, selection).await?;
        Ok(Page { next, absent: Vec::new(), ..page })
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
        let page = self.looked_up(asked, selection).await?;
        let next = if end < ids.len() { asked.last().map(|id| OldId(*id)) } else { None };
        Ok(Page { next, ..page })
    }

    /// Which of these ids, in ascending order, are there as `selection` wants them, and which are there several times.
    async fn looked_up(&self, ids: &[i64], selection: &Selection) -> Result<Page, Error> {
        // For each id: how many rows have it, and whether one of them is meant.
        let mut there: HashMap<i64, (u64, bool)> = HashMap::with_capacity(ids.len());
        for ids in ids.chunks(IDS_A_STATEMENT) {
            self.pace.wait_for(ids.len()).await;
            for (id, ecu_number) in self.reader.present(ids).await? {
                let (rows, is_meant) = there.entry(id).or_default();
                *rows += 1;
                *is_meant |= selection.has_ecu_number(&ecu_number);
            }
        }
        let mut page = Page::default();
        for id in ids {
            let old_id = OldId(*id);
            match there.get(id) {
                Some((1, true)) => page.ids.push(old_id),
                Some((rows, true)) => page.repeated.push(Repeated { id: old_id, rows: *rows }),
                Some((_, false)) | None => page.absent.push(old_id),
            }
        }
        Ok(page)
    }

    /// The certificates of `selection` without a whole number as their id. An id that is named has one, so they are all
    /// of the table, or those with one of the ECU numbers.
    pub async fn unreadable(&self, selection: &Selection) -> Result<Unaddressable, Error> {
        let ecu_numbers = selection.ecu_numbers();
        if selection.ids().is_some() || ecu_numbers.is_some_and(<[String]>::is_empty) {
            return Ok(Unaddressable::default());
        }
        self.unreadable_of(Entity::Certificates, ecu_numbers, |ecu_number| selection.has_ecu_number(ecu_number)).await
    }

    async fn unreadable_of(
        &self,
        entity: Entity,
        ecu_numbers: Option<&[String]>,
        is_meant: impl Fn(&LegacyText) -> bool + Send + Sync,
    ) -> Result<Unaddressable, Error> {
        let question = self.reader.ids(entity).await?.unreadable(ecu_numbers);
        let mut found = Unaddressable::default();
        let mut each = |row: &[LegacyText]| {
            if let [id, ecu_number] = row
                && is_meant(ecu_number)
            {
                found.add_unreadable(id);
            }
        };
        let action = format!("looking for {entity} whose id is no whole number");
        self.reader.survey(entity, &action, question, &mut each).await?;
        Ok(found)
    }

    /// All rows of `entity` that cannot be addressed. The whole table is read for it.
    pub(crate) async fn unaddressable(&self, entity: Entity) -> Result<Unaddressable, Error> {
        let mut found = self.unreadable_of(entity, None, |_| true).await?;
        let question = self.reader.ids(entity).await?.repeated();
        let action = format!("looking for repeated ids of {entity}");
        let mut wrong = Ok(());
        let mut each = |row: &[LegacyText]| match (self.id_of(row, &action), self.count_of(row.get(1), &action)) {
            (Ok(id), Ok(rows)) => found.add_repeated(Repeated { id: OldId(id), rows }),
            (Err(error), _) | (_, Err(error)) => wrong = Err(error),
        };
        self.reader.survey(entity, &action, question, &mut each).await?;
        wrong.map(|()| found)
    }

    /// How many rows the certificates have whose id is up to `last` or no whole number; all of them without `last`.
    pub async fn rows_up_to(&self, last: Option<OldId>) -> Result<u64, Error> {
        let action = "counting certificates";
        let question = self.reader.ids(Entity::Certificates).await?.rows_up_to(last.map(|last| last.0));
        let mut counted = LegacyText::Null;
        let mut each = |row: &[LegacyText]| counted = row.first().cloned().unwrap_or_default();
        self.reader.survey(Entity::Certificates, action, question, &mut each).await?;
        self.count_of(Some(&counted), action)
    }

    fn id_of(&self, row: &[LegacyText], action: &str) -> Result<i64, Error> {
        row.first().and_then(text::id).ok_or_else(|| {
            let shown = row.first().cloned().unwrap_or_default();
            self.wrong_answer(action, format!("it gave {shown:?} for an id"))
        })
    }

    fn count_of(&self, value: Option<&LegacyText>, action: &str) -> Result<u64, Error> {
        let count = value.and_then(text::id).and_then(|count| u64::try_from(count).ok());
        count.ok_or_else(|| self.wrong_answer(action, format!("it gave {value:?} for a count")))
    }

    fn unsorted(&self, action: &str, last: Option<i64>, id: i64) -> Error {
        let last = last.map(|last| last.to_string()).unwrap_or_default();
        self.wrong_answer(action, format!("it sorted the id {id} behind {last}"))
    }

    fn wrong_answer(&self, action: &str, reason: String) -> Error {
        Error::Answer { location: self.reader.location().to_owned(), action: action.to_owned(), reason }
    }

    /// The certificates with these ids, by ascending id: each row, so an id that several rows have comes as often, and one that
    /// is not there never.
    pub async fn certificates(&self, ids: &[OldId]) -> Result<Vec<LegacyCertificate>, Error> {
        let mut found = self.records(Entity::Certificates, ids, record::certificate).await?;
        found.sort_by_key(|certificate| certificate.id);
        Ok(found)
    }

    /// What identifies the certificates with these ids, and nothing else of them, however large they are: id, number and
    /// ECU number, by ascending id.
    pub async fn identities(&self, ids: &[OldId]) -> Result<Vec<(OldId, LegacyText, LegacyText)>, Error> {
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        let mut found = Vec::with_capacity(ids.len());
        for ids in ids.chunks(IDS_A_STATEMENT) {
            self.pace.wait_for(ids.len()).await;
            found.extend(self.reader.identities(ids).await?.into_iter().filter_map(|row| {
                let [key, certificate_number, ecu_number] = <[LegacyText; 3]>::try_from(row).ok()?;
                Some((OldId(crate::text::id(&key)?), certificate_number, ecu_number))
            }));
        }
        found.sort_by_key(|(id, ..)| *id);
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

    /// Which database it is, whatever way leads to it.
    pub async fn identity(&self) -> Result<Identity, Error> {
        self.reader.identity().await
    }

    /// The columns that the query of `entity` returns, in its order.
    pub async fn columns(&self, entity: Entity) -> Result<Vec<Column>, Error> {
        self.reader.columns(entity).await
    }

    /// What is wrong with each source query, if anything is: tables and columns that are missing, types that cannot be
    /// read, an id that is not unique or not indexed.
    pub async fn check(&self) -> Result<Vec<QueryCheck>, Error> {
        let mut checks = Vec::new();
        for entity in Entity::ALL {
            checks.push(check::query(self, self.reader.as_ref(), entity).await?);
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

    /// How the pool is used now.
    #[must_use]
    pub fn usage(&self) -> Usage {
        self.reader.usage()
    }

    /// The engine, as OpenTelemetry's conventions for databases name it: `postgresql`, `mysql` (MariaDB too) or `sqlite`.
    #[must_use]
    pub fn system(&self) -> &'static str {
        self.reader.system()
    }

    /// Closes every connection.
    pub async fn close(&self) {
        self.reader.close().await;
    }
}
