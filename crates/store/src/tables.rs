//! Which relations the contract's names mean: those of the destination's schema, and no others.

use crate::{Database, Error};

/// The tables of the contract.
const TABLES: [&str; 6] = ["users", "customers", "technicians", "devices", "certificates", "vehicles"];

/// A table or view of the contract, or its type of a certificate's status, as the destination's catalog has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationTable {
    /// The contract's name.
    pub name: String,
    /// The catalog's id: another one means that it was dropped and made again, or is in another schema.
    pub oid: u32,
}

/// A name of the contract means nothing in the destination's schema, or something of another one.
#[derive(Debug, thiserror::Error)]
#[error("schema {schema} {}", .wrong.join("; it "))]
pub(crate) struct WrongSchema {
    schema: String,
    wrong: Vec<String>,
}

impl WrongSchema {
    /// What was found while a worker ran.
    pub(crate) fn since(schema: &str, lost: &[String]) -> Self {
        let wrong = lost.iter().map(|name| format!("has no {name} any more")).collect();
        Self { schema: schema.to_owned(), wrong }
    }

    pub(crate) const HINT: &'static str = "correct destination.schema, which names the schema that holds the tables \
                                           (or views) of the destination; a PostgreSQL schema is not a database";
}

/// The six tables and the type `certificate_state`, after making sure that every statement finds the tables in the
/// destination's schema and no other. To be called before anything of the destination is read or written.
///
/// Other schemas stay in the search path behind it for what triggers and defaults of the destination call.
pub async fn destination_tables(database: &Database) -> Result<Vec<DestinationTable>, Error> {
    let doing = "find the destination's tables";
    let schema = database.destination_schema();
    let mut session = database.session().await?;
    let rows = sqlx::query_file!("queries/destination_tables.sql", schema, &TABLES.map(str::to_owned))
        .fetch_all(&mut *session)
        .await
        .map_err(|error| Error::new(doing, error))?;
    let state = sqlx::query_file!("queries/certificate_state.sql")
        .fetch_optional(&mut *session)
        .await
        .map_err(|error| Error::new(doing, error))?;
    drop(session);
    let (mut tables, mut wrong) = (Vec::new(), Vec::new());
    for row in rows {
        let name = row.name;
        match (row.oid, row.used_oid, row.used_schema) {
            (Some(oid), Some(used), _) if oid == used => tables.push(table(name, oid)?),
            (None, Some(_), Some(other)) => wrong.push(format!("has no {name} (there is one in schema {other})")),
            (None, ..) => wrong.push(format!("has no {name}")),
            (Some(_), _, Some(other)) => wrong.push(format!("has a {name} that the one of schema {other} hides")),
            (Some(_), ..) => wrong.push(format!("has a {name} that the role may not use")),
        }
    }
    match state {
        None => wrong.push("has no type certificate_state".to_owned()),
        Some(state) => match state.stored_as {
            Some(other) => wrong.push(format!(
                "has certificates of status {other}, and the type certificate_state that is found is that of schema {}",
                state.schema
            )),
            None => tables.push(table("certificate_state".to_owned(), state.oid)?),
        },
    }
    if wrong.is_empty() {
        Ok(tables)
    } else {
        Err(Error::unexpected(doing, WrongSchema { schema: schema.to_owned(), wrong }))
    }
}

fn table(name: String, oid: i64) -> Result<DestinationTable, Error> {
    let oid = u32::try_from(oid).map_err(|error| Error::unexpected("read the destination's catalog", error))?;
    Ok(DestinationTable { name, oid })
}
