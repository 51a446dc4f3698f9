//! Certificates that one side knows and the other does not: the source, the status table and the destination are compared.

use std::collections::VecDeque;
use std::fmt;

use certferry_bootstrap::{Config, Progress, exit};
use certferry_certificate::OldId;
use certferry_operations::Participant;
use certferry_source::{Selection, Settings, Source};
use certferry_store::{CertificateState, Database, Transaction, can_read_destination, lost_certificates, states_page};
use serde::Serialize;

/// Status rows read at a time.
const PAGE: i64 = 20_000;

/// Connections to the source at most: one is read from, another looks at what it is.
const CONNECTIONS: u32 = 2;

/// What is wrong with a certificate; the words are those of `producer verify`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// In the source, and never enqueued.
    NotEnqueued,
    /// Enqueued, and no longer in the source.
    Gone,
    /// Migrated, and no longer in the destination.
    Missing,
    /// Rows of the source that nothing tells apart.
    Unaddressable,
}

impl Finding {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::NotEnqueued => "not_enqueued",
            Self::Gone => "gone",
            Self::Missing => "missing",
            Self::Unaddressable => "unaddressable",
        }
    }

    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::NotEnqueued => "In the source, and never enqueued: run `producer enqueue`.",
            Self::Gone => "Enqueued, and its row is not in the source any more: find out who removed it.",
            Self::Missing => "Migrated, and not in the destination any more: find out who removed it.",
            Self::Unaddressable => {
                "Rows of the source that nothing tells apart: give each an id of its own, a whole number within bigint."
            }
        }
    }
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// The legacy id; none of a row that has none.
    pub(crate) id: Option<i64>,
    pub(crate) finding: Finding,
    /// Its state, where it has one.
    pub(crate) state: Option<String>,
    pub(crate) new_certificate_id: Option<i64>,
    /// What stands in the place of an id.
    pub(crate) named: Option<String>,
}

impl Entry {
    fn of(id: i64, finding: Finding) -> Self {
        Self { id: Some(id), finding, state: None, new_certificate_id: None, named: None }
    }
}

/// How many they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Unaccounted {
    /// Rows of the source; null where it was not compared.
    pub(crate) source_rows: Option<u64>,
    pub(crate) not_enqueued: u64,
    pub(crate) gone: u64,
    pub(crate) missing: u64,
    pub(crate) unaddressable: u64,
    /// Why something was not compared.
    pub(crate) not_compared: Vec<String>,
}

impl Unaccounted {
    pub(crate) fn total(&self) -> u64 {
        self.not_enqueued + self.gone + self.missing + self.unaddressable
    }

    /// Each finding with how many there are.
    pub(crate) fn counts(&self) -> [(Finding, u64); 4] {
        [
            (Finding::NotEnqueued, self.not_enqueued),
            (Finding::Gone, self.gone),
            (Finding::Missing, self.missing),
            (Finding::Unaddressable, self.unaddressable),
        ]
    }

    fn count(&mut self, finding: Finding) -> &mut u64 {
        match finding {
            Finding::NotEnqueued => &mut self.not_enqueued,
            Finding::Gone => &mut self.gone,
            Finding::Missing => &mut self.missing,
            Finding::Unaddressable => &mut self.unaddressable,
        }
    }
}

impl fmt::Display for Unaccounted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let found = self.counts().into_iter().filter(|(_, count)| *count > 0);
        let words: Vec<String> = found.map(|(finding, count)| format!("{count} {}", finding.as_str())).collect();
        f.write_str(&words.join(", "))
    }
}

/// Takes what is found.
pub(crate) trait Take: FnMut(Entry) -> anyhow::Result<()> + Send {}
impl<F: FnMut(Entry) -> anyhow::Result<()> + Send> Take for F {}

/// Compares the three sides and hands over what only one of them knows. What cannot be reached is not compared, and said.
pub(crate) async fn find(
    config: &Config,
    database: &Database,
    snapshot: &mut Transaction,
    take: &mut impl Take,
) -> anyhow::Result<Unaccounted> {
    let mut unaccounted = Unaccounted::default();
    if can_read_destination(snapshot, database.destination_schema()).await? {
        find_lost(snapshot, &mut unaccounted, take).await?;
    } else {
        unaccounted.not_compared.push("the destination: its table of certificates cannot be read".to_owned());
    }
    match source(config, database).await {
        Ok(Some(source)) => compare(&source, config, snapshot, &mut unaccounted, take).await?,
        Ok(None) => unaccounted.not_compared.push("the source: source.url is not set".to_owned()),
        Err(error) => unaccounted.not_compared.push(format!("the source: {}", in_one_line(&error))),
    }
    Ok(unaccounted)
}

async fn find_lost(
    snapshot: &mut Transaction,
    unaccounted: &mut Unaccounted,
    take: &mut impl Take,
) -> anyhow::Result<()> {
    let mut taken = Ok(());
    let lost = lost_certificates(snapshot, |id, new_id| {
        unaccounted.missing += 1;
        let (state, new_certificate_id) = (Some("migrated".to_owned()), Some(new_id.0));
        if taken.is_ok() {
            taken = take(Entry { state, new_certificate_id, ..Entry::of(id.0, Finding::Missing) });
        }
    });
    lost.await?;
    taken
}

/// The source that the migration was begun with; none where the configuration names none.
async fn source(config: &Config, database: &Database) -> anyhow::Result<Option<Source>> {
    let Ok(url) = config.source_url() else { return Ok(None) };
    let settings = Settings {
        certificates: config.source.certificates.clone(),
        customers: config.source.customers.clone(),
        technicians: config.source.technicians.clone(),
        timezone: config.dates.timezone,
        max_connections: CONNECTIONS.min(config.source.max_connections),
        connect_timeout: config.source.connect_timeout,
        acquire_timeout: config.source.connect_timeout,
        statement_timeout: config.source.statement_timeout,
        max_rows_per_second: config.source.max_rows_per_second,
    };
    let source = Source::connect(url.expose(), &settings).await?;
    let participant = Participant { config, database, source: Some(&source), uses_rules: false, name: "" };
    participant.agree_without_a_trace().await?;
    Ok(Some(source))
}

fn in_one_line(error: &anyhow::Error) -> String {
    let text = exit::render(error);
    let lines = text.lines().filter(|line| !line.starts_with("hint:")).map(str::trim);
    lines.collect::<Vec<_>>().join("; ").trim_start_matches("error: ").to_owned()
}

async fn compare(
    source: &Source,
    config: &Config,
    snapshot: &mut Transaction,
    unaccounted: &mut Unaccounted,
    take: &mut impl Take,
) -> anyhow::Result<()> {
    let progress = Progress::start("comparing with the source", None);
    let mut legacy = Legacy {
        source,
        selection: Selection::all(),
        page_size: config.source.page_size,
        rows: VecDeque::new(),
        after: None,
        is_done: false,
    };
    let mut recorded = Recorded { snapshot, rows: VecDeque::new(), after: None, is_done: false };
    let mut source_rows = 0;
    let compared: Result<(), Broken> = async {
        let unreadable = source.unreadable(&Selection::all()).await?;
        source_rows += unreadable.rows();
        unaccounted.unaddressable += unreadable.rows();
        let nameless = unreadable.rows() - unreadable.named.len() as u64;
        for named in &unreadable.named {
            let named = Some(named.clone());
            take(Entry { id: None, named, ..Entry::of(0, Finding::Unaddressable) }).map_err(Broken::Report)?;
        }
        if nameless > 0 {
            let named = Some(format!("{nameless} more rows without a readable id"));
            take(Entry { id: None, named, ..Entry::of(0, Finding::Unaddressable) }).map_err(Broken::Report)?;
        }
        loop {
            legacy.fill(&progress).await?;
            recorded.fill().await.map_err(Broken::Report)?;
            let (row, state) = (legacy.rows.front(), recorded.rows.front());
            let (finding, id) = match (row, state) {
                (None, None) => break,
                (Some((id, rows)), state) if state.is_none_or(|state| state.id >= *id) => {
                    let (id, rows) = (*id, *rows);
                    source_rows += rows;
                    legacy.rows.pop_front();
                    let is_recorded = state.is_some_and(|state| state.id == id);
                    let state = if is_recorded { recorded.rows.pop_front() } else { None };
                    if rows > 1 {
                        unaccounted.unaddressable += rows;
                        let named = Some(format!("{} ({rows} rows)", id.0));
                        let state = state.map(|state| state.state);
                        let entry = Entry { state, named, ..Entry::of(id.0, Finding::Unaddressable) };
                        take(entry).map_err(Broken::Report)?;
                        continue;
                    }
                    if is_recorded {
                        continue;
                    }
                    (Finding::NotEnqueued, Entry::of(id.0, Finding::NotEnqueued))
                }
                (_, Some(_)) => {
                    let state = recorded.rows.pop_front().expect("it is there");
                    (Finding::Gone, Entry { state: Some(state.state), ..Entry::of(state.id.0, Finding::Gone) })
                }
                (Some(_), None) => unreachable!("without a status row the source's comes first"),
            };
            *unaccounted.count(finding) += 1;
            take(id).map_err(Broken::Report)?;
        }
        Ok(())
    }
    .await;
    match compared {
        Ok(()) => {
            unaccounted.source_rows = Some(source_rows);
            progress.finish();
            Ok(())
        }
        Err(Broken::Report(error)) => Err(error),
        Err(Broken::Source(error)) => {
            let reason = in_one_line(&anyhow::Error::new(error));
            unaccounted.not_compared.push(format!("all of the source: {reason}"));
            Ok(())
        }
    }
}

/// Why a comparison broke off. Without the source there is a report all the same.
enum Broken {
    Report(anyhow::Error),
    Source(certferry_source::Error),
}

impl From<certferry_source::Error> for Broken {
    fn from(error: certferry_source::Error) -> Self {
        Self::Source(error)
    }
}

/// The source's ids in ascending order, each with how many rows have it.
struct Legacy<'a> {
    source: &'a Source,
    selection: Selection,
    page_size: u32,
    rows: VecDeque<(OldId, u64)>,
    after: Option<OldId>,
    is_done: bool,
}

impl Legacy<'_> {
    /// Reads on, unless there is a row in hand.
    async fn fill(&mut self, progress: &Progress) -> Result<(), certferry_source::Error> {
        while self.rows.is_empty() && !self.is_done {
            let page = self.source.ids_page(self.after, self.page_size, &self.selection).await?;
            let single = page.ids.iter().map(|id| (*id, 1));
            self.rows.extend(single.chain(page.repeated.iter().map(|repeated| (repeated.id, repeated.rows))));
            if !page.repeated.is_empty() {
                self.rows.make_contiguous().sort_unstable();
            }
            progress.advance(self.rows.len() as u64);
            self.after = page.next;
            self.is_done = page.next.is_none();
        }
        Ok(())
    }
}

/// The certificates that have a status row, by ascending id.
struct Recorded<'a> {
    snapshot: &'a mut Transaction,
    rows: VecDeque<CertificateState>,
    after: Option<OldId>,
    is_done: bool,
}

impl Recorded<'_> {
    /// Reads on, unless there is a row in hand.
    async fn fill(&mut self) -> anyhow::Result<()> {
        if self.rows.is_empty() && !self.is_done {
            let page = states_page(self.snapshot, self.after, PAGE).await?;
            self.is_done = page.len() < usize::try_from(PAGE)?;
            self.after = page.last().map(|last| last.id);
            self.rows.extend(page);
        }
        Ok(())
    }
}
