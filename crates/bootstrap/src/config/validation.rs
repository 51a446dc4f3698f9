//! What the types cannot say: ranges, schemes, words under two statuses.

use std::collections::HashMap;
use std::fmt::Display;
use std::ops::RangeInclusive;
use std::time::Duration;

use figment::Figment;
use humantime_serde::re::humantime::format_duration;

use super::{ByteSize, Config, ConfigError};
use crate::DatabaseUrl;

const DAY: Duration = Duration::from_hours(24);
const INSTANT: Duration = Duration::from_millis(1);
/// Schemas of ours, where a destination would be mixed up with the queue or the status table.
const RESERVED_SCHEMAS: [&str; 2] = ["apalis", "certferry"];

/// Finds all mistakes, not just the first.
pub(super) fn check(
    config: &Config,
    figment: &Figment,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<(), ConfigError> {
    let mut mistakes = Mistakes { figment, environment, found: Vec::new() };
    mistakes.url("database.url", config.database.url.as_ref(), &["postgres", "postgresql"]);
    let sources = ["postgres", "postgresql", "mysql", "mariadb", "sqlite"];
    mistakes.url("source.url", config.source.url.as_ref(), &sources);

    mistakes.range("database.max_connections", &config.database.max_connections, &(1..=1000));
    mistakes.range("source.max_connections", &config.source.max_connections, &(1..=1000));
    mistakes.range("source.page_size", &config.source.page_size, &(1..=100_000));
    mistakes.range("source.max_rows_per_second", &config.source.max_rows_per_second, &(0..=10_000_000));
    let worker = &config.worker;
    mistakes.range("worker.concurrency", &worker.concurrency, &(1..=64));
    mistakes.range("worker.batch_size", &worker.batch_size, &(1..=10_000));
    mistakes.range("worker.max_attempts", &worker.max_attempts, &(1..=100));
    mistakes.range("worker.max_crashes", &worker.max_crashes, &(1..=100));

    mistakes.range("worker.max_memory", &worker.max_memory, &(ByteSize::mebibytes(16)..=ByteSize::mebibytes(1 << 20)));

    mistakes.range("breaker.failure_rate", &config.breaker.failure_rate, &(0.0..=1.0));
    mistakes.range("breaker.window", &config.breaker.window, &(1..=100_000));
    mistakes.range("breaker.consecutive", &config.breaker.consecutive, &(1..=100_000));

    for (key, duration) in [
        ("database.connect_timeout", config.database.connect_timeout),
        ("database.statement_timeout", config.database.statement_timeout),
        ("source.connect_timeout", config.source.connect_timeout),
        ("source.statement_timeout", config.source.statement_timeout),
        ("worker.backoff_base", worker.backoff_base),
        ("worker.backoff_max", worker.backoff_max),
        ("worker.orphan_after", worker.orphan_after),
        ("worker.shutdown_grace", worker.shutdown_grace),
        ("worker.poll_interval", worker.poll_interval),
        ("worker.batch_timeout", worker.batch_timeout),
        ("worker.lock_patience", worker.lock_patience),
    ] {
        mistakes.duration(key, duration);
    }
    if worker.backoff_max < worker.backoff_base {
        mistakes.add("worker.backoff_max", "is shorter than worker.backoff_base; accepted is at least as long");
    }
    check_schema(&config.destination.schema, &mut mistakes);
    check_statuses(config, &mut mistakes);
    if config.vehicle.brands.iter().any(|brand| brand.trim().is_empty()) {
        mistakes.add("vehicle.brands", "has an empty name; remove it");
    }
    if config.report.output.as_os_str().is_empty() {
        mistakes.add("report.output", "is empty; accepted is the path of a file");
    }
    mistakes.into_result()
}

fn check_schema(schema: &str, mistakes: &mut Mistakes<'_>) {
    let key = "destination.schema";
    if schema.trim().is_empty() || schema.len() > 63 || schema.contains('\0') {
        mistakes.add(key, "is not the name of a schema; accepted are 1 to 63 bytes");
    } else if RESERVED_SCHEMAS.contains(&schema) || schema.starts_with("pg_") {
        mistakes.add(key, format!("is `{schema}`, which cannot hold the destination; name the schema of its tables"));
    }
}

fn check_statuses(config: &Config, mistakes: &mut Mistakes<'_>) {
    let mut seen = HashMap::new();
    for (status, words) in config.status.lists() {
        let key = format!("status.{}", status.as_str());
        for word in words {
            let word = word.trim().to_ascii_lowercase();
            if word.is_empty() {
                mistakes.add(&key, "has an empty word; remove it");
                continue;
            }
            match seen.insert(word.clone(), status) {
                Some(other) if other != status => {
                    let other = other.as_str();
                    mistakes
                        .add(&key, format!("has `{word}`, which stands under status.{other} too; keep one of them"));
                }
                _ => {}
            }
        }
    }
}

struct Mistakes<'a> {
    figment: &'a Figment,
    environment: &'a dyn Fn(&str) -> Option<String>,
    found: Vec<String>,
}

impl Mistakes<'_> {
    fn add(&mut self, key: &str, what: impl Display) {
        let origin = self.figment.find_metadata(key).map(|metadata| format!(" (from {})", metadata.name));
        self.found.push(format!("{key}{} {what}", origin.unwrap_or_default()));
    }

    fn range<T: PartialOrd + Display>(&mut self, key: &str, value: &T, accepted: &RangeInclusive<T>) {
        if !accepted.contains(value) {
            self.add(key, format!("is {value}; accepted is {} to {}", accepted.start(), accepted.end()));
        }
    }

    fn duration(&mut self, key: &str, value: Duration) {
        if !(INSTANT..=DAY).contains(&value) {
            self.add(key, format!("is {}; accepted is 1ms to 24h", format_duration(value)));
        }
    }

    fn url(&mut self, key: &str, url: Option<&DatabaseUrl>, schemes: &[&str]) {
        let Some(url) = url else { return };
        let accepted = schemes.join(", ");
        if !schemes.contains(&url.scheme()) {
            self.add(key, format!("is `{url}`; accepted is a URL with one of the schemes {accepted}"));
            return;
        }
        for mistake in url.mistakes(self.environment) {
            self.add(key, mistake);
        }
    }

    fn into_result(self) -> Result<(), ConfigError> {
        if self.found.is_empty() { Ok(()) } else { Err(ConfigError::several(&self.found)) }
    }
}
