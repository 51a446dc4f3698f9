//! Whether a database holds a data set already, or something that is not ours to touch.

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::Dataset;
use crate::load::{Result, sql};

/// What was found in a database that a data set is to be loaded into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contents {
    /// Nothing: no tables but Certferry's own, or only empty ones.
    Nothing,
    /// This very data set.
    ThisDataset,
    /// Something else, and it stands in this table.
    SomethingElse(String),
}

/// All tables but those of Certferry and its queue, each with its label.
const TABLES: &str = "
    SELECT format('%I.%I', schemaname, tablename) AS name,
           obj_description(format('%I.%I', schemaname, tablename)::regclass, 'pg_class') AS label
    FROM pg_tables
    WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'certferry', 'apalis') AND tablename <> '_sqlx_migrations'
    ORDER BY 1";

impl Dataset {
    /// What the database at `url`, the source or the destination, holds.
    pub async fn contents(&self, url: &str) -> Result<Contents> {
        let look = || sql("look at", "the database to fill");
        let mut connection = PgConnection::connect(url).await.map_err(sql("connect to", "the database to fill"))?;
        let tables: Vec<(String, Option<String>)> =
            sqlx::query_as(TABLES).fetch_all(&mut connection).await.map_err(look())?;
        let label = self.label();
        let mut contents = Contents::Nothing;
        for (table, found) in tables {
            let filled = AssertSqlSafe(format!("SELECT EXISTS (SELECT FROM {table})"));
            let filled: bool = sqlx::query_scalar(filled).fetch_one(&mut connection).await.map_err(look())?;
            if filled && found.as_deref() == Some(label.as_str()) {
                contents = Contents::ThisDataset;
                break;
            } else if filled && contents == Contents::Nothing {
                contents = Contents::SomethingElse(table);
            }
        }
        connection.close().await.map_err(look())?;
        Ok(contents)
    }
}
