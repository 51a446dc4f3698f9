//! The destination's database: whether it is what a migration needs.

use certferry_bootstrap::{Config, HintFrom};
use certferry_certificate::OnMissing;
use certferry_store::Database;
use serde::Serialize;

use super::security::Security;
use super::{Checked, Problem};
use crate::connections;

/// The destination's database.
#[derive(Debug, Serialize)]
pub(super) struct Destination {
    pub(super) version: String,
    pub(super) schema: String,
    pub(super) security: Security,
    /// Whether `producer setup` has been run.
    pub(super) set_up: bool,
    /// What keeps numbers and trade licences from being written twice.
    pub(super) uniqueness: Vec<String>,
}

/// Looks at it; what must be mended goes to `checked`.
pub(super) async fn look(config: &Config, checked: &mut Checked) -> anyhow::Result<Destination> {
    let hint = certferry_store::Error::hint;
    let database = connections::database(config).await?;
    let version = database.version().await.hint_from(hint)?;
    let security = database.security().await.hint_from(hint)?.into();
    let schema = config.destination.schema.clone();
    let missing = certferry_store::missing_from_destination(&database).await.hint_from(hint)?;
    checked.problems.extend(missing.iter().map(|what| Problem {
        what: format!("the destination (schema {schema}) lacks {what}"),
        hint: Some(
            "add it, or name the right schema in destination.schema; `producer setup --reference-destination` creates all"
                .to_owned(),
        ),
        hinders_planning: true,
    }));
    let mut uniqueness = Vec::new();
    if missing.is_empty() {
        match certferry_store::destination_tables(&database).await.hint_from(hint) {
            Ok(_) => {
                let found = certferry_store::uniqueness(&database).await.hint_from(hint)?;
                uniqueness = found.to_string().lines().map(str::to_owned).collect();
                tables(config, &database, checked).await?;
            }
            Err(error) => checked.add(&error),
        }
    }
    let (mut set_up, mut is_missing) = (true, false);
    if let Err(error) = certferry_store::ensure_ready(&database).await {
        (set_up, is_missing) = (false, error.is_missing_schema());
        if !is_missing {
            // A right that is missing, say.
            checked.add(&Err::<(), _>(error).hint_from(hint).expect_err("it is an error"));
        }
    } else if let Err(error) = connections::queue(config).await?.is_outstanding().await {
        (set_up, is_missing) = (false, error.is_missing_schema());
        if !is_missing {
            checked.add(&Err::<(), _>(error).hint_from(certferry_queue::Error::hint).expect_err("it is an error"));
        }
    }
    if is_missing {
        checked.notes.push(
            "the queue and the schema certferry are not there yet; run `producer setup`, without which no certificate can \
             be planned"
                .to_owned(),
        );
        let extensions = certferry_store::missing_extensions(&database).await.hint_from(hint)?;
        if !extensions.is_empty() {
            checked.problem(
                format!("the destination's server does not have the extension {}", extensions.join(" nor ")),
                "install PostgreSQL's contrib modules there (Debian: postgresql-contrib), or have them installed",
            );
        }
    }
    database.close().await;
    Ok(Destination { version, schema, security, set_up, uniqueness })
}

/// Whether its tables may be read and written as a migration does, and are found quickly.
async fn tables(config: &Config, database: &Database, checked: &mut Checked) -> anyhow::Result<()> {
    let hint = certferry_store::Error::hint;
    let policy = config.policy();
    let creates = |on_missing| on_missing == OnMissing::Create;
    let rights = certferry_store::missing_rights(database, creates(policy.customers), creates(policy.technicians));
    for right in rights.await.hint_from(hint)? {
        let certferry_store::MissingRight { object, name, privilege } = right;
        let schema = if object == "schema" { "SCHEMA " } else { "" };
        let sequence = if object == "sequence" { "SEQUENCE " } else { "" };
        checked.problem(
            format!("the role lacks {privilege} on the {object} {name} of the destination"),
            format!("GRANT {privilege} ON {schema}{sequence}{name} to the role of database.url"),
        );
    }
    if !certferry_store::is_ecu_number_indexed(database).await.hint_from(hint)? {
        checked.notes.push(
            "no index on devices (ecu_number): each batch reads all devices, which takes long where there are many"
                .to_owned(),
        );
    }
    Ok(())
}
