use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};

use super::collector::{Collector, attribute};
use crate::logs::{leaked, texts_about_people};
use crate::world::{World, ended, succeeded};

const SEND: &str = "send certferry.certificate.v1";
const PROCESS: &str = "process certferry.certificate.v1";
const STEPS: [&str; 5] = ["claim", "read", "plan", "write", "commit"];

/// The cases, whose processes send to a collector.
async fn observed() -> (World, Collector) {
    let (collector, address) = Collector::start().await;
    let mut world = World::with_cases().await;
    world.set_variable("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{address}"));
    (world, collector)
}

fn named<'a>(spans: &'a [Span], name: &str) -> Vec<&'a Span> {
    spans.iter().filter(|span| span.name == name).collect()
}

#[tokio::test]
async fn a_batch_is_a_trace_that_is_linked_to_the_pages_its_jobs_came_from() {
    let (mut world, collector) = observed().await;
    world.set("source.page_size", "500");
    world.set("worker.batch_size", "300");
    world.succeeds("producer", ["enqueue"]).await;
    let pages: BTreeSet<Vec<u8>> = named(&collector.spans(), SEND).iter().map(|span| span.span_id.clone()).collect();
    assert_eq!(pages.len(), 4, "a page of 500 of 2000 certificates each");
    let carried = "SELECT count(*) FROM apalis.jobs WHERE metadata ? 'apalis_core.tracing.context'";
    assert_eq!(world.number(carried).await, 2000);
    world.drain(2).await;

    let spans = collector.spans();
    let batches = named(&spans, PROCESS);
    assert!(batches.len() >= 7, "{}", batches.len());
    let mut linked = BTreeSet::new();
    let mut jobs = 0;
    for batch in &batches {
        assert!(batch.parent_span_id.is_empty(), "it is the root of its trace");
        assert_eq!(batch.kind, i32::from(SpanKind::Consumer));
        assert_eq!(attribute(batch, "messaging.system").as_deref(), Some("apalis"));
        assert_eq!(attribute(batch, "messaging.operation.type").as_deref(), Some("process"));
        jobs += attribute(batch, "messaging.batch.message_count").unwrap().parse::<usize>().unwrap();
        assert!(!batch.links.is_empty() && batch.links.len() <= 4, "{} links", batch.links.len());
        linked.extend(batch.links.iter().map(|link| link.span_id.clone()));
        let children: Vec<&Span> =
            spans.iter().filter(|span| span.trace_id == batch.trace_id && *span != *batch).collect();
        for child in &children {
            assert_eq!(child.parent_span_id, batch.span_id, "{}", child.name);
            let is_within = child.start_time_unix_nano >= batch.start_time_unix_nano
                && child.end_time_unix_nano <= batch.end_time_unix_nano;
            assert!(is_within, "{} is a part of its batch", child.name);
        }
        let names: BTreeSet<&str> = children.iter().map(|child| child.name.as_str()).collect();
        assert_eq!(names, BTreeSet::from(STEPS), "no certificate has a span");
    }
    assert_eq!(jobs, 2000);
    assert_eq!(linked, pages);
    for (step, key, value) in [
        ("claim", "messaging.operation.type", "receive"),
        ("read", "db.system.name", "postgresql"),
        ("write", "db.operation.name", "INSERT"),
        ("commit", "db.operation.name", "COMMIT"),
    ] {
        assert!(named(&spans, step).iter().all(|span| attribute(span, key).as_deref() == Some(value)), "{step}");
    }

    let outcomes = collector.numbers("certferry.certificates");
    let total = |outcome: &str| -> i64 {
        outcomes.iter().filter(|(series, _)| series.contains(&format!("outcome={outcome}"))).map(|(_, n)| n).sum()
    };
    assert!(total("migrated") > 0 && total("migrated") <= 1631, "of the worker that spoke last: {outcomes:?}");
    assert!(total("failed") > 0 && total("failed") <= 369, "{outcomes:?}");
    assert!(
        outcomes.contains_key("code=deadlock,outcome=retried")
            || outcomes.contains_key("outcome=retried,code=deadlock")
    );
}

#[tokio::test]
async fn nothing_about_people_is_in_traces_metrics_or_logs_whatever_a_database_says() {
    let (mut world, collector) = observed().await;
    world.execute(crate::logs::REFUSALS).await;
    for (key, value) in [
        ("worker.max_attempts", "2"),
        ("worker.backoff_base", "1ms"),
        ("breaker.failure_rate", "1"),
        ("worker.listen", "127.0.0.1:0"),
    ] {
        world.set(key, value);
    }
    let texts = texts_about_people(&world).await;
    let log = crate::logs::migrate(&world).await;
    let sent = collector.text();
    assert!(sent.contains(PROCESS) && sent.contains("certferry.certificates"), "something is sent");
    assert_eq!(leaked(&texts, &sent), Vec::<&String>::new());
    assert_eq!(leaked(&texts, &log), Vec::<&String>::new());
    for word in ["SELECT ", "INSERT INTO", "RAISE"] {
        assert!(!sent.contains(word), "no SQL: {word}");
    }
}

#[tokio::test]
async fn a_step_that_a_database_refuses_has_its_code_and_no_text() {
    let (mut world, collector) = observed().await;
    world.set("worker.max_attempts", "1");
    world.set("breaker.failure_rate", "1");
    world
        .execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'not % at all', NEW.certificate_number USING ERRCODE = '23514'; END $$;
             CREATE TRIGGER refuse BEFORE INSERT ON certificates FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    world.succeeds("producer", ["enqueue", "--limit", "50"]).await;
    world.drain(1).await;
    let spans = collector.spans();
    let is_error =
        |span: &&&Span| span.status.as_ref().is_some_and(|status| status.code == i32::from(StatusCode::Error));
    let writes = named(&spans, "write");
    let refused: Vec<&&Span> = writes.iter().filter(is_error).collect();
    assert!(!refused.is_empty(), "{writes:?}");
    for span in refused {
        assert_eq!(attribute(span, "error.type").as_deref(), Some("check_violation"));
        assert_eq!(span.status.as_ref().unwrap().message, "");
    }
    assert!(!collector.text().contains("at all"));
}

#[tokio::test]
async fn what_is_no_batch_is_no_trace() {
    let (world, collector) = observed().await;
    world.succeeds("producer", ["check", "--sample", "100"]).await;
    world.succeeds("producer", ["show", "1"]).await;
    world.succeeds("worker", ["one-by-one", "--id", "1"]).await;
    assert_eq!(collector.spans(), Vec::new());
}

#[tokio::test]
async fn lines_of_the_json_log_name_the_trace_of_their_batch() {
    let (mut world, collector) = observed().await;
    world.set("log.format", "json");
    world.set("log.level", "debug");
    world.succeeds("producer", ["enqueue", "--limit", "100"]).await;
    let log = String::from_utf8(ended(world.start("worker", ["--drain"])).await.stderr).unwrap();
    let batches: BTreeSet<String> = named(&collector.spans(), PROCESS)
        .iter()
        .map(|span| format!("{:032x}", u128::from_be_bytes(span.trace_id[..].try_into().unwrap())))
        .collect();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let named: BTreeSet<String> =
        lines.iter().filter_map(|line| line["trace_id"].as_str()).map(str::to_owned).collect();
    assert_eq!(named, batches, "{log}");
    assert!(lines.iter().any(|line| line["trace_id"].is_null()), "what is no batch's has no trace");
    assert!(lines.iter().all(|line| line["spans"].is_null()), "spans are for traces");
}

#[tokio::test]
async fn jobs_carry_nothing_where_nothing_is_traced() {
    let (mut world, collector) = observed().await;
    for (page, (name, value)) in
        [("OTEL_SDK_DISABLED", "true"), ("OTEL_TRACES_EXPORTER", "none"), ("OTEL_PROPAGATORS", "none")]
            .into_iter()
            .enumerate()
    {
        world.set_variable(name, value);
        world.succeeds("producer", ["enqueue", "--limit", "10"]).await;
        let (carrying, jobs) = ("SELECT count(metadata) FROM apalis.jobs", "SELECT count(*) FROM apalis.jobs");
        assert_eq!(world.number(carrying).await, 0, "{name}");
        assert_eq!(usize::try_from(world.number(jobs).await).unwrap(), 10 * (page + 1));
        // Where contexts are not passed on, traces are made all the same.
        assert_eq!(named(&collector.spans(), SEND).len(), usize::from(name == "OTEL_PROPAGATORS"), "{name}");
        world.set_variable(name, "");
    }
    world.drain(1).await;
    let unlinked = named(&collector.spans(), PROCESS).iter().all(|batch| batch.links.is_empty());
    assert!(unlinked && !named(&collector.spans(), PROCESS).is_empty());
}

/// How long a worker takes to end after it has said what it did, and what it logged.
async fn end_of_a_drain(world: &World) -> (Duration, String) {
    let mut worker = world.start("worker", ["--drain"]);
    let mut lines = BufReader::new(worker.stdout.take().unwrap()).lines();
    let tally = lines.next_line().await.unwrap().unwrap();
    assert!(tally.starts_with("migrated "), "{tally}");
    let said = Instant::now();
    let output = ended(worker).await;
    let took = said.elapsed();
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    succeeded(output);
    (took, log)
}

#[tokio::test]
async fn a_collector_that_is_away_or_hangs_costs_a_second_at_the_end_and_one_line_of_the_log() {
    // One port where nobody listens any more, one whose connections nobody ever takes up.
    let closed = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap();
    let hanging = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut logs = BTreeMap::new();
    for (what, address) in [("closed", closed), ("hanging", hanging.local_addr().unwrap())] {
        let mut world = World::with_cases().await;
        world.set_variable("OTEL_EXPORTER_OTLP_ENDPOINT", &format!("http://{address}"));
        world.set_variable("OTEL_BSP_SCHEDULE_DELAY", "50");
        world.set_variable("OTEL_METRIC_EXPORT_INTERVAL", "50");
        world.succeeds("producer", ["enqueue"]).await;
        let (took, log) = end_of_a_drain(&world).await;
        assert!(took < Duration::from_millis(1500), "{what}: {took:?}");
        assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status WHERE state = 'queued'").await, 0);
        for carrier in ["tonic", "h2::", "hyper", "opentelemetry", "BatchSpanProcessor"] {
            assert!(!log.contains(carrier), "{what}: {log}");
        }
        let told = log.lines().filter(|line| line.contains("the collector does not take")).count();
        assert!(told <= 2, "once for traces, once for metrics: {log}");
        logs.insert(what, (told, log));
    }
    assert!(logs["closed"].0 > 0, "{:?}", logs["closed"].1);
    drop(hanging);
}
