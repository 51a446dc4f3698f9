//! What mapping files hold, in the database. `rules.md`, Mapping files.

use std::fmt;

use certferry_certificate::{NewId, OldId, State};
use sqlx::PgConnection;

use crate::Error;
use crate::history::{keep_history, lock_states};

/// Entries a statement: large files are taken in parts, all in the caller's transaction.
const PART: usize = 10_000;

/// How many contradictions are named; the others are counted.
const NAMED: i64 = 10;

/// What a mapping file maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mapping {
    /// Legacy users.
    Users,
    /// Legacy customers.
    Customers,
    /// Legacy technicians.
    Technicians,
    /// Legacy certificates, which are in the status table.
    Certificates,
}

impl Mapping {
    /// All of them, in the order in which they must be imported: workers lock mappings before status rows.
    pub const ALL: [Self; 4] = [Self::Users, Self::Customers, Self::Technicians, Self::Certificates];

    /// One of what is mapped, as `certferry.mapping` calls it.
    #[must_use]
    pub const fn entity(self) -> &'static str {
        match self {
            Self::Users => "user",
            Self::Customers => "customer",
            Self::Technicians => "technician",
            Self::Certificates => "certificate",
        }
    }
}

/// An old id and the new id it leads to.
pub type Entry = (OldId, NewId);

/// What an import did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Entries that were not recorded before.
    pub added: u64,
    /// Entries that were recorded before, with the same new id.
    pub known: u64,
    /// Entries whose new id the destination does not have.
    pub dangling: u64,
    /// The certificates among the added entries: none of them needs a job any more.
    pub migrated: Vec<OldId>,
    /// Entries that contradict what is recorded. If there are any, roll back.
    pub contradictions: Contradictions,
}

/// Entries that contradict what is recorded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contradictions {
    /// The first of them.
    pub named: Vec<Contradiction>,
    /// How many there are.
    pub total: u64,
}

/// An entry that contradicts what is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contradiction {
    /// What is mapped.
    pub mapping: Mapping,
    /// The legacy id.
    pub old_id: OldId,
    /// The new id that is recorded.
    pub recorded: NewId,
    /// The new id of the entry.
    pub new_id: NewId,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mapping, old_id, recorded, new_id } = self;
        write!(f, "{} {old_id} is recorded as {recorded}, the file says {new_id}", mapping.entity())
    }
}

/// Records the entries of a file, which has no old id twice. Nothing may be kept of it when there are contradictions.
pub async fn import_mapping(
    connection: &mut PgConnection,
    mapping: Mapping,
    entries: &[Entry],
) -> Result<Imported, Error> {
    let mut sorted = entries.to_vec();
    sorted.sort_unstable();
    let mut imported = Imported::default();
    for part in sorted.chunks(PART) {
        let (old_ids, new_ids): (Vec<i64>, Vec<i64>) = part.iter().map(|(old_id, new_id)| (old_id.0, new_id.0)).unzip();
        let added = match mapping {
            Mapping::Certificates => {
                let migrated = import_certificates(connection, &old_ids, &new_ids).await?;
                imported.migrated.extend(migrated.iter().copied().map(OldId));
                migrated.len() as u64
            }
            Mapping::Users | Mapping::Customers | Mapping::Technicians => {
                sqlx::query_file!("queries/mapping_files_import.sql", mapping.entity(), &old_ids, &new_ids)
                    .execute(&mut *connection)
                    .await
                    .map_err(|error| Error::new(format!("record {} mappings", mapping.entity()), error))?
                    .rows_affected()
            }
        };
        let contradictions = contradictions(connection, mapping, &old_ids, &new_ids).await?;
        imported.added += added;
        imported.known += (part.len() as u64).saturating_sub(added + contradictions.total);
        imported.dangling += dangling(connection, mapping, &new_ids).await?;
        imported.contradictions.total += contradictions.total;
        imported.contradictions.named.extend(contradictions.named);
    }
    imported.contradictions.named.truncate(usize::try_from(NAMED).unwrap_or_default());
    Ok(imported)
}

async fn import_certificates(
    connection: &mut PgConnection,
    old_ids: &[i64],
    new_ids: &[i64],
) -> Result<Vec<i64>, Error> {
    let certificates: Vec<OldId> = old_ids.iter().copied().map(OldId).collect();
    // What became of them here is kept.
    let decided = [State::Failed, State::Skipped, State::Reverted];
    let decided = lock_states(&mut *connection, &certificates, &decided).await?;
    let decided: Vec<i64> = decided.into_iter().map(|id| id.0).collect();
    keep_history(&mut *connection, &decided, false).await?;
    sqlx::query_file_scalar!("queries/mapping_files_import_certificates.sql", old_ids, new_ids)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("record certificate mappings", error))
}

/// Seen after inserting, and so with what others have recorded meanwhile.
async fn contradictions(
    connection: &mut PgConnection,
    mapping: Mapping,
    old_ids: &[i64],
    new_ids: &[i64],
) -> Result<Contradictions, Error> {
    struct Row {
        old_id: i64,
        recorded: Option<i64>,
        new_id: i64,
        total: i64,
    }
    let rows = match mapping {
        Mapping::Certificates => {
            let query = sqlx::query_file_as!(
                Row,
                "queries/mapping_files_contradicting_certificates.sql",
                old_ids,
                new_ids,
                NAMED
            );
            query.fetch_all(connection).await
        }
        Mapping::Users | Mapping::Customers | Mapping::Technicians => {
            let entity = mapping.entity();
            let query =
                sqlx::query_file_as!(Row, "queries/mapping_files_contradictions.sql", entity, old_ids, new_ids, NAMED);
            query.fetch_all(connection).await
        }
    };
    let rows = rows.map_err(|error| Error::new(format!("compare {} mappings", mapping.entity()), error))?;
    let total = rows.first().and_then(|row| u64::try_from(row.total).ok()).unwrap_or_default();
    let named = rows.into_iter().filter_map(|row| {
        let (old_id, recorded, new_id) = (OldId(row.old_id), NewId(row.recorded?), NewId(row.new_id));
        Some(Contradiction { mapping, old_id, recorded, new_id })
    });
    Ok(Contradictions { named: named.collect(), total })
}

async fn dangling(connection: &mut PgConnection, mapping: Mapping, new_ids: &[i64]) -> Result<u64, Error> {
    let dangling = sqlx::query_file_scalar!("queries/mapping_files_dangling.sql", mapping.entity(), new_ids)
        .fetch_one(connection)
        .await
        .map_err(|error| Error::new(format!("look up mapped {}s", mapping.entity()), error))?;
    Ok(u64::try_from(dangling).unwrap_or_default())
}

/// The next `size` entries of a mapping after the old id `after`, by ascending old id; fewer only at the end.
///
/// An export reads all its pages in one [`crate::Database::begin_snapshot`], so that they belong together.
pub async fn mapping_page(
    connection: &mut PgConnection,
    mapping: Mapping,
    after: Option<OldId>,
    size: i64,
) -> Result<Vec<Entry>, Error> {
    struct Row {
        old_id: i64,
        new_id: i64,
    }
    let after = after.map(|id| id.0);
    let rows = match mapping {
        Mapping::Certificates => {
            let query = sqlx::query_file_as!(Row, "queries/mapping_files_page_of_certificates.sql", after, size);
            query.fetch_all(connection).await
        }
        Mapping::Users | Mapping::Customers | Mapping::Technicians => {
            let query = sqlx::query_file_as!(Row, "queries/mapping_files_page.sql", mapping.entity(), after, size);
            query.fetch_all(connection).await
        }
    };
    let rows = rows.map_err(|error| Error::new(format!("read {} mappings", mapping.entity()), error))?;
    Ok(rows.into_iter().map(|row| (OldId(row.old_id), NewId(row.new_id))).collect())
}
