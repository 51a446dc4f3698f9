//! `producer limit`.

use std::fmt;

use anyhow::Context;
use certferry_bootstrap::{Config, HintFrom, Shutdown};
use certferry_operations::operator;
use certferry_store::{Database, Error, RateLimit};
use serde::Serialize;

use crate::{cli, connections};

/// The limit that is in force.
#[derive(Debug, Serialize)]
pub(crate) struct Limited {
    /// Certificates a second over all workers; null where there is no limit.
    rate: Option<f64>,
    /// Who set it, and when.
    limit: Option<RateLimit>,
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.limit {
            Some(RateLimit { per_second, by, at }) => {
                let at = at.format("%Y-%m-%d %H:%M:%S UTC");
                write!(f, "all workers together take up at most {per_second} certificates a second, since {at} by {by}")
            }
            None => f.write_str("the rate is not limited"),
        }
    }
}

/// What becomes of the limit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    /// So many certificates a second at most, above zero.
    Set(f64),
    /// No limit any more.
    Lift,
    /// The limit stays as it is.
    Keep,
}

/// Sets, lifts or shows the limit.
pub(crate) async fn run(config: &Config, arguments: &cli::Limit, shutdown: &Shutdown) -> anyhow::Result<Limited> {
    let limiting = async {
        let database = connections::steering_database(config).await?;
        let change = match arguments.rate {
            Some(rate) => Change::Set(rate),
            None if arguments.off => Change::Lift,
            None => Change::Keep,
        };
        let limited = limit(&database, change).await?;
        database.close().await;
        anyhow::Ok(limited)
    };
    shutdown.interrupting(limiting).await.context("interrupted; `producer limit` says what the limit is")?
}

/// Changes the limit in a database that is ready, and says what is in force then.
pub(crate) async fn limit(database: &Database, change: Change) -> anyhow::Result<Limited> {
    match change {
        Change::Set(rate) => {
            certferry_store::set_limit(database, rate, &operator().to_string()).await.hint_from(Error::hint)?;
        }
        Change::Lift => {
            certferry_store::lift_limit(database).await.hint_from(Error::hint)?;
        }
        Change::Keep => {}
    }
    let mut snapshot = database.begin_snapshot().await?;
    let limit = certferry_store::rate_limit(&mut snapshot).await.hint_from(Error::hint)?;
    snapshot.rollback().await?;
    Ok(Limited { rate: limit.as_ref().map(|limit| limit.per_second), limit })
}
