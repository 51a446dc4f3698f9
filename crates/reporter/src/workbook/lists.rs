//! The sheets beside those of certificates: Created, Causes, Runs, Unaccounted.

use certferry_certificate::Remedy;
use certferry_store::{Person, Run, ValueCauses};
use chrono_tz::Tz;
use rust_xlsxwriter::{Worksheet, XlsxError};

use super::rows::CertificateRows;
use super::sheets::{Column, Paper, Sheets};
use crate::accounts::Entry;
use crate::facts::grouped;

/// Customers and technicians that the migration created or matched.
pub(super) struct Created(Sheets);

impl Created {
    pub(super) fn begin(paper: &mut Paper) -> Result<Self, XlsxError> {
        let columns = vec![
            Column::text("Entity", 14),
            Column::id("Old id"),
            Column::id("New id"),
            Column::text("Origin", 12),
            Column::text("What that means", 70),
        ];
        Ok(Self(Sheets::begin(paper, "Created", columns)?))
    }

    pub(super) fn add(&mut self, paper: &mut Paper, person: &Person) -> Result<(), XlsxError> {
        let Self(sheet) = self;
        sheet.begin_row(paper)?;
        sheet.text(Some(&person.entity))?;
        sheet.id(Some(person.old_id))?;
        sheet.id(Some(person.new_id))?;
        sheet.text(Some(&person.origin))?;
        sheet.text(Some(match person.origin.as_str() {
            "created" => "The migration created it in the new system.",
            "matched" => "It was in the new system already, with the same trade licence.",
            _ => "",
        }))
    }

    pub(super) fn finish(self) -> Result<Vec<Worksheet>, XlsxError> {
        self.0.finish()
    }
}

/// Certificates that one side knows and the other does not.
pub(super) struct Unaccounted(Sheets);

impl Unaccounted {
    pub(super) fn begin(paper: &mut Paper) -> Result<Self, XlsxError> {
        let columns = vec![
            Column::id("Certificate id"),
            Column::text("Finding", 16),
            Column::text("State", 12),
            Column::id("New certificate id"),
            Column::text("Named", 40),
            Column::lines("What it means and what to do", 90),
        ];
        Ok(Self(Sheets::begin(paper, "Unaccounted", columns)?))
    }

    pub(super) fn add(&mut self, paper: &mut Paper, entry: &Entry) -> Result<(), XlsxError> {
        let Self(sheet) = self;
        sheet.begin_row(paper)?;
        sheet.id(entry.id)?;
        sheet.text(Some(entry.finding.as_str()))?;
        sheet.text(entry.state.as_deref())?;
        sheet.id(entry.new_certificate_id)?;
        sheet.text(entry.named.as_deref())?;
        sheet.text(Some(entry.finding.meaning()))
    }

    pub(super) fn finish(self) -> Result<Vec<Worksheet>, XlsxError> {
        self.0.finish()
    }
}

/// What failed certificates have in common, the most frequent on top.
pub(super) fn causes(
    paper: &mut Paper,
    causes: &ValueCauses,
    rows: &CertificateRows,
) -> Result<Vec<Worksheet>, XlsxError> {
    let columns = vec![
        Column::text("Code", 28),
        Column::text("Field", 22),
        Column::lines("Raw value", 36),
        Column::count("Certificates"),
        Column::count("Nothing else"),
        Column::text("Kind", 12),
        Column::id("First certificate"),
        Column::lines("What to do", 90),
    ];
    let mut sheet = Sheets::begin(paper, "Causes", columns)?;
    let link = paper.looks.link.clone();
    for cause in &causes.first {
        sheet.begin_row(paper)?;
        sheet.link(&cause.code, rows.first_of_code(&cause.code), &link)?;
        sheet.text(cause.field.as_deref())?;
        sheet.text(cause.raw.as_deref())?;
        sheet.id(Some(cause.certificates))?;
        sheet.id(Some(cause.alone))?;
        sheet.text(Some(&cause.kind))?;
        sheet.id(Some(cause.first_certificate_id.0))?;
        sheet.text(Some(&Remedy::of(&cause.code).in_full))?;
    }
    let others = causes.total - i64::try_from(causes.first.len()).unwrap_or(i64::MAX);
    if others > 0 {
        sheet.begin_row(paper)?;
        sheet.text(Some(&format!("and {} rarer causes", grouped(others))))?;
    }
    sheet.finish()
}

/// The runs, the newest first.
pub(super) fn runs(paper: &mut Paper, runs: &[Run]) -> Result<Vec<Worksheet>, XlsxError> {
    let timezone = paper.timezone;
    let columns = vec![
        Column::id("Run"),
        Column::text("Kind", 10),
        Column::text("Outcome", 24),
        Column::text("By", 18),
        Column::text("Host", 22),
        Column::time("Begun", timezone),
        Column::time("Begun", Tz::UTC),
        Column::count("Selected"),
        Column::count("Migrated"),
        Column::count("Failed"),
        Column::count("Queued"),
        Column::count("Skipped"),
        Column::count("Reverted"),
        Column::text("Adds up", 10),
        Column::lines("Filter", 50),
    ];
    let mut sheet = Sheets::begin(paper, "Runs", columns)?;
    for run in runs {
        sheet.begin_row(paper)?;
        sheet.id(Some(run.run))?;
        sheet.text(Some(run.kind.as_str()))?;
        sheet.text(Some(run.outcome().as_str()))?;
        sheet.text(Some(&run.by))?;
        sheet.text(Some(&run.host))?;
        sheet.time(Some(run.at), timezone)?;
        sheet.time(Some(run.at), Tz::UTC)?;
        for count in [run.selected, run.migrated, run.failed, run.queued, run.skipped, run.reverted] {
            sheet.id(Some(count))?;
        }
        sheet.text(Some(if run.adds_up() { "yes" } else { "NO" }))?;
        sheet.text(Some(&run.filter.to_string()).filter(|filter| *filter != "{}").map(String::as_str))?;
    }
    sheet.finish()
}
