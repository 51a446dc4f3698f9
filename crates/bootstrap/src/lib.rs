//! What every process needs first: configuration, telemetry, shutdown, progress, error rendering and exit codes.
//!
//! A binary flattens [`ConfigArgs`] into its command line, loads a [`Config`], starts [`telemetry`], listens for
//! [`Shutdown`] and hands its `async fn` to [`exit::run`]. Nothing here knows a database, a queue or a certificate
//! beyond the policy that the configuration spells out.

mod args;
pub mod config;
mod database_url;
mod documentation;
pub mod exit;
mod filter_args;
mod hiding;
mod ids_file;
pub mod output;
mod output_file;
pub mod progress;
mod shutdown;
pub mod telemetry;
pub mod version;
pub mod visible;

pub use args::{ConfigArgs, Flags};
pub use config::{Config, ConfigError};
pub use database_url::DatabaseUrl;
pub use documentation::Documentation;
pub use exit::{Hint, HintFrom};
pub use filter_args::FilterArgs;
pub use hiding::hide_passwords;
pub use ids_file::{read_ids, shown};
pub use output_file::OutputFile;
pub use progress::Progress;
pub use shutdown::Shutdown;
