use std::time::Duration;

use chrono_tz::Tz;

use crate::{Entity, Error};

/// How the legacy database is read.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The query for certificates; `None` is the one for the reference schema.
    pub certificates: Option<String>,
    /// The query for customers; `None` is the one for the reference schema.
    pub customers: Option<String>,
    /// The query for technicians; `None` is the one for the reference schema.
    pub technicians: Option<String>,
    /// The time zone of sessions, in which the database reads and writes dates that have none: that of the legacy
    /// wall-clock times. SQLite has no such thing.
    pub timezone: Tz,
    /// The most connections held at once.
    pub max_connections: u32,
    /// The longest wait for the server to accept a connection.
    pub connect_timeout: Duration,
    /// The longest wait for a connection of the pool.
    pub acquire_timeout: Duration,
    /// The longest a statement may run.
    pub statement_timeout: Duration,
    /// How many rows a second are read at most, by all clones of a source together; 0 is as many as there are.
    pub max_rows_per_second: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            certificates: None,
            customers: None,
            technicians: None,
            timezone: Tz::Asia__Dubai,
            max_connections: 4,
            connect_timeout: Duration::from_secs(10),
            acquire_timeout: Duration::from_secs(30),
            statement_timeout: Duration::from_mins(1),
            max_rows_per_second: 0,
        }
    }
}

/// The three source queries, fit to be put in brackets.
#[derive(Clone, Debug)]
pub(crate) struct Queries {
    certificates: String,
    customers: String,
    technicians: String,
}

impl Queries {
    /// The queries of `settings`, and `default` where there is none.
    pub(crate) fn new(settings: &Settings, default: impl Fn(Entity) -> &'static str) -> Result<Self, Error> {
        let text = |entity: Entity, own: Option<&String>| inner(entity, own.map_or(default(entity), String::as_str));
        Ok(Self {
            certificates: text(Entity::Certificates, settings.certificates.as_ref())?,
            customers: text(Entity::Customers, settings.customers.as_ref())?,
            technicians: text(Entity::Technicians, settings.technicians.as_ref())?,
        })
    }

    pub(crate) fn of(&self, entity: Entity) -> &str {
        match entity {
            Entity::Certificates => &self.certificates,
            Entity::Customers => &self.customers,
            Entity::Technicians => &self.technicians,
        }
    }

    /// `FROM` the query in brackets, which stand on lines of their own because the query may end with a comment.
    pub(crate) fn from(&self, entity: Entity) -> String {
        format!("FROM (\n{}\n) AS {}", self.of(entity), entity.alias())
    }
}

/// The query without the semicolon a file often ends with, once it is plain that it only selects.
///
/// The real guard against writing is the read-only session; this one gives the clearer message.
fn inner(entity: Entity, query: &str) -> Result<String, Error> {
    let mut end = query.len();
    while let Some(semicolon) = last_of_statement(&query[..end]).filter(|at| query[*at..].starts_with(';')) {
        end = semicolon;
    }
    let query = query[..end].trim();
    let mut statement = query;
    while let Some(comment) = comment(statement) {
        statement = statement[comment..].trim_start();
    }
    let first_word: String = statement.chars().take_while(char::is_ascii_alphabetic).collect();
    match first_word.to_ascii_lowercase().as_str() {
        "select" | "with" => Ok(query.to_owned()),
        "" if statement.is_empty() => Err(Error::Setting { entity, reason: "it is empty" }),
        _ => Err(Error::Setting { entity, reason: "it is not a SELECT" }),
    }
}

/// Where the last character is that is neither white space nor part of a comment.
fn last_of_statement(query: &str) -> Option<usize> {
    let (mut at, mut last) = (0, None);
    while let Some(next) = query[at..].chars().next() {
        let length = next.len_utf8();
        if let Some(comment) = comment(&query[at..]) {
            at += comment;
            continue;
        }
        let quoted = matches!(next, '\'' | '"' | '`').then(|| query[at + length..].find(next)).flatten();
        at += quoted.map_or(length, |inside| length + inside + length);
        if !next.is_whitespace() {
            last = Some(at - length);
        }
    }
    last
}

/// The length of the comment that `text` begins with.
fn comment(text: &str) -> Option<usize> {
    let end_of = |end: &str| text.find(end).map_or(text.len(), |at| at + end.len());
    if text.starts_with("--") { Some(end_of("\n")) } else { text.starts_with("/*").then(|| end_of("*/")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reason(query: &str) -> Result<String, String> {
        inner(Entity::Customers, query).map_err(|error| error.to_string())
    }

    #[test]
    fn a_query_may_have_comments_and_a_semicolon() {
        let select = "-- ours\n/* and\n theirs */ Select '--;é' AS id, \"/*\"";
        for end in ["", ";", " ; \n;", " -- the end", "; -- the; end\n/* of; it */", ";é"] {
            let trimmed = if end.starts_with(" --") || end == ";é" { end } else { "" };
            assert_eq!(reason(&format!("  {select}{end}")), Ok(format!("{select}{trimmed}")), "{end}");
        }
        assert_eq!(
            reason("WITH a AS (SELECT 1) SELECT * FROM a").as_deref(),
            Ok("WITH a AS (SELECT 1) SELECT * FROM a")
        );
    }

    #[test]
    fn what_does_not_select_is_refused_by_its_setting() {
        for query in ["DELETE FROM customers", "(SELECT 1)", "selection", "-- SELECT\nUPDATE x SET y = 1", "1"] {
            assert_eq!(
                reason(query),
                Err("the query source.customers cannot be used: it is not a SELECT".into()),
                "{query}"
            );
        }
        for query in ["", " ; ", "-- SELECT 1", "/* SELECT 1"] {
            assert_eq!(reason(query), Err("the query source.customers cannot be used: it is empty".into()), "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_query_panics(query in "[;'\"`*/\\-\n aé]*") {
            drop(reason(&query));
            drop(reason(&format!("select {query}")));
        }
    }
}
