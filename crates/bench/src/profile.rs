//! Where the server's time goes: its costliest statements, and what its sessions wait for.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use sqlx::Connection;
use tokio::task::JoinHandle;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::arena::{Arena, RUN};

/// How often the sessions are looked at.
const LOOK: Duration = Duration::from_millis(50);

/// Statements listed.
const TOP: i64 = 15;

/// A profile of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Profile {
    pub(crate) statements: Vec<Statement>,
    /// What busy sessions waited for and how often they were seen so, the most frequent first.
    pub(crate) waits: Vec<(String, u64)>,
}

impl Profile {
    /// What busy sessions were seen at, as shares of all that was seen.
    #[expect(clippy::cast_precision_loss, reason = "for people to read")]
    pub(crate) fn shares(&self) -> Vec<(&str, f64)> {
        let all: u64 = self.waits.iter().map(|(_, seen)| seen).sum();
        self.waits.iter().map(|(what, seen)| (what.as_str(), *seen as f64 / all as f64)).collect()
    }
}

/// One statement, over all its calls.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct Statement {
    pub(crate) query: String,
    pub(crate) calls: i64,
    pub(crate) milliseconds: f64,
    pub(crate) rows: i64,
    pub(crate) wal_bytes: i64,
}

/// Looks at what the sessions wait for until it is ended, in every run alike.
#[derive(Debug)]
pub(crate) struct Sampler {
    stop: CancellationToken,
    sampling: JoinHandle<Result<HashMap<String, u64>>>,
}

impl Sampler {
    pub(crate) async fn start(arena: &Arena, source: &str) -> Result<Self> {
        let mut connection = arena.connect("postgres").await?;
        let (source, stop) = (source.to_owned(), CancellationToken::new());
        let stopped = stop.clone();
        let sampling = tokio::spawn(async move {
            let mut seen: HashMap<String, u64> = HashMap::new();
            let mut look = interval(LOOK);
            look.set_missed_tick_behavior(MissedTickBehavior::Delay);
            while stopped.run_until_cancelled(look.tick()).await.is_some() {
                let sessions = sqlx::query_scalar::<_, String>(include_str!("waits.sql")).bind(RUN).bind(&source);
                for what in sessions.fetch_all(&mut connection).await? {
                    *seen.entry(what).or_default() += 1;
                }
            }
            connection.close().await?;
            Ok(seen)
        });
        Ok(Self { stop, sampling })
    }

    /// Ends looking, and reads the statements since the meter began.
    pub(crate) async fn end(self, arena: &Arena, source: &str) -> Result<Profile> {
        self.stop.cancel();
        let mut waits: Vec<(String, u64)> = self.sampling.await??.into_iter().collect();
        waits.sort_by(|(one, seen_one), (other, seen_other)| seen_other.cmp(seen_one).then_with(|| one.cmp(other)));
        let mut statements = Vec::new();
        if arena.has_statements {
            let mut connection = arena.connect("postgres").await?;
            let costliest = sqlx::query_as(include_str!("statements.sql")).bind(RUN).bind(source).bind(TOP);
            statements = costliest.fetch_all(&mut connection).await?;
            connection.close().await?;
        }
        Ok(Profile { statements, waits })
    }
}
