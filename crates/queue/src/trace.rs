//! Traces: a job carries the context of the page it was pushed with, so that the batch that it becomes part of is linked to
//! that page. Where nothing is traced, jobs carry nothing and no trace is begun.

use std::collections::{BTreeSet, HashMap};
use std::time::{Duration, SystemTime};

use apalis_core::task::metadata::{Metadata, MetadataStore, TracingContext};
use opentelemetry::trace::{
    Link, Span as _, SpanContext, SpanId, SpanKind, TraceContextExt as _, TraceFlags, TraceId, TraceState, Tracer as _,
};
use opentelemetry::{Context, KeyValue, global};

use crate::job::{Batch, QUEUE};

/// Who traces, in OpenTelemetry's words.
const SCOPE: &str = "certferry";

/// The most pages that a batch is linked to.
const MOST_LINKS: usize = 100;

/// A claimed batch: its jobs, when they were claimed, and with which pages they were pushed.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The jobs; never empty.
    pub jobs: Batch,
    /// When the claim began.
    pub asked_at: SystemTime,
    /// How long the claim took.
    pub took: Duration,
    /// Whether a trace is begun at all.
    pub(crate) is_traced: bool,
    /// Where the traces of the pages are.
    pub(crate) origins: Vec<SpanContext>,
}

impl Claimed {
    /// Begins the trace of the batch, of which the claim is the first part. It goes on for as long as the span of the
    /// context is not ended.
    #[must_use]
    pub fn begin_trace(&self, worker: &str) -> Context {
        if !self.is_traced {
            return Context::new();
        }
        let tracer = global::tracer(SCOPE);
        let mut attributes = attributes("process", "process", self.jobs.len());
        attributes.push(KeyValue::new("messaging.client.id", worker.to_owned()));
        let links = self.origins.iter().map(|origin| Link::with_context(origin.clone())).collect();
        let batch = tracer
            .span_builder(format!("process {QUEUE}"))
            .with_kind(SpanKind::Consumer)
            .with_start_time(self.asked_at)
            .with_attributes(attributes)
            .with_links(links)
            .start_with_context(&tracer, &Context::new());
        let context = Context::new().with_span(batch);
        let mut attributes = self::attributes("receive", "claim", self.jobs.len());
        attributes.push(KeyValue::new("db.system.name", "postgresql"));
        let mut claim = tracer
            .span_builder("claim")
            .with_kind(SpanKind::Client)
            .with_start_time(self.asked_at)
            .with_attributes(attributes)
            .start_with_context(&tracer, &context);
        claim.end_with_timestamp(self.asked_at + self.took);
        context
    }
}

/// Begins the span of a page of so many jobs that is pushed; it ends with the context.
pub(crate) fn sending(jobs: usize) -> Context {
    let tracer = global::tracer(SCOPE);
    let span = tracer
        .span_builder(format!("send {QUEUE}"))
        .with_kind(SpanKind::Producer)
        .with_attributes(attributes("send", "push", jobs))
        .start(&tracer);
    Context::current_with_span(span)
}

/// What the conventions for messaging say of a batch of messages.
fn attributes(kind: &'static str, name: &'static str, jobs: usize) -> Vec<KeyValue> {
    vec![
        KeyValue::new("messaging.system", "apalis"),
        KeyValue::new("messaging.destination.name", QUEUE),
        KeyValue::new("messaging.operation.type", kind),
        KeyValue::new("messaging.operation.name", name),
        KeyValue::new("messaging.batch.message_count", i64::try_from(jobs).unwrap_or(i64::MAX)),
    ]
}

/// What a job carries of the trace it is pushed in, as the text of an hstore; none where nothing is traced, or traces are not
/// to be passed on.
pub(crate) fn metadata_of(context: &Context) -> Option<String> {
    if !context.span().span_context().is_sampled() {
        return None;
    }
    let mut carrier = HashMap::new();
    global::get_text_map_propagator(|propagator| propagator.inject_context(context, &mut carrier));
    let mut parts = carrier.get("traceparent")?.split('-').skip(1);
    let tracing = TracingContext::new().with_trace_id(parts.next()?).with_span_id(parts.next()?);
    let tracing = tracing.with_trace_flags(u8::from_str_radix(parts.next()?, 16).ok()?);
    let mut store = MetadataStore::new();
    tracing.inject(&mut store).ok()?;
    Some(hstore_of(&store))
}

/// The traces that jobs carry, each once.
pub(crate) fn origins<'a>(metadata: impl Iterator<Item = &'a str>) -> Vec<SpanContext> {
    // Hundreds of jobs come from a page or two.
    let distinct: BTreeSet<&str> = metadata.collect();
    distinct.into_iter().filter_map(origin).take(MOST_LINKS).collect()
}

fn origin(metadata: &str) -> Option<SpanContext> {
    let carried = TracingContext::extract(&store_of(metadata)).ok()?;
    let trace = TraceId::from_hex(carried.trace_id().as_deref()?).ok()?;
    let span = SpanId::from_hex(carried.span_id().as_deref()?).ok()?;
    let flags = TraceFlags::new(carried.trace_flags().unwrap_or_default());
    let origin = SpanContext::new(trace, span, flags, true, TraceState::default());
    origin.is_valid().then_some(origin)
}

/// Keys and values as hstore reads them: `"key"=>"value", …`.
fn hstore_of(store: &MetadataStore) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let pairs: Vec<String> = store.iter().map(|(key, value)| format!("{}=>{}", quoted(key), quoted(value))).collect();
    pairs.join(", ")
}

/// Keys and values as hstore writes them. What has no value is left out.
fn store_of(text: &str) -> MetadataStore {
    let mut strings = Vec::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => {
                let mut string = String::new();
                while let Some(character) = characters.next().filter(|character| *character != '"') {
                    string.extend(if character == '\\' { characters.next() } else { Some(character) });
                }
                strings.push(Some(string));
            }
            'N' => strings.push(None),
            _ => {}
        }
    }
    let pairs = strings.chunks_exact(2).filter_map(|pair| Some((pair[0].clone()?, pair[1].clone()?)));
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hstore_is_read_as_it_is_written() {
        let store: MetadataStore = [("a \"key\"", "C:\\ 'x'"), ("other", "")].into_iter().collect();
        assert_eq!(store_of(&hstore_of(&store)), store);
        let written = r#""a"=>NULL, "b\"c"=>"d\\e", "f"=>"N""#;
        assert_eq!(store_of(written), [("b\"c", "d\\e"), ("f", "N")].into_iter().collect());
        for damaged in ["", "\"", "\"a", "\"a\"=>", "=>", "\"a\"=>\"b\\"] {
            assert!(store_of(damaged).len() < 2, "{damaged}");
        }
    }

    #[test]
    fn each_page_is_linked_once_and_what_others_wrote_is_left_alone() {
        let page = |span: &str| format!("\"apalis_core.tracing.context\"=>\"{}1;{span};1;-\"", "0".repeat(31));
        let (one, other) = (page("0000000000000001"), page("0000000000000002"));
        let nothing = page("0000000000000000");
        let metadata = [one.as_str(), &other, &one, "\"key\"=>\"value\"", "", &nothing, &one];
        let found: Vec<String> = origins(metadata.into_iter()).iter().map(|page| page.span_id().to_string()).collect();
        assert_eq!(found, ["0000000000000001", "0000000000000002"]);
    }

    #[test]
    fn where_nothing_is_traced_jobs_carry_nothing() {
        assert_eq!(metadata_of(&sending(500)), None);
    }
}
