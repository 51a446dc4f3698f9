//! What a run costs the server: processor time, WAL, commits and statements.

use std::time::Duration;

use anyhow::Result;
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep};

use crate::arena::{Arena, RUN};
use crate::process::{Stat, time_with_children};
use crate::profile::{Profile, Sampler};

/// How long to wait for the connections of programs that have ended: what they did is counted when they are gone.
const LEAVING: Duration = Duration::from_secs(10);

/// What the server spent on a run, both databases together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent {
    /// Processor time in seconds, the server's own housekeeping included.
    pub(crate) processor: Option<f64>,
    pub(crate) wal_bytes: u64,
    /// How often WAL was forced to disk; several commits may share one.
    pub(crate) syncs: Option<u64>,
    /// Transactions that were committed at the destination, those included that only read.
    pub(crate) transactions: u64,
    /// Statements, in either database, as `pg_stat_statements` has them.
    pub(crate) statements: Option<u64>,
    pub(crate) profile: Profile,
}

/// A run that is being metered.
#[derive(Debug)]
pub(crate) struct Meter {
    source: String,
    server: Option<u32>,
    before: Reading,
    sampler: Sampler,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    processor: Option<f64>,
    wal: i64,
    syncs: Option<i64>,
    transactions: i64,
}

impl Meter {
    /// Begins with the destination as it is now.
    pub(crate) async fn begin(arena: &Arena, source: &str) -> Result<Self> {
        let mut connection = arena.connect("postgres").await?;
        if arena.has_statements {
            sqlx::query("SELECT pg_stat_statements_reset()").execute(&mut connection).await?;
        }
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut connection).await?;
        let server = u32::try_from(backend).ok().and_then(Stat::of).map(|backend| backend.parent);
        let before = Reading::take(&mut connection, server).await?;
        connection.close().await?;
        let sampler = Sampler::start(arena, source).await?;
        Ok(Self { source: source.to_owned(), server, before, sampler })
    }

    /// Ends when everyone has left the databases.
    pub(crate) async fn end(self, arena: &Arena) -> Result<Spent> {
        let mut connection = arena.connect("postgres").await?;
        let deadline = Instant::now() + LEAVING;
        while others(&mut connection, &self.source).await? > 0 && Instant::now() < deadline {
            sleep(Duration::from_millis(10)).await;
        }
        let (before, after) = (self.before, Reading::take(&mut connection, self.server).await?);
        let statements = if arena.has_statements {
            let statements = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements JOIN pg_database ON \
                              oid = dbid WHERE datname IN ($1, $2)";
            let statements = sqlx::query_scalar(statements).bind(RUN).bind(&self.source);
            Some(counted(statements.fetch_one(&mut connection).await?))
        } else {
            None
        };
        connection.close().await?;
        let profile = self.sampler.end(arena, &self.source).await?;
        Ok(Spent {
            processor: after.processor.zip(before.processor).map(|(after, before)| after - before),
            wal_bytes: counted(after.wal - before.wal),
            syncs: after.syncs.zip(before.syncs).map(|(after, before)| counted(after - before)),
            transactions: counted(after.transactions - before.transactions),
            statements,
            profile,
        })
    }
}

fn counted(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

async fn others(connection: &mut PgConnection, source: &str) -> Result<i64> {
    let others = "SELECT count(*) FROM pg_stat_activity WHERE datname IN ($1, $2) AND backend_type = 'client backend'";
    Ok(sqlx::query_scalar(others).bind(RUN).bind(source).fetch_one(connection).await?)
}

impl Reading {
    async fn take(connection: &mut PgConnection, server: Option<u32>) -> Result<Self> {
        let wal = sqlx::query_scalar("SELECT (pg_current_wal_insert_lsn() - '0/0'::pg_lsn)::bigint");
        let wal = wal.fetch_one(&mut *connection).await?;
        // Newer servers count this elsewhere.
        let syncs = sqlx::query_scalar("SELECT wal_sync FROM pg_stat_wal").fetch_one(&mut *connection).await.ok();
        let transactions = sqlx::query_scalar("SELECT xact_commit FROM pg_stat_database WHERE datname = $1").bind(RUN);
        let transactions = transactions.fetch_optional(connection).await?.unwrap_or(0);
        Ok(Self { processor: server.and_then(time_with_children), wal, syncs, transactions })
    }
}
