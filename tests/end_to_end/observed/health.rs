#![expect(clippy::float_cmp, reason = "counts are whole numbers")]

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use certferry_testkit::cases;
use certferry_testkit::postgres::{Server, Settings};
use certferry_testkit::proxy::Proxy;
use certferry_web::{Answer, ask};
use rustix::process::Signal;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Child;

use super::address_in;
use super::exposition::{Series, read};
use crate::world::{World, ended, signal, succeeded};

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_mins(1);

/// A worker that listens on a free port.
struct Listening {
    worker: Child,
    address: SocketAddr,
    log: Arc<Mutex<String>>,
}

impl Listening {
    async fn start(world: &mut World) -> Self {
        world.set("worker.listen", "127.0.0.1:0");
        let mut worker = world.start("worker", [] as [&str; 0]);
        let mut lines = BufReader::new(worker.stderr.take().unwrap()).lines();
        let finding = async {
            loop {
                let line = lines.next_line().await.unwrap().expect("the worker ended");
                if let Some(address) = address_in(&line) {
                    return address.parse().unwrap();
                }
            }
        };
        let address = tokio::time::timeout(PATIENCE, finding).await.unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        let written = log.clone();
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                written.lock().unwrap().push_str(&line);
            }
        });
        Self { worker, address, log }
    }

    async fn ask(&self, path: &str) -> Answer {
        ask(self.address, path, PATIENCE).await.unwrap()
    }

    /// Waits until a page answers with this status.
    async fn until(&self, path: &str, status: u16) -> Answer {
        let seek = async || Some(self.ask(path).await).filter(|answer| answer.status == status);
        self.waiting_for(&format!("{path} to answer {status}"), seek).await
    }

    async fn until_logged(&self, text: &str) {
        let seek = async || self.log.lock().unwrap().contains(text).then_some(());
        self.waiting_for(&format!("the log to say: {text}"), seek).await;
    }

    async fn waiting_for<T>(&self, what: &str, seek: impl AsyncFn() -> Option<T>) -> T {
        let waiting = async {
            loop {
                if let Some(found) = seek().await {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        waited.unwrap_or_else(|_| panic!("waited in vain for {what}: {}", self.log.lock().unwrap()))
    }

    async fn metrics(&self) -> Series {
        let answer = self.ask("/metrics").await;
        assert_eq!(answer.status, 200, "{}", answer.body);
        read(&answer.body).unwrap_or_else(|why| panic!("{why}\n{}", answer.body))
    }

    /// The exit code of `worker --probe`, and what it says.
    async fn probed(&self, world: &World, flag: &str) -> (Option<i32>, String) {
        let mut command = world.command("worker", [flag]);
        command.env("CERTFERRY__WORKER__LISTEN", self.address.to_string());
        let output = ended(command.spawn().unwrap()).await;
        let said = [output.stdout, output.stderr].concat();
        (output.status.code(), String::from_utf8(said).unwrap())
    }

    async fn stop(self) {
        signal(&self.worker, Signal::TERM);
        succeeded(ended(self.worker).await);
    }
}

fn sum(series: &Series, begins: &str) -> f64 {
    series.iter().filter(|(key, _)| key.starts_with(begins)).map(|(_, value)| value).sum()
}

#[tokio::test]
async fn a_worker_tells_how_it_is_and_what_it_has_done() {
    let mut world = World::with_cases().await;
    let listening = Listening::start(&mut world).await;
    let ready = listening.until("/readyz", 200).await;
    assert!(ready.body.starts_with("ready"), "{}", ready.body);
    assert_eq!(listening.ask("/livez").await.body, "alive\n");
    assert_eq!(listening.ask("/").await.status, 404);
    assert_eq!(listening.probed(&world, "--probe").await, (Some(0), "alive\n".to_owned()));
    assert_eq!(listening.probed(&world, "--probe=ready").await.0, Some(0));

    let before = listening.metrics().await;
    let zero = [
        "certferry_certificates_total{code=\"\",outcome=\"migrated\"}",
        "certferry_certificates_total{code=\"\",outcome=\"skipped\"}",
        "certferry_certificates_total{code=\"missing_device\",outcome=\"failed\"}",
        "certferry_certificates_total{code=\"deadlock\",outcome=\"retried\"}",
        "certferry_attempts_total",
        "certferry_late_results_total",
        "certferry_rescued_jobs_total",
        "certferry_batch_bytes",
        "certferry_batches_in_flight",
        "certferry_batch_duration_seconds_count",
        "certferry_step_duration_seconds_count{step=\"commit\"}",
        "certferry_pool_renewals_total{database=\"source\"}",
        "certferry_pool_renewals_total{database=\"destination\"}",
    ];
    for series in zero {
        assert_eq!(before.get(series), Some(&0.0), "{series} of {before:#?}");
    }
    for series in ["certferry_database_up{database=\"source\"}", "certferry_database_up{database=\"destination\"}"] {
        assert_eq!(before.get(series), Some(&1.0), "{series}");
    }
    for series in [
        "certferry_lease_age_seconds",
        "certferry_database_latency_seconds{database=\"source\"}",
        "certferry_pool_connections{database=\"destination\",state=\"idle\"}",
        "certferry_pool_connections{database=\"source\",state=\"used\"}",
    ] {
        assert!(before.contains_key(series), "{series} of {before:#?}");
    }
    assert_eq!(sum(&before, "certferry_build_info{"), 1.0);

    world.succeeds("producer", ["enqueue"]).await;
    world.until("SELECT count(*) FROM certferry.certificate_status WHERE state = 'queued'", |queued| queued == 0).await;
    let seek = async || {
        let after = listening.metrics().await;
        let is_done = after["certferry_attempts_total"] >= 2000.0 && after["certferry_batches_in_flight"] == 0.0;
        is_done.then_some(after)
    };
    let after = listening.waiting_for("every certificate to be counted", seek).await;
    assert_eq!(after["certferry_certificates_total{code=\"\",outcome=\"migrated\"}"], 1631.0);
    assert_eq!(after["certferry_certificates_total{code=\"missing_device\",outcome=\"failed\"}"], 46.0);
    let failed: f64 = after.iter().filter(|(key, _)| key.contains("outcome=\"failed\"")).map(|(_, value)| value).sum();
    assert_eq!(failed, 369.0);
    assert!(after["certferry_batch_duration_seconds_count"] >= 4.0);
    for step in ["claim", "read", "plan", "write", "commit"] {
        let count = &format!("certferry_step_duration_seconds_count{{step=\"{step}\"}}");
        assert!(after.get(count).is_some_and(|count| *count >= 4.0), "{step} of {after:#?}");
    }
    listening.stop().await;
}

#[tokio::test]
async fn while_the_destination_is_away_a_worker_lives_and_is_not_ready() {
    let server = Server::start(Settings { tcp: true, ..Settings::default() }).await.unwrap();
    let world = World::with_unprepared_cases_on(server.address(), server.address()).await;
    let mut world = world.prepared(&cases::folder()).await;
    let upstream = (Ipv4Addr::LOCALHOST, server.tcp_port().unwrap()).into();
    let proxy = Proxy::start(upstream, Duration::ZERO).await.unwrap();
    world.set("database.url", &format!("postgres://postgres@{}/{}", proxy.address(), world.destination.name()));
    world.set("database.connect_timeout", "1s");
    let listening = Listening::start(&mut world).await;
    listening.until("/readyz", 200).await;
    proxy.cut();
    let unready = listening.until("/readyz", 503).await;
    assert!(unready.body.contains("not ready: the destination does not answer"), "{}", unready.body);
    assert_eq!(listening.ask("/livez").await.status, 200);
    assert_eq!(listening.probed(&world, "--probe").await.0, Some(0));
    let (code, said) = listening.probed(&world, "--probe=ready").await;
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("the destination does not answer"), "{said}");
    let away = listening.metrics().await;
    assert_eq!(away["certferry_database_up{database=\"destination\"}"], 0.0);
    assert_eq!(away["certferry_database_up{database=\"source\"}"], 1.0);
    listening.until_logged("a database is away").await;
    proxy.restore();
    listening.until("/readyz", 200).await;
    assert!(listening.metrics().await["certferry_pool_renewals_total{database=\"destination\"}"] >= 1.0);
    listening.stop().await;
}

#[tokio::test]
async fn a_second_worker_needs_a_port_of_its_own_and_one_that_is_told_nothing_needs_none() {
    let mut world = World::with_cases().await;
    let listening = Listening::start(&mut world).await;
    listening.until("/readyz", 200).await;
    let mut second = world.command("worker", ["--drain"]);
    second.env("CERTFERRY__WORKER__LISTEN", listening.address.to_string());
    let output = ended(second.spawn().unwrap()).await;
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("could not listen on {} (worker.listen)", listening.address)), "{said}");
    let mut silent = world.command("worker", ["--drain"]);
    silent.env_remove("CERTFERRY__WORKER__LISTEN");
    succeeded(ended(silent.spawn().unwrap()).await);
    let mut probe = world.command("worker", ["--probe"]);
    probe.env_remove("CERTFERRY__WORKER__LISTEN");
    assert_eq!(ended(probe.spawn().unwrap()).await.status.code(), Some(2));
    let address = listening.address;
    listening.stop().await;
    let mut probe = world.command("worker", ["--probe"]);
    probe.env("CERTFERRY__WORKER__LISTEN", address.to_string());
    assert_eq!(ended(probe.spawn().unwrap()).await.status.code(), Some(1), "nobody is there");
}

#[tokio::test]
async fn metrics_can_be_turned_off_and_health_stays() {
    let mut world = World::with_cases().await;
    world.set_variable("OTEL_METRICS_EXPORTER", "none");
    let listening = Listening::start(&mut world).await;
    listening.until("/readyz", 200).await;
    let answer = listening.ask("/metrics").await;
    assert_eq!(answer.status, 404);
    assert!(answer.body.contains("OTEL_METRICS_EXPORTER"), "{}", answer.body);
    listening.stop().await;
}
