use serde::Serialize;
use sqlx::PgConnection;

use crate::Error;

/// A customer or technician that the migration created, or matched with one that was there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Person {
    /// `customer` or `technician`.
    pub entity: String,
    /// The legacy id.
    pub old_id: i64,
    /// The destination's id.
    pub new_id: i64,
    /// `created` or `matched`.
    pub origin: String,
}

/// The next `size` people after `after`, by entity and legacy id; fewer only at the end.
pub async fn people_page(
    connection: &mut PgConnection,
    after: Option<&Person>,
    size: i64,
) -> Result<Vec<Person>, Error> {
    let (entity, old_id) = after.map_or(("", i64::MIN), |person| (person.entity.as_str(), person.old_id));
    sqlx::query_file_as!(Person, "queries/report_people_page.sql", entity, old_id, size)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("read the customers and technicians that were created", error))
}
