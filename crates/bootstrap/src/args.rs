use std::path::PathBuf;

use serde::Serialize;

use crate::config::Layer;
use crate::{Config, ConfigError, output};

/// The flags of every binary about configuration: `#[command(flatten)]` it.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Configuration")]
pub struct ConfigArgs {
    /// The configuration file; else what `CERTFERRY_CONFIG` names, else certferry.toml in the working directory when it is there.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Print the values in effect, passwords hidden, and do nothing else.
    #[arg(long, global = true)]
    pub check_config: bool,
}

impl ConfigArgs {
    /// Loads the configuration, `flags` on top of it. With `--check-config` prints it instead and returns none: the
    /// process has nothing more to do.
    pub fn load(&self, flags: Flags) -> anyhow::Result<Option<Config>> {
        let config = Config::load(self.config.as_deref(), flags.layers()?)?;
        if !self.check_config {
            return Ok(Some(config));
        }
        output::line(config.to_toml().trim_end())?;
        Ok(None)
    }
}

/// Flags of a command that stand for a key of the configuration, so that they go by the same rules as the key and
/// `--check-config` shows them.
#[derive(Debug, Default)]
pub struct Flags(Vec<Result<Layer, ConfigError>>);

impl Flags {
    /// No flags.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `Flags::new().set("--concurrency", "worker.concurrency", cli.concurrency)`; none leaves the key as it is.
    #[must_use]
    pub fn set(mut self, flag: &str, key: &str, value: Option<impl Serialize>) -> Self {
        self.0.extend(value.map(|value| Layer::single(flag.to_owned(), key, value)));
        self
    }

    fn layers(self) -> Result<Vec<Layer>, ConfigError> {
        self.0.into_iter().collect()
    }
}
