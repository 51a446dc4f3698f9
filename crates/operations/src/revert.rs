//! Taking a run or some certificates back: first what would go and what stands in the way, then, with the token of what was
//! shown, the deed.

use std::collections::BTreeSet;

use blake3::Hasher;
use certferry_certificate::{Filter, OldId, State};
use certferry_store::{Database, RevertedPeople, Revertible, RunKind};
use serde::Serialize;
use serde_json::Value;

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
    /// Certificates that stay, and why.
    pub blocked: Vec<Blocked>,
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
    /// technicians that only these certificates needed go last.
    pub async fn execute(
        &self,
        database: &Database,
        by: &Operator,
        observer: &impl Observer,
    ) -> Result<Reverted, Error> {
        let run = certferry_store::begin_run(database, RunKind::Revert, &by.user, &by.host, &self.described).await?;
        let mut result = Reverted { run, ..Reverted::default() };
        let (mut customers, mut technicians) = (BTreeSet::new(), BTreeSet::new());
        let filter = self.filter.in_states(&[State::Migrated]);
        let mut from = Some(OldId(i64::MIN));
        while let Some(begin) = from {
            if observer.is_stopped() {
                break;
            }
            let mut transaction = database.begin().await?;
            let page = certferry_store::selected_page(&mut transaction, &filter, begin, PAGE).await?;
            let locked = certferry_store::lock_states(&mut transaction, &page, &[State::Migrated]).await?;
            let (going, staying): (Vec<Revertible>, Vec<Revertible>) =
                certferry_store::revertible(&mut transaction, &locked)
                    .await?
                    .into_iter()
                    .partition(|certificate| certificate.blocked_by.is_none());
            certferry_store::revert(&mut transaction, &going, &by.to_string(), run).await?;
            certferry_store::select_in_run(&mut transaction, run, going.len()).await?;
            transaction.commit().await?;
            for certificate in &going {
                customers.extend(certificate.named.customer);
                technicians.extend(certificate.named.technicians.iter().copied());
            }
            for certificate in staying {
                let why = certificate.blocked_by.unwrap_or_default();
                result.blocked.push(Blocked { certificate_id: certificate.id, why });
            }
            result.reverted += going.len() as u64;
            observer.advance(going.len() as u64);
            from = page.last().and_then(|last| last.0.checked_add(1)).map(OldId);
        }
        result.complete = from.is_none();
        let mut transaction = database.begin().await?;
        result.people = certferry_store::revert_people(&mut transaction, &customers, &technicians).await?;
        transaction.commit().await?;
        if result.complete {
            certferry_store::end_run(database, run).await?;
        }
        Ok(result)
    }
}
