//! What keeps certificate numbers and trade licences from being written twice: a unique index of the destination, or a
//! lock.

use std::fmt;

use sqlx::PgConnection;

use crate::{Database, Error};

/// The advisory locks of those who write what no index protects, in the order in which they are taken.
///
/// One lock for all numbers, and not one for each: a server's table of locks is bounded (some 6,400 by default), workers
/// hold the numbers of thousands of certificates at once, and two batches of hundreds would meet at some bucket of
/// numbers all the same.
const CERTIFICATE_NUMBERS: i64 = 0x6365_7274_6e75_6d62;
const TRADE_LICENSES: i64 = 0x6365_7274_6c69_6365;

/// A unique index that the destination has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct UniqueIndex {
    pub(crate) oid: i64,
    name: String,
}

/// The unique indexes of the destination on what must not be there twice, where it has them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Uniqueness {
    certificate_numbers: Option<UniqueIndex>,
    trade_licenses: Option<UniqueIndex>,
}

/// Looks for the indexes; behind simple views too.
pub async fn uniqueness(database: &Database) -> Result<Uniqueness, Error> {
    let mut session = database.session().await?;
    Ok(Uniqueness {
        certificate_numbers: unique_index(&mut session, "certificates", "certificate_number").await?,
        trade_licenses: unique_index(&mut session, "customers", "trade_license").await?,
    })
}

async fn unique_index(connection: &mut PgConnection, table: &str, column: &str) -> Result<Option<UniqueIndex>, Error> {
    let index = sqlx::query_file!("queries/unique_index.sql", table, column).fetch_optional(connection).await;
    let index = index.map_err(|error| Error::new(format!("look for a unique index on {table} ({column})"), error))?;
    Ok(index.map(|index| UniqueIndex { oid: index.oid, name: index.name }))
}

impl Uniqueness {
    /// The indexes that are relied on: the catalog's ids.
    pub(crate) fn relied_on(&self) -> Vec<i64> {
        [&self.certificate_numbers, &self.trade_licenses].into_iter().flatten().map(|index| index.oid).collect()
    }

    /// The same, not relying on these indexes any more.
    pub(crate) fn without(&self, lost: &[i64]) -> Self {
        let kept = |index: &Option<UniqueIndex>| index.clone().filter(|index| !lost.contains(&index.oid));
        Self { certificate_numbers: kept(&self.certificate_numbers), trade_licenses: kept(&self.trade_licenses) }
    }

    /// Whether the destination itself refuses a certificate number that it has.
    pub(crate) fn of_certificate_numbers(&self) -> bool {
        self.certificate_numbers.is_some()
    }

    /// Whether the destination itself refuses a trade licence that it has.
    pub(crate) fn of_trade_licenses(&self) -> bool {
        self.trade_licenses.is_some()
    }

    /// Makes others who write what no index protects wait until this transaction ends; what they wrote is seen by the next
    /// statement.
    ///
    /// To be called before any other lock of the batch but those on status rows.
    pub(crate) async fn lock(&self, connection: &mut PgConnection, creates_licensed: bool) -> Result<(), Error> {
        let mut namespaces = Vec::new();
        if !self.of_certificate_numbers() {
            namespaces.push(CERTIFICATE_NUMBERS);
        }
        if creates_licensed && !self.of_trade_licenses() {
            namespaces.push(TRADE_LICENSES);
        }
        if namespaces.is_empty() {
            return Ok(());
        }
        let lock = sqlx::query_file!("queries/lock_namespaces.sql", &namespaces).execute(connection);
        lock.await.map(drop).map_err(|error| Error::new("lock certificate numbers and trade licences", error))
    }
}

impl fmt::Display for Uniqueness {
    /// A line for each of the two.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.certificate_numbers {
            Some(index) => writeln!(f, "certificate numbers are unique by index {}", index.name)?,
            None => writeln!(f, "no unique index on certificates (certificate_number): numbers are locked instead")?,
        }
        match &self.trade_licenses {
            Some(index) => write!(f, "trade licences are unique by index {}", index.name),
            None => write!(f, "no unique index on customers (trade_license): licences are locked instead"),
        }
    }
}
