//! Taking a run or some certificates back: first what would go and what stands in the way, then, with the token of what was
//! shown, the deed.

use std::collections::BTreeSet;

use blake3::Hasher;
use certferry_certificate::{Filter, OldId, State};
use certferry_store::{Database, RevertedPeople, Revertible, RunKind};
use serde::Serialize;
use serde_json::Value;

use crate::selection::page_again;
use crate::{Error, Observer, Operator};

/// Certificates a transaction.
const PAGE: i64 = 1_000;

/// How many of the certificates that stand in the way are named; the others are counted.
const NAMED: usize = 1_000;

/// A certificate that cannot be taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Blocked {
    /// The legacy id.
    pub certificate_id: OldId,
    /// Why.
    pub why: String,
}

/// What would be taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reversal {
    /// Certificates that would go.
    pub would_revert: u64,
    /// Certificates that stay, and why: the first thousand.
    pub blocked: Vec<Blocked>,
    /// How many stay.
    pub blocked_in_all: u64,
    /// What names this state of affairs: another one has another token.
    pub token: String,
}

/// What was taken back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reverted {
    /// The run that did it.
    pub run: i64,
    /// Certificates that are gone.
    pub reverted: u64,
    /// Certificates that stay, and why: the first thousand.
    pub blocked: Vec<Blocked>,
    /// How many stay.
    pub blocked_in_all: u64,
    /// Customers and technicians that are gone, and those that stay.
    pub people: RevertedPeople,
    /// Whether it came to the end and was not stopped.
    pub complete: bool,
}

/// Certificates to take back.
#[derive(Clone, Debug)]
pub struct Revert {
    /// Which; only migrated ones are taken back.
    pub filter: Filter,
    /// What the run is to say that it was told to select.
    pub described: Value,
}

impl Revert {
    /// Looks what would be taken back; changes nothing.
    pub async fn look(&self, database: &Database, observer: &impl Observer) -> Result<Reversal, Error> {
        let mut reversal = Reversal::default();
        let mut hasher = Hasher::new();
        let mut snapshot = database.begin_snapshot().await?;
        let filter = self.filter.in_states(&[State::Migrated]);
        let mut from = Some(OldId(i64::MIN));
        while let Some(begin) = from {
            let page = certferry_store::selected_page(&mut snapshot, &filter, begin, PAGE).await?;
            for certificate in certferry_store::revertible(&mut snapshot, &page).await? {
                let Revertible { id, new_certificate_id, blocked_by, .. } = certificate;
                hasher.update(&id.0.to_be_bytes()).update(&new_certificate_id.0.to_be_bytes());
                hasher.update(&[u8::from(blocked_by.is_some())]);
                match blocked_by {
                    None => reversal.would_revert += 1,
                    Some(why) => {
                        reversal.blocked_in_all += 1;
                        if reversal.blocked.len() < NAMED {
                            reversal.blocked.push(Blocked { certificate_id: id, why });
                        }
                    }
                }
            }
            observer.advance(page.len() as u64);
            from = page.last().and_then(|last| last.0.checked_add(1)).map(OldId);
        }
        snapshot.rollback().await?;
        let token = hasher.finalize().to_hex()[..16].to_owned();
        Ok(Reversal { token, ..reversal })
    }

    /// Takes back what [`Self::look`] showed, a page a transaction; what has changed since then stays, and is said. Customers and
    /// technicians go with the page after which no certificate names them, so that a revert that is cut short leaves nobody
    /// behind.
    pub async fn execute(
        &self,
        database: &Database,
        by: &Operator,
        observer: &impl Observer,
    ) -> Result<Reverted, Error> {
        let run = certferry_store::begin_run(database, RunKind::Revert, &by.user, &by.host, &self.described).await?;
        let mut result = Reverted { run, ..Reverted::default() };
        let (filter, by) = (self.filter.in_states(&[State::Migrated]), by.to_string());
        let mut from = Some(OldId(i64::MIN));
        while let Some(begin) = from {
            if observer.is_stopped() {
                return Ok(result);
            }
            let Some(page) = page_again(async || page(database, &filter, begin, &by, run).await).await? else {
                return Ok(result);
            };
            for certificate in page.staying {
                result.blocked_in_all += 1;
                if result.blocked.len() < NAMED {
                    let why = certificate.blocked_by.unwrap_or_default();
                    result.blocked.push(Blocked { certificate_id: certificate.id, why });
                }
            }
            result.reverted += page.reverted;
            result.people.reverted += page.people.reverted;
            result.people.kept += page.people.kept;
            observer.advance(page.reverted);
            from = page.last.and_then(|last| last.0.checked_add(1)).map(OldId);
        }
        certferry_store::end_run(database, run).await?;
        result.complete = true;
        Ok(result)
    }
}

/// What came of a page.
struct Page {
    reverted: u64,
    staying: Vec<Revertible>,
    people: RevertedPeople,
    /// The highest id that was looked at; none when there was nothing left.
    last: Option<OldId>,
}

/// Takes a page back, in a transaction; none when the run was cancelled.
async fn page(database: &Database, filter: &Filter, from: OldId, by: &str, run: i64) -> Result<Option<Page>, Error> {
    let mut transaction = database.begin().await?;
    let selected = certferry_store::selected_page(&mut transaction, filter, from, PAGE).await?;
    let locked = certferry_store::lock_states(&mut transaction, &selected, &[State::Migrated]).await?;
    // Once to know what to lock, and once more when nobody can change it any more.
    let named = certferry_store::revertible(&mut transaction, &locked).await?;
    certferry_store::lock_to_revert(&mut transaction, &named).await?;
    let looked_at = certferry_store::revertible(&mut transaction, &locked).await?;
    let (going, staying): (Vec<Revertible>, Vec<Revertible>) =
        looked_at.into_iter().partition(|certificate| certificate.blocked_by.is_none());
    certferry_store::revert(&mut transaction, &going, by, run).await?;
    let customers: BTreeSet<i64> = going.iter().filter_map(|certificate| certificate.named.customer).collect();
    let technicians = going.iter().flat_map(|certificate| certificate.named.technicians.iter().copied()).collect();
    let people = certferry_store::revert_people(&mut transaction, &customers, &technicians).await?;
    if !certferry_store::select_in_run(&mut transaction, run, going.len()).await? {
        transaction.rollback().await?;
        return Ok(None);
    }
    transaction.commit().await?;
    Ok(Some(Page { reverted: going.len() as u64, staying, people, last: selected.last().copied() }))
}
