//! What is seen from outside: traces, metrics and health of real processes.

pub(crate) mod collector;
mod exposition;
mod health;
mod traces;
mod version;

use crate::world::{World, ended};

/// Nothing of the environment but what the test says: a port of this machine that a worker says it listens on.
pub(crate) fn address_in(log: &str) -> Option<String> {
    let line = log.lines().find(|line| line.contains("answering /livez"))?;
    let after = line.split("address=").nth(1)?;
    Some(after.split_whitespace().next()?.to_owned())
}

#[tokio::test]
async fn a_protocol_that_is_not_spoken_is_refused_with_a_sentence() {
    let mut world = World::empty().await;
    world.set_variable("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:4318");
    world.set_variable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
    for (binary, arguments) in [("worker", &["--drain"][..]), ("producer", &["enqueue"])] {
        let output = ended(world.start(binary, arguments)).await;
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains("OTEL_EXPORTER_OTLP_PROTOCOL is `http/protobuf`"), "{said}");
        assert!(said.contains("hint:") && said.contains("4317"), "{said}");
    }
}
