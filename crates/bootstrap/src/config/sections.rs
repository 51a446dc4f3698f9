use std::path::PathBuf;
use std::time::Duration;

use certferry_certificate::{OnMissing, Status};
use chrono_tz::Tz;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{ByteSize, ListenAddress};
use crate::{DatabaseUrl, hide_passwords};

/// `[database]`: the PostgreSQL database of the destination, the queue and the status table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseConfig {
    /// Where it is; see [`super::Config::database_url`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<DatabaseUrl>,
    /// Connections a process opens at most.
    pub max_connections: u32,
    /// How long to wait for a connection.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long one statement may run.
    #[serde(with = "humantime_serde")]
    pub statement_timeout: Duration,
}

/// How long a statement over whole tables may run.
const ADMINISTRATIVE: Duration = Duration::from_hours(1);

impl DatabaseConfig {
    /// How long a statement may run that counts, analyzes or changes whole tables: whatever is no work on a batch.
    #[must_use]
    pub fn administrative_timeout(&self) -> Duration {
        self.statement_timeout.max(ADMINISTRATIVE)
    }
}

/// `[source]`: the legacy database.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Where it is; see [`super::Config::source_url`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<DatabaseUrl>,
    /// Connections a process opens at most.
    pub max_connections: u32,
    /// How long to wait for a connection.
    #[serde(with = "humantime_serde")]
    pub connect_timeout: Duration,
    /// How long one statement may run.
    #[serde(with = "humantime_serde")]
    pub statement_timeout: Duration,
    /// Certificate ids a page.
    pub page_size: u32,
    /// How many rows a process reads in a second at most; 0 is as many as there are.
    pub max_rows_per_second: u32,
    /// The query for certificates; without it, the one for the reference schema.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "without_passwords")]
    pub certificates: Option<String>,
    /// The query for customers; without it, the one for the reference schema.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "without_passwords")]
    pub customers: Option<String>,
    /// The query for technicians; without it, the one for the reference schema.
    #[serde(default, skip_serializing_if = "Option::is_none", serialize_with = "without_passwords")]
    pub technicians: Option<String>,
}

/// A source query is the user's own SQL, and may hold the password of another database.
#[expect(clippy::ref_option, reason = "serde hands over a reference to the field")]
fn without_passwords<S: Serializer>(query: &Option<String>, serializer: S) -> Result<S::Ok, S::Error> {
    query.as_deref().map(hide_passwords).serialize(serializer)
}

/// `[destination]`: where in the database the destination is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestinationConfig {
    /// The schema of its tables.
    pub schema: String,
}

/// `[customers]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomersConfig {
    /// What to do with a customer that has no mapping.
    pub on_missing: OnMissing,
}

/// `[technicians]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TechniciansConfig {
    /// What to do with a technician that has no mapping.
    pub on_missing: OnMissing,
}

/// `[dates]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatesConfig {
    /// The zone of legacy wall-clock times, and of times shown to people.
    #[serde(deserialize_with = "timezone")]
    pub timezone: Tz,
}

fn timezone<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Tz, D::Error> {
    let name = String::deserialize(deserializer)?;
    name.trim().parse().map_err(|_| {
        serde::de::Error::custom(format!("`{name}` is not a time zone; accepted is an IANA name such as `Asia/Dubai`"))
    })
}

/// `[status]`: the legacy words of each status.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "the fields are the destination's own words")]
pub struct StatusConfig {
    pub active: Vec<String>,
    pub renewed: Vec<String>,
    pub nullified: Vec<String>,
    pub cancelled: Vec<String>,
    pub blocked: Vec<String>,
}

impl StatusConfig {
    /// Each status with its words.
    #[must_use]
    pub fn lists(&self) -> [(Status, &[String]); 5] {
        [
            (Status::Active, &self.active),
            (Status::Renewed, &self.renewed),
            (Status::Nullified, &self.nullified),
            (Status::Cancelled, &self.cancelled),
            (Status::Blocked, &self.blocked),
        ]
    }
}

/// `[vehicle]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VehicleConfig {
    /// Makes of more than one word.
    pub brands: Vec<String>,
}

/// `[verify]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyConfig {
    /// Columns that users of the destination may change.
    pub editable: Vec<String>,
}

/// `[worker]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkerConfig {
    /// Batches in flight at once.
    pub concurrency: usize,
    /// Certificates a batch.
    pub batch_size: usize,
    /// How often a certificate is tried before a transient error fails it.
    pub max_attempts: u32,
    /// The wait before the second attempt.
    #[serde(with = "humantime_serde")]
    pub backoff_base: Duration,
    /// The longest wait between attempts.
    #[serde(with = "humantime_serde")]
    pub backoff_max: Duration,
    /// How many workers may die with a certificate before it is given up.
    pub max_crashes: u32,
    /// A worker not heard of for this long counts as dead.
    #[serde(with = "humantime_serde")]
    pub orphan_after: Duration,
    /// How long finishing claimed work may take after the first signal.
    #[serde(with = "humantime_serde")]
    pub shutdown_grace: Duration,
    /// How often an idle worker looks for jobs.
    #[serde(with = "humantime_serde")]
    pub poll_interval: Duration,
    /// How long one batch may take.
    #[serde(with = "humantime_serde")]
    pub batch_timeout: Duration,
    /// How long a certificate may wait for a lock that others hold before that counts as attempts.
    #[serde(with = "humantime_serde")]
    pub lock_patience: Duration,
    /// What the batches in flight may take of memory, all together.
    pub max_memory: ByteSize,
    /// Where a worker answers how it is; without it, nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listen: Option<ListenAddress>,
}

/// `[breaker]`: when the workers pause the run themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BreakerConfig {
    /// The share of the last certificates that may fail for one code, from 0 to 1.
    pub failure_rate: f64,
    /// How many of the last certificates are looked at.
    pub window: u32,
    /// How many batches in a row may not meet errors of infrastructure.
    pub consecutive: u32,
}

/// `[report]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportConfig {
    /// Where the report goes when the command line does not say.
    pub output: PathBuf,
}

/// `[log]`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogConfig {
    /// The least important level that is written.
    pub level: LogLevel,
    /// For people or for machines.
    pub format: LogFormat,
}

/// `log.level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the usual levels")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// `log.format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// Lines for people.
    Text,
    /// One JSON document a line.
    Json,
}
