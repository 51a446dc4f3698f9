//! Certferry itself: the real programs, as configured by default.

use std::net::SocketAddr;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use chrono::{DateTime, Utc};
use futures::future::try_join_all;

use crate::arena::{Arena, Prepared, RUN};
use crate::meter::Meter;
use crate::program::{self, Ended};
use crate::results::Run;

/// How Certferry is run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Certferry<'a> {
    pub(crate) arena: &'a Arena,
    pub(crate) prepared: &'a Prepared,
    pub(crate) workers: usize,
    /// Of a proxy to go through.
    pub(crate) address: Option<SocketAddr>,
    /// Where traces and metrics are sent to; none where nobody asked for any.
    pub(crate) collector: Option<SocketAddr>,
}

impl Certferry<'_> {
    /// Migrates everything into a fresh destination.
    pub(crate) async fn run(&self) -> Result<Run> {
        self.arena.fresh(self.prepared).await?;
        self.run_here().await
    }

    /// Migrates everything into the destination as it is: `producer enqueue`, and then the workers, until the last
    /// certificate is done. How long the workers then take to see that and end is not part of it.
    pub(crate) async fn run_here(&self) -> Result<Run> {
        let meter = Meter::begin(self.arena, &self.prepared.source).await?;
        let enqueued = self.program("producer", "enqueue").await?;
        let started = SystemTime::now();
        let workers = try_join_all((0..self.workers).map(|_| self.program("worker", "--drain"))).await?;
        let migrating = seconds_between(started, self.last_finished().await?)?;
        self.check().await?;
        let spent = meter.end(self.arena).await?;
        let enqueueing = enqueued.seconds;
        let programs = [vec![enqueued], workers].concat();
        Ok(Run {
            certificates: self.prepared.certificates(),
            seconds: enqueueing + migrating,
            parts: vec![("enqueue", enqueueing), ("migrate", migrating)],
            programs,
            spent,
        })
    }

    async fn program(&self, name: &'static str, argument: &str) -> Result<Ended> {
        let mut command = self.arena.certferry(name, &self.prepared.source, RUN, self.address);
        command.arg(argument);
        if let Some(collector) = self.collector {
            command.env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}"));
        }
        program::run(name, command, &self.arena.log(name)).await
    }

    async fn last_finished(&self) -> Result<DateTime<Utc>> {
        let mut connection = self.arena.connect(RUN).await?;
        let last = sqlx::query_scalar("SELECT max(finished_at) FROM certferry.certificate_status");
        last.fetch_one(&mut connection).await.context("nothing was migrated")
    }

    /// A migration that is fast and wrong is worth nothing.
    async fn check(&self) -> Result<()> {
        let mut connection = self.arena.connect(RUN).await?;
        let counts: (i64, i64, i64) = sqlx::query_as(include_str!("counts.sql")).fetch_one(&mut connection).await?;
        let failing = i64::try_from(self.prepared.failing)?;
        let migrated = i64::try_from(self.prepared.certificates())? - failing;
        ensure!(
            counts == (migrated, failing, migrated),
            "of the certificates, {} were migrated, {} failed, and {} are at the destination; expected were {migrated}, \
             {failing} and {migrated}",
            counts.0,
            counts.1,
            counts.2
        );
        Ok(())
    }
}

/// Both clocks are this machine's.
fn seconds_between(earlier: SystemTime, later: DateTime<Utc>) -> Result<f64> {
    let between = later - DateTime::<Utc>::from(earlier);
    Ok(between.to_std().context("the last certificate was done before the workers started")?.as_secs_f64())
}
