//! `producer pause` and `producer resume`.

use std::fmt;

use anyhow::Context;
use certferry_bootstrap::{Config, HintFrom, Shutdown, visible};
use certferry_operations::operator;
use certferry_store::{Database, Error, Pause};
use serde::Serialize;

use crate::lock_wait::naming_the_holder;
use crate::{cli, connections};

/// What `producer pause` found or did.
#[derive(Debug, Serialize)]
pub(crate) struct Paused {
    /// Whether it was this command that paused the run.
    changed: bool,
    #[serde(rename = "pause")]
    open: Option<Pause>,
    #[serde(rename = "paused")]
    in_effect: bool,
}

impl fmt::Display for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.open {
            Some(pause) if !self.changed => {
                write!(f, "the run was paused already, {}", Since(pause))
            }
            _ => f.write_str(
                "paused: the workers claim nothing more and finish what they have in hand; go on with `producer resume`",
            ),
        }
    }
}

/// What `producer resume` found or did.
#[derive(Debug, Serialize)]
pub(crate) struct Resumed {
    paused: bool,
    /// Whether there was a pause to end.
    changed: bool,
    /// The pause that ended.
    ended: Option<Pause>,
}

impl fmt::Display for Resumed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.ended {
            Some(pause) => write!(f, "resumed: the workers go on; the run was paused {}", Since(pause)),
            None => f.write_str("the run was not paused; the workers go on"),
        }
    }
}

struct Since<'a>(&'a Pause);

impl fmt::Display for Since<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Pause { at, by, reason } = self.0;
        write!(f, "since {} by {by}", at.format("%Y-%m-%d %H:%M:%S UTC"))?;
        reason.as_ref().map_or(Ok(()), |reason| write!(f, ": {}", visible::visible(reason)))
    }
}

/// Pauses the run.
pub(crate) async fn pause(config: &Config, arguments: &cli::Pause, shutdown: &Shutdown) -> anyhow::Result<Paused> {
    let pausing = async {
        let database = connections::impatient_database(config).await?;
        let pausing = async {
            certferry_store::ensure_ready(&database).await.hint_from(Error::hint)?;
            pause_run(&database, arguments.reason.as_deref()).await
        };
        let paused = naming_the_holder(&database, Box::pin(pausing)).await?;
        database.close().await;
        Ok(paused)
    };
    shutdown.interrupting(pausing).await.context("interrupted; `producer status` says whether the run is paused")?
}

/// Pauses the run in a database that is ready, and says what is in force then.
pub(crate) async fn pause_run(database: &Database, reason: Option<&str>) -> anyhow::Result<Paused> {
    let changed = certferry_store::pause(database, &operator().to_string(), reason).await.hint_from(Error::hint)?;
    let mut snapshot = database.begin_snapshot().await?;
    let open = certferry_store::open_pause(&mut snapshot).await?;
    snapshot.rollback().await?;
    Ok(Paused { in_effect: open.is_some(), changed, open })
}

/// Lets the run go on.
pub(crate) async fn resume(config: &Config, shutdown: &Shutdown) -> anyhow::Result<Resumed> {
    let resuming = async {
        let database = connections::impatient_database(config).await?;
        let resuming = async {
            certferry_store::ensure_ready(&database).await.hint_from(Error::hint)?;
            resume_run(&database).await
        };
        let resumed = naming_the_holder(&database, Box::pin(resuming)).await?;
        database.close().await;
        Ok(resumed)
    };
    shutdown.interrupting(resuming).await.context("interrupted; `producer status` says whether the run is paused")?
}

/// Lets the run in a database that is ready go on.
pub(crate) async fn resume_run(database: &Database) -> anyhow::Result<Resumed> {
    let ended = certferry_store::resume(database, &operator().to_string()).await.hint_from(Error::hint)?;
    Ok(Resumed { paused: false, changed: ended.is_some(), ended })
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn what_a_person_reads() {
        let pause = Pause { at: DateTime::UNIX_EPOCH, by: "anna@desk".to_owned(), reason: Some("too many".to_owned()) };
        let again = Paused { in_effect: true, changed: false, open: Some(pause.clone()) };
        insta::assert_snapshot!(again, @"the run was paused already, since 1970-01-01 00:00:00 UTC by anna@desk: too many");
        let resumed = Resumed { paused: false, changed: true, ended: Some(pause) };
        insta::assert_snapshot!(resumed, @"resumed: the workers go on; the run was paused since 1970-01-01 00:00:00 UTC by anna@desk: too many");
        let idle = Resumed { paused: false, changed: false, ended: None };
        insta::assert_snapshot!(idle, @"the run was not paused; the workers go on");
    }
}
