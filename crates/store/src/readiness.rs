//! What a migration needs of the destination's database: rights, extensions, an index, mappings that lead somewhere.

use certferry_certificate::{NewId, OldId};

use crate::{Database, Error, Mapping};

/// What the queue's tables are made with.
const EXTENSIONS: [&str; 2] = ["hstore", "pgcrypto"];

/// Something that the role may not do and a migration does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingRight {
    /// `schema`, `table` or `sequence`.
    pub object: String,
    /// Its name.
    pub name: String,
    /// `INSERT` and so on.
    pub privilege: String,
}

/// The rights that a migration needs and the role of this connection lacks, where customers and technicians may be created
/// or not. Nothing is tried.
pub async fn missing_rights(
    database: &Database,
    customers: bool,
    technicians: bool,
) -> Result<Vec<MissingRight>, Error> {
    let schema = database.destination_schema();
    sqlx::query_file_as!(MissingRight, "queries/missing_rights.sql", schema, customers, technicians)
        .fetch_all(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new("ask which rights the role has", error))
}

/// The extensions that `producer setup` needs and the server does not have.
pub async fn missing_extensions(database: &Database) -> Result<Vec<String>, Error> {
    sqlx::query_file_scalar!("queries/missing_extensions.sql", &EXTENSIONS.map(str::to_owned))
        .fetch_all(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new("ask which extensions the server has", error))
}

/// Whether a device is found by its ECU number without reading all of them.
pub async fn is_ecu_number_indexed(database: &Database) -> Result<bool, Error> {
    sqlx::query_file_scalar!("queries/is_ecu_indexed.sql")
        .fetch_one(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new("look for an index on devices (ecu_number)", error))
}

/// Mappings that lead to a row the destination does not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dangling {
    /// How many they are.
    pub total: u64,
    /// The first of them: old id and new id.
    pub named: Vec<(OldId, NewId)>,
}

/// The mappings of users, customers or technicians that lead nowhere; up to `named` of them by their ids.
pub async fn dangling_mappings(database: &Database, mapping: Mapping, named: i64) -> Result<Dangling, Error> {
    let rows = sqlx::query_file!("queries/dangling_mappings.sql", mapping.entity(), named)
        .fetch_all(&mut *database.session().await?)
        .await
        .map_err(|error| Error::new("look for mappings that lead nowhere", error))?;
    let total = rows.first().and_then(|row| u64::try_from(row.total).ok()).unwrap_or_default();
    Ok(Dangling { total, named: rows.into_iter().map(|row| (OldId(row.old_id), NewId(row.new_id))).collect() })
}
