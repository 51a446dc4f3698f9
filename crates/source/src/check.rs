//! What a source query must be for the migration to read it well: its columns, their types, and a key.

use std::fmt;

use crate::reader::{Column, ColumnKind, Dialect, Reader};
use crate::text;
use crate::{Entity, Error};

/// Something of a source query that does not fit the legacy database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whose query.
    pub entity: Entity,
    /// What is wrong: a table that is missing, a column it does not return.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.entity.setting(), self.what)
    }
}

/// What was found out about a source query.
#[derive(Clone, Debug)]
pub struct QueryCheck {
    /// Whose query.
    pub entity: Entity,
    /// The columns it returns; none when the database refuses it.
    pub columns: Vec<Column>,
    /// What must be mended before a migration.
    pub problems: Vec<Problem>,
    /// What could not be found out.
    pub unknown: Vec<String>,
}

/// Checks the query of `entity`. A query that the database refuses is a finding; a database that is away an error.
pub(crate) async fn query(reader: &dyn Reader, entity: Entity) -> Result<QueryCheck, Error> {
    let mut check = QueryCheck { entity, columns: Vec::new(), problems: Vec::new(), unknown: Vec::new() };
    match look(reader, &mut check).await {
        Err(Error::Query { reason, .. }) => check.add(reason),
        other => other?,
    }
    Ok(check)
}

async fn look(reader: &dyn Reader, check: &mut QueryCheck) -> Result<(), Error> {
    let entity = check.entity;
    check.columns = reader.columns(entity).await?;
    for problem in column_problems(entity, &check.columns, reader.dialect()) {
        check.add(problem);
    }
    if !check.problems.is_empty() {
        return Ok(());
    }
    // Reading nothing with the very statement that will read everything shows missing grants as well.
    reader.rows(entity, &[]).await?;
    if !reader.is_key_indexed(entity).await? {
        check.add(
            "its id is not found by an index, so that every batch would read the whole table: let id be an indexed \
             column as it is, or add an index",
        );
        // What follows would read the table several times over.
        check.unknown.push("whether each id is there once".to_owned());
        return Ok(());
    }
    for key in reader.outermost_keys(entity).await? {
        if text::id(&key.as_str().into()).is_none() {
            check.add(format!(
                "it has the id {key}, which is no whole number from {} to {}: leave such rows out",
                i64::MIN,
                i64::MAX
            ));
        }
    }
    match reader.repeated_keys(entity).await? {
        None => check.unknown.push("whether each id is there once, because looking took too long".to_owned()),
        Some(repeated) => {
            for key in repeated {
                check.add(match key.id {
                    Some(id) => format!("it returns {} rows with the id {id}; an id must be unique", key.rows),
                    None => format!("it returns rows without an id, {} of them: leave them out", key.rows),
                });
            }
        }
    }
    Ok(())
}

impl QueryCheck {
    fn add(&mut self, what: impl Into<String>) {
        self.problems.push(Problem { entity: self.entity, what: what.into() });
    }
}

fn column_problems(entity: Entity, columns: &[Column], dialect: Dialect) -> Vec<String> {
    let mut problems = Vec::new();
    for wanted in entity.columns() {
        let mut found = columns.iter().filter(|column| column.name == *wanted);
        let Some(column) = found.next() else {
            problems.push(format!("it returns no column {wanted}"));
            continue;
        };
        let more = found.count();
        if more > 0 {
            problems.push(format!("it returns {} columns named {wanted}", more + 1));
        }
        let of = &column.type_name;
        match (column.kind, *wanted) {
            (ColumnKind::Text | ColumnKind::Moment, "id") => problems.push(format!(
                "its column id is of type {of}, not a number: write CAST(… AS {}) AS id",
                dialect.integer
            )),
            (ColumnKind::Moment, wanted) if wanted.ends_with("_id") => {
                problems.push(format!("its column {wanted} is of type {of}, not a number"));
            }
            (ColumnKind::Number, wanted) if wanted.ends_with("_date") => problems.push(format!(
                "its column {wanted} is of type {of}, not a date; if it holds epoch seconds, write {}",
                dialect.instant_of_epoch
            )),
            _ => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, type_name: &str, kind: ColumnKind) -> Column {
        Column { name: name.to_owned(), type_name: type_name.to_owned(), kind }
    }

    #[test]
    fn columns_that_are_missing_or_of_the_wrong_type_are_named() {
        let mut columns: Vec<Column> =
            Entity::Certificates.columns().iter().map(|name| column(name, "text", ColumnKind::Text)).collect();
        columns[0] = column("id", "bigint", ColumnKind::Number);
        columns[3] = column("customer_id", "date", ColumnKind::Moment);
        columns[13] = column("issue_date", "bigint", ColumnKind::Number);
        columns[14] = column("expiry_date", "timestamp", ColumnKind::Moment);
        columns.push(column("speed", "text", ColumnKind::Text));
        columns.retain(|column| column.name != "remarks");
        assert_eq!(
            column_problems(
                Entity::Certificates,
                &columns,
                Dialect { integer: "bigint", instant_of_epoch: "to_timestamp(…)" }
            ),
            [
                "its column customer_id is of type date, not a number",
                "it returns 2 columns named speed",
                "its column issue_date is of type bigint, not a date; if it holds epoch seconds, write to_timestamp(…)",
                "it returns no column remarks",
            ]
        );
    }
}
