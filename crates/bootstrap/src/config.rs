//! The configuration that the three binaries share. `config/default.toml` explains every key and holds every default.

mod byte_size;
mod error;
mod layer;
mod listen_address;
mod sections;
mod validation;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use certferry_certificate::{Policy, Status};
use figment::Figment;
use serde::{Deserialize, Serialize};

pub use self::byte_size::ByteSize;
pub use self::error::ConfigError;
pub(crate) use self::layer::Layer;
pub use self::listen_address::ListenAddress;
pub use self::sections::{
    BreakerConfig, CustomersConfig, DatabaseConfig, DatesConfig, DestinationConfig, LogConfig, LogFormat, LogLevel,
    ReportConfig, SourceConfig, StatusConfig, TechniciansConfig, VehicleConfig, VerifyConfig, WorkerConfig,
};
use crate::DatabaseUrl;

/// The embedded defaults, as documented for people: `config/default.toml`.
pub const DEFAULTS: &str = include_str!("../../../config/default.toml");

/// The file that is read when none is named and it is in the working directory.
const FILE_IN_WORKING_DIRECTORY: &str = "certferry.toml";

/// The values in effect: defaults, under the file, under the environment, under the command line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The destination's, queue's and status table's database.
    pub database: DatabaseConfig,
    /// The legacy database.
    pub source: SourceConfig,
    /// Where in the database the destination is.
    pub destination: DestinationConfig,
    /// Customers without a mapping.
    pub customers: CustomersConfig,
    /// Technicians without a mapping.
    pub technicians: TechniciansConfig,
    /// Legacy dates.
    pub dates: DatesConfig,
    /// Legacy status words.
    pub status: StatusConfig,
    /// Vehicle types.
    pub vehicle: VehicleConfig,
    /// How workers run.
    pub worker: WorkerConfig,
    /// When workers pause the run.
    pub breaker: BreakerConfig,
    /// The report.
    pub report: ReportConfig,
    /// Verification.
    pub verify: VerifyConfig,
    /// What is logged and how.
    pub log: LogConfig,
}

impl Config {
    /// Reads the configuration of this process: the file named, else `CERTFERRY_CONFIG`, else `certferry.toml` when it
    /// is in the working directory, over the defaults, under the environment, under the layers of the command line.
    pub(crate) fn load(file: Option<&Path>, flags: impl IntoIterator<Item = Layer>) -> Result<Self, ConfigError> {
        let environment = std::env::vars_os().collect::<Vec<_>>();
        let named = file.map(Path::to_path_buf).or_else(|| {
            let (_, value) = environment.iter().find(|(name, _)| name == "CERTFERRY_CONFIG")?;
            (!value.is_empty()).then(|| PathBuf::from(value))
        });
        let default_file = Path::new(FILE_IN_WORKING_DIRECTORY);
        let file = named.or_else(|| default_file.exists().then(|| default_file.to_path_buf()));
        Self::from_parts(file.as_deref(), environment, flags)
    }

    /// Reads the configuration from a file and an environment given as values; neither the process's environment nor
    /// its working directory is looked at.
    pub fn from_file_and_environment(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Self, ConfigError> {
        Self::from_parts(file, environment, [])
    }

    fn from_parts(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        flags: impl IntoIterator<Item = Layer>,
    ) -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Layer::from_toml("the embedded defaults", DEFAULTS)?);
        if let Some(path) = file {
            figment = figment.merge(Layer::from_file(path)?);
        }
        let environment: Vec<_> = environment.into_iter().collect();
        let variable = |name: &str| {
            let (_, value) = environment.iter().find(|(variable, value)| variable == name && !value.is_empty())?;
            Some(value.to_string_lossy().into_owned())
        };
        for layer in layer::from_environment(environment.iter().cloned())?.into_iter().chain(flags) {
            figment = figment.merge(layer);
        }
        let config: Self = figment.extract().map_err(|error| ConfigError::from_figment(&error, &figment))?;
        validation::check(&config, &figment, &variable)?;
        Ok(config)
    }

    /// The configurable part of the certificate rules.
    #[must_use]
    pub fn policy(&self) -> Policy {
        let words = |words: &[String], status: Status| words.iter().map(move |word| (word.clone(), status)).collect();
        Policy {
            timezone: self.dates.timezone,
            statuses: self
                .status
                .lists()
                .into_iter()
                .flat_map(|(status, list)| -> Vec<_> { words(list, status) })
                .collect(),
            brands: self.vehicle.brands.clone(),
            customers: self.customers.on_missing,
            technicians: self.technicians.on_missing,
        }
    }

    /// Where the destination, the queue and the status table are; an error when `database.url` is not set.
    pub fn database_url(&self) -> Result<&DatabaseUrl, ConfigError> {
        self.database.url.as_ref().ok_or_else(|| ConfigError::missing_url("database.url", "DATABASE_URL"))
    }

    /// Where the legacy database is; an error when `source.url` is not set.
    pub fn source_url(&self) -> Result<&DatabaseUrl, ConfigError> {
        self.source.url.as_ref().ok_or_else(|| ConfigError::missing_url("source.url", "SOURCE_URL"))
    }

    /// The values in effect as a configuration file, passwords hidden: what `--check-config` prints.
    #[must_use]
    #[expect(clippy::missing_panics_doc, reason = "it cannot")]
    pub fn to_toml(&self) -> String {
        toml::to_string_pretty(self).expect("a configuration has only tables of plain values, which TOML can write")
    }
}

#[cfg(test)]
mod tests;
