//! The reference cases: one data set, with the outcome expected of each of its certificates, in `tests/cases`.

use std::path::{Path, PathBuf};

use crate::load::{DESTINATION_SCHEMA, LEGACY_SCHEMA, Loader, Result};

/// The folder of the cases, which also holds their mapping files.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/cases")
}

/// Where `expected.jsonl` is: a line for each certificate.
#[must_use]
pub fn expected() -> PathBuf {
    folder().join("expected.jsonl")
}

/// Fills the database at `url` with the legacy side of the cases, creating the tables if they are not there.
pub async fn load_source(url: &str) -> Result<()> {
    let mut loader = Loader::connect(url).await?;
    loader.ensure_schema(LEGACY_SCHEMA).await?;
    for table in ["customers", "users", "technicians", "certificates"] {
        loader.copy_csv(table, &folder().join(format!("{table}.csv"))).await?;
    }
    loader.finish().await
}

/// Fills the database at `url` with what the destination holds before the migration, creating the tables if they are
/// not there.
pub async fn load_destination(url: &str) -> Result<()> {
    let mut loader = Loader::connect(url).await?;
    loader.ensure_schema(DESTINATION_SCHEMA).await?;
    let tables = ["users", "customers", "technicians", "devices"];
    for table in tables {
        loader.copy_csv(table, &folder().join(format!("dest_{table}.csv"))).await?;
    }
    loader.continue_identities(&tables).await?;
    loader.finish().await
}
