//! `producer revert`: what would be taken back, and with the token of what was shown, taking it back.

use std::fmt;

use anyhow::{Context, anyhow};
use certferry_bootstrap::exit::Attention;
use certferry_bootstrap::{Config, Hint, HintFrom, Shutdown};
use certferry_certificate::{Filter, OldId};
use certferry_operations::{Blocked, Error, Revert, operator};
use serde::Serialize;
use serde_json::json;

use crate::page_by_page::{PageByPage, interrupted};
use crate::{cli, connections, interruption};

/// How many of the certificates that stay are named to a person.
const NAMED: usize = 20;

/// What would be taken back, or was.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Outcome {
    /// The run that took it back; null where it was only looked at.
    run: Option<i64>,
    /// What to hand to --execute; null once that was done.
    token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    would_revert: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reverted: Option<u64>,
    /// Certificates that stay, and why.
    blocked: Vec<Blocked>,
    blocked_in_all: u64,
    /// Customers and technicians that went with them, and those that stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    people_reverted: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    people_kept: Option<u64>,
    /// Whether it came to the end and was not interrupted.
    complete: bool,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(would_revert) = self.would_revert {
            write!(f, "would take back {would_revert} certificates, {} stay", self.blocked_in_all)?;
        }
        if let Some(reverted) = self.reverted {
            write!(f, "took back {reverted} certificates, {} stay", self.blocked_in_all)?;
        }
        if let Some(people) = self.people_reverted.filter(|people| *people > 0) {
            write!(f, "; {people} customers and technicians that nobody else needs went with them")?;
        }
        for Blocked { certificate_id, why } in self.blocked.iter().take(NAMED) {
            write!(f, "\ncertificate {certificate_id} stays: {why}")?;
        }
        if self.blocked.len() > NAMED {
            f.write_str("\n…")?;
        }
        match &self.token {
            Some(token) if self.would_revert != Some(0) => {
                write!(f, "\nto do it, run the same with: --execute {token}")
            }
            _ => Ok(()),
        }
    }
}

impl Outcome {
    /// An error when it was interrupted, and when certificates stay.
    pub(crate) fn into_result(self) -> anyhow::Result<()> {
        if !self.complete {
            return interrupted();
        }
        if self.blocked_in_all == 0 {
            return Ok(());
        }
        Err(Attention(format!("{} certificates stay in the destination", self.blocked_in_all)))
            .hint("look at each of them, and delete it by hand where that is right")
    }
}

/// Looks what would be taken back, or takes it back.
pub(crate) async fn run(config: &Config, arguments: &cli::Revert, shutdown: &Shutdown) -> anyhow::Result<Outcome> {
    let mut ids: Vec<OldId> = arguments.id.iter().copied().map(OldId).collect();
    ids.sort_unstable();
    ids.dedup();
    let ids = (!ids.is_empty()).then_some(ids);
    let described = match arguments.run {
        Some(run) => json!({ "run": run }),
        None => json!({ "ids": ids }),
    };
    let revert = Revert { filter: Filter { run: arguments.run, ids, ..Filter::default() }, described };
    let connecting = async {
        let database = connections::ready_database(config).await?;
        if let Some(number) = arguments.run {
            let mut snapshot = database.begin_snapshot().await?;
            let is_there = !certferry_store::runs(&mut snapshot, Some(number), 1).await?.is_empty();
            snapshot.rollback().await?;
            if !is_there {
                return Err(anyhow!("there is no run {number}")).hint("`producer runs` lists them");
            }
        }
        connections::participant(config, &database, None, "").agree_without_a_trace().await?;
        anyhow::Ok(database)
    };
    let connected = shutdown.interrupting(Box::pin(connecting)).await;
    let database = connected.context("interrupted; nothing was taken back")??;
    let looking = PageByPage::new("looking through certificates", shutdown);
    let looked = shutdown.interrupting(Box::pin(revert.look(&database, &looking))).await;
    let reversal = looked.context("interrupted; nothing was taken back")?.hint_from(Error::hint)?;
    looking.finish();
    let Some(token) = &arguments.execute else {
        database.close().await;
        return Ok(Outcome {
            token: Some(reversal.token),
            would_revert: Some(reversal.would_revert),
            blocked: reversal.blocked,
            blocked_in_all: reversal.blocked_in_all,
            complete: true,
            ..Outcome::default()
        });
    };
    if *token != reversal.token {
        return Err(anyhow!(
            "the token is stale: what would be taken back is not what it was when the token was given"
        ))
        .hint("run it without --execute, look at what it says now, and use the token that it gives");
    }
    let (by, page_by_page) = (operator(), PageByPage::new("taking certificates back", shutdown));
    // A page is a transaction: dropping it on the second signal leaves nothing half done.
    let executing = interruption::finish(Box::pin(revert.execute(&database, &by, &page_by_page)), shutdown).await;
    let Some(reverted) = executing else { return Ok(Outcome::default()) };
    let reverted = reverted.hint_from(Error::hint)?;
    page_by_page.finish();
    database.close().await;
    Ok(Outcome {
        run: Some(reverted.run),
        reverted: Some(reverted.reverted),
        blocked_in_all: reverted.blocked_in_all,
        blocked: reverted.blocked,
        people_reverted: Some(reverted.people.reverted),
        people_kept: Some(reverted.people.kept),
        complete: reverted.complete,
        ..Outcome::default()
    })
}
