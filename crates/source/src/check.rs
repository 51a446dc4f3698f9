//! What a source query must be for the migration to read it well: its columns, their types, and a key.

use std::fmt;

use crate::reader::{Column, ColumnKind, Dialect, Reader};
use crate::{Entity, Error, Source, Unaddressable};

/// Something of a source query that does not fit the legacy database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Whose query.
    pub entity: Entity,
    /// What is wrong: a table that is missing, a column it does not return.
    pub what: String,
    /// What to do about it.
    pub hint: String,
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
    /// The rows that cannot be addressed by their id; `None` when they could not be looked for.
    pub unaddressable: Option<Unaddressable>,
    /// What must be mended before a migration.
    pub problems: Vec<Problem>,
    /// What could not be found out.
    pub unknown: Vec<String>,
}

/// Checks the query of `entity`. A query that the database refuses is a finding; a database that is away an error.
pub(crate) async fn query(source: &Source, reader: &dyn Reader, entity: Entity) -> Result<QueryCheck, Error> {
    let mut check =
        QueryCheck { entity, columns: Vec::new(), unaddressable: None, problems: Vec::new(), unknown: Vec::new() };
    match look(source, reader, &mut check).await {
        Err(error @ Error::Query { .. }) => {
            let hint = error.hint().unwrap_or_default();
            if let Error::Query { reason, .. } = error {
                check.add(reason, hint);
            }
        }
        other => other?,
    }
    Ok(check)
}

async fn look(source: &Source, reader: &dyn Reader, check: &mut QueryCheck) -> Result<(), Error> {
    let entity = check.entity;
    check.columns = reader.columns(entity).await?;
    for (what, hint) in column_problems(entity, &check.columns, reader.dialect()) {
        check.add(what, hint);
    }
    if !check.problems.is_empty() {
        return Ok(());
    }
    // Reading nothing with the very statement that will read everything shows missing grants as well.
    reader.rows(entity, &[]).await?;
    if !reader.is_key_indexed(entity).await? {
        check.add(
            "its id is not found by an index, so that every batch would read the whole table",
            "let id be an indexed column as it is, or add an index",
        );
    }
    match source.unaddressable(entity).await {
        Err(Error::Timeout { .. }) => {
            check.unknown.push("which rows cannot be addressed by their id, because looking took too long".to_owned());
        }
        found => {
            let found = found?;
            if found.rows() > 0 {
                check.add(
                    format!("{} of its rows cannot be addressed by their id: {found}", found.rows()),
                    "give each row an id of its own, a whole number within bigint, or leave such rows out of the query; \
                     none of them is migrated",
                );
            }
            check.unaddressable = Some(found);
        }
    }
    Ok(())
}

impl QueryCheck {
    fn add(&mut self, what: impl Into<String>, hint: impl Into<String>) {
        self.problems.push(Problem { entity: self.entity, what: what.into(), hint: hint.into() });
    }
}

/// What is wrong with the columns of a query, and what to do about it.
fn column_problems(entity: Entity, columns: &[Column], dialect: Dialect) -> Vec<(String, String)> {
    let mut problems = Vec::new();
    for wanted in entity.columns() {
        let mut found = columns.iter().filter(|column| column.name == *wanted);
        let Some(column) = found.next() else {
            problems.push((
                format!("it returns no column {wanted}"),
                format!("return it, or NULL AS {wanted} where the legacy tables have nothing of the kind"),
            ));
            continue;
        };
        let more = found.count();
        if more > 0 {
            problems.push((
                format!("it returns {} columns named {wanted}", more + 1),
                "return each column once, under a name of its own".to_owned(),
            ));
        }
        let of = &column.type_name;
        match (column.kind, *wanted) {
            (ColumnKind::Moment, wanted) if wanted == "id" || wanted.ends_with("_id") => problems.push((
                format!("its column {wanted} is of type {of}, not a number"),
                "return the column that holds the id".to_owned(),
            )),
            (ColumnKind::Number, wanted) if wanted.ends_with("_date") => problems.push((
                format!("its column {wanted} is of type {of}, not a date"),
                format!("if it holds epoch seconds, write {}", dialect.instant_of_epoch),
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
            column_problems(Entity::Certificates, &columns, Dialect { instant_of_epoch: "to_timestamp(…)" })
                .into_iter()
                .map(|(what, _)| what)
                .collect::<Vec<_>>(),
            [
                "its column customer_id is of type date, not a number",
                "it returns 2 columns named speed",
                "its column issue_date is of type bigint, not a date",
                "it returns no column remarks",
            ]
        );
    }
}
