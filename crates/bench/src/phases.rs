//! The measurements, one after the other.

use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use certferry_testkit::proxy::Proxy;

use crate::arena::{Arena, Prepared};
use crate::certferry::Certferry;
use crate::options::{Options, Phase};
use crate::report::{per_second, thousands};
use crate::results::{Exchanges, Results, Row, Run};
use crate::{commands, floor, machine, queue_alone, script, single};

/// A measurement is not repeated once its runs have taken this long.
const LONG: Duration = Duration::from_mins(4);

/// Added latencies in milliseconds, and how many certificates the script is given with each: it is slow there.
const LATENCIES: [(u64, u64); 2] = [(5, 5_000), (20, 2_000)];

/// How many certificates the script is given where only its costs are looked at.
const SCRIPT_FOR_COSTS: u64 = 10_000;

/// Measures everything that was asked for. What cannot be measured is noted and does not keep the rest from it.
pub(crate) async fn run(options: &Options) -> Result<Results> {
    let started = Instant::now();
    let arena = Arena::start(options).await?;
    let machine = machine::describe(&arena, options).await?;
    for (name, value) in &machine {
        eprintln!("{name}: {value}");
    }
    let has_fail_points = machine.iter().any(|(_, value)| value.contains("fail-points"));
    let mut bench = Bench { arena: &arena, options, results: Results { machine, ..Results::default() } };
    if has_fail_points {
        let what = "as it is shipped: the worker was built for tests, with fail-points".to_owned();
        bench.results.failures.push(what);
    }
    for phase in Phase::ALL.into_iter().filter(|phase| options.phases.contains(phase)) {
        eprintln!("{} ({:.0} s)", phase.name(), started.elapsed().as_secs_f64());
        if let Err(error) = bench.measure(phase).await {
            eprintln!("    could not be measured: {error:#}");
            bench.results.failures.push(format!("{}: {error:#}", phase.name()));
        }
    }
    bench.results.minutes = started.elapsed().as_secs_f64() / 60.0;
    Ok(bench.results)
}

struct Bench<'a> {
    arena: &'a Arena,
    options: &'a Options,
    results: Results,
}

impl Bench<'_> {
    async fn measure(&mut self, phase: Phase) -> Result<()> {
        match phase {
            Phase::Processes => self.processes().await,
            Phase::Script => self.script().await,
            Phase::Floor => self.floor().await,
            Phase::Queue => self.queue().await,
            Phase::Latency => self.latency().await,
            Phase::Scale => self.scale().await,
            Phase::Costs => self.costs().await,
            Phase::Single => self.single().await,
            Phase::Refused => self.refused().await,
            Phase::Collector => self.collector().await,
            Phase::Commands => self.commands().await,
        }
    }

    /// Runs something several times, and says what came out.
    async fn row(
        &mut self,
        key: impl Into<String>,
        label: impl Into<String>,
        remark: &str,
        mut run: impl AsyncFnMut() -> Result<Run>,
    ) -> Result<()> {
        let mut row = Row { key: key.into(), label: label.into(), runs: Vec::new(), remark: remark.to_owned() };
        let started = Instant::now();
        for number in 1..=self.options.repetitions {
            let done = run().await.with_context(|| row.label.clone());
            row.runs.push(done?);
            let average = started.elapsed() / u32::try_from(number).unwrap_or(u32::MAX);
            if started.elapsed() + average > LONG {
                break;
            }
        }
        eprintln!("    {}: {} certificates/s", row.label, per_second(&row));
        self.results.rows.push(row);
        Ok(())
    }

    async fn certferry(&mut self, key: String, label: String, remark: &str, certferry: Certferry<'_>) -> Result<()> {
        self.row(key, label, remark, async || certferry.run().await).await
    }

    async fn prepared(&self) -> Result<Prepared> {
        self.arena.prepare(self.options.certificates).await
    }

    async fn commands(&mut self) -> Result<()> {
        let prepared = self.prepared().await?;
        self.results.commands = commands::measure(self.arena, &prepared).await?;
        Ok(())
    }

    async fn processes(&mut self) -> Result<()> {
        let (arena, prepared) = (self.arena, self.prepared().await?);
        for workers in [1, 2, 4] {
            let plural = if workers == 1 { "" } else { "s" };
            let label = format!("Certferry, {workers} worker{plural}");
            let certferry = Certferry { arena, prepared: &prepared, workers, address: None, collector: None };
            self.certferry(format!("certferry/{workers}"), label, "", certferry).await?;
        }
        Ok(())
    }

    async fn script(&mut self) -> Result<()> {
        let (arena, options, prepared) = (self.arena, self.options, self.prepared().await?);
        let run = async || script::run(arena, options, &prepared, prepared.certificates(), None).await;
        self.row("script", "the script, 10 threads", "", run).await
    }

    async fn floor(&mut self) -> Result<()> {
        let (arena, prepared) = (self.arena, self.prepared().await?);
        floor::prepare(arena, &prepared).await?;
        let run = async || floor::run(arena, &prepared).await;
        self.row("floor", "the floor: planned already, one INSERT a table, one session", "", run).await
    }

    async fn queue(&mut self) -> Result<()> {
        let (arena, prepared) = (self.arena, self.prepared().await?);
        let run = async || queue_alone::run(arena, &prepared).await;
        self.row("queue", "the queue alone: jobs that do nothing, one worker", "", run).await
    }

    async fn latency(&mut self) -> Result<()> {
        let (arena, options, prepared) = (self.arena, self.options, self.prepared().await?);
        for (milliseconds, limit) in LATENCIES {
            let proxy = Proxy::start(arena.address(), Duration::from_millis(milliseconds)).await?;
            let address = Some(proxy.address());
            let trip = machine::round_trip(&arena.url("postgres", address)).await? * 1e3;
            self.results.round_trips.push((milliseconds, trip));
            let label = format!("Certferry, 2 workers, {milliseconds} ms of latency");
            let certferry = Certferry { arena, prepared: &prepared, workers: 2, address, collector: None };
            self.certferry(format!("certferry/2/{milliseconds}ms"), label, "", certferry).await?;

            let limit = limit.min(prepared.certificates());
            let label = format!("the script, {milliseconds} ms of latency");
            let remark = if limit < prepared.certificates() { "the first of them only, for it is slow" } else { "" };
            let run = async || script::run(arena, options, &prepared, limit, address).await;
            self.row(format!("script/{milliseconds}ms"), label, remark, run).await?;
        }
        Ok(())
    }

    async fn scale(&mut self) -> Result<()> {
        let arena = self.arena;
        for certificates in scales(self.options.certificates, self.options.full) {
            let prepared = arena.prepare(certificates).await?;
            let label = format!("Certferry, 2 workers, {} certificates", thousands(certificates));
            let certferry = Certferry { arena, prepared: &prepared, workers: 2, address: None, collector: None };
            self.certferry(format!("scale/{certificates}"), label, "", certferry).await?;
        }
        Ok(())
    }

    /// Each once, and once more through a proxy that counts.
    async fn costs(&mut self) -> Result<()> {
        let (arena, options, prepared) = (self.arena, self.options, self.prepared().await?);
        let certferry = Certferry { arena, prepared: &prepared, workers: 2, address: None, collector: None };
        let limit = SCRIPT_FOR_COSTS.min(prepared.certificates());

        self.cost("Certferry, 2 workers", certferry.run().await?);
        self.cost("the script", script::run(arena, options, &prepared, limit, None).await?);

        let proxy = Proxy::start(arena.address(), Duration::ZERO).await?;
        let through = Certferry { address: Some(proxy.address()), ..certferry };
        let run = through.run().await?;
        let first = proxy.exchanges();
        let mut note = |label, certificates, times| {
            self.results.exchanges.push(Exchanges { label, certificates, times });
        };
        note("Certferry, 2 workers", run.certificates, first);
        let run = script::run(arena, options, &prepared, limit, Some(proxy.address())).await?;
        note("the script", run.certificates, proxy.exchanges() - first);
        Ok(())
    }

    /// Without a collector, and with one that takes up connections and never answers, in turn. The end of the processes, which
    /// wait for the collector for a moment, is no part of it.
    async fn collector(&mut self) -> Result<()> {
        let (arena, prepared) = (self.arena, self.prepared().await?);
        let hanging = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("could not play a collector")?;
        let address = hanging.local_addr()?;
        let remark = "migrating alone".to_owned();
        let row = |key: &str, label: &str| Row {
            key: key.to_owned(),
            label: format!("Certferry, 2 workers, {label}"),
            runs: Vec::new(),
            remark: remark.clone(),
        };
        let mut rows = [
            (row("collector/none", "no collector"), None),
            (row("collector/dead", "a collector that never answers"), Some(address)),
        ];
        for _ in 0..self.options.repetitions {
            for (row, collector) in &mut rows {
                let collector = *collector;
                let certferry = Certferry { arena, prepared: &prepared, workers: 2, address: None, collector };
                let mut run = certferry.run().await.with_context(|| row.label.clone())?;
                run.parts.retain(|(part, _)| *part == "migrate");
                run.seconds = run.parts.iter().map(|(_, seconds)| seconds).sum();
                row.runs.push(run);
            }
        }
        for (row, _) in rows {
            eprintln!("    {}: {} certificates/s", row.label, per_second(&row));
            self.results.rows.push(row);
        }
        Ok(())
    }

    fn cost(&mut self, label: &str, run: Run) {
        let key = format!("costs/{label}");
        let row = Row { key, label: label.to_owned(), runs: vec![run], remark: String::new() };
        self.results.rows.push(row);
    }

    async fn single(&mut self) -> Result<()> {
        let prepared = self.prepared().await?;
        let latencies = single::measure(self.arena, &prepared).await?;
        self.results.single = Some(latencies);
        Ok(())
    }

    /// The same certificates, none bad by itself: as they are, with 5 % that are in the way of others, and with 5 %
    /// that the database refuses for a reason that nobody can foresee.
    async fn refused(&mut self) -> Result<()> {
        let arena = self.arena;
        let good = arena.prepare_good(self.options.certificates).await?;
        let count = |is_failing: fn(u64) -> bool| (1..=good.certificates()).filter(|id| is_failing(*id)).count() as u64;

        let refused =
            Prepared { source: format!("{}_refused", good.source), failing: count(|id| id % 40 == 20), ..good.clone() };
        arena.copy(&good.source, &refused.source).await?;
        let spoil = include_str!("refused_source.sql");
        arena
            .execute(&refused.source, &[spoil, "CLUSTER certificates USING certificates_pkey", "VACUUM ANALYZE"])
            .await?;

        let unforeseen = Prepared {
            template: format!("{}_unforeseen", good.template),
            failing: count(|id| id % 20 == 0),
            ..good.clone()
        };
        arena.copy(&good.template, &unforeseen.template).await?;
        arena.execute(&unforeseen.template, &[include_str!("unforeseen_destination.sql")]).await?;

        for (key, label, prepared, remark) in [
            ("refused/0", "Certferry, 2 workers, 0 % refused", &good, "no certificate is bad"),
            (
                "refused/5",
                "Certferry, 2 workers, 5 % refused",
                &refused,
                "half of them have a number that is taken, half a vehicle that is too long",
            ),
            (
                "refused/unforeseen",
                "Certferry, 2 workers, 5 % refused unforeseen",
                &unforeseen,
                "each by a constraint that only the INSERT itself meets",
            ),
        ] {
            let certferry = Certferry { arena, prepared, workers: 2, address: None, collector: None };
            self.certferry(key.to_owned(), label.to_owned(), remark, certferry).await?;
        }
        Ok(())
    }
}

/// 10,000, 100,000 and, where it is to be, 1,000,000; in proportion where the whole benchmark is smaller.
pub(crate) fn scales(certificates: u64, full: bool) -> Vec<u64> {
    let mut scales = vec![(certificates / 5).max(1), certificates * 2];
    if full {
        scales.push(certificates * 20);
    }
    scales
}
