//! The legacy database: whether it can be read as a migration does.

use certferry_bootstrap::{Config, HintFrom};
use certferry_source::{Entity, QueryCheck, Source};
use serde::Serialize;

use super::security::Security;
use super::{Checked, Problem};
use crate::connections;

/// The legacy database.
#[derive(Debug, Serialize)]
pub(super) struct Legacy {
    pub(super) product: &'static str,
    pub(super) version: String,
    pub(super) location: String,
    /// Null for a file.
    pub(super) security: Option<Security>,
    /// The time zone of the sessions that read it; null where the engine has none.
    pub(super) session_timezone: Option<String>,
    pub(super) queries: Vec<Query>,
}

/// A source query.
#[derive(Debug, Serialize)]
pub(super) struct Query {
    /// The key of the configuration.
    pub(super) setting: &'static str,
    /// `name type` of each column it returns.
    columns: Vec<String>,
    pub(super) problems: Vec<String>,
}

/// Looks at it; what must be mended goes to `checked`.
pub(super) async fn look(config: &Config, checked: &mut Checked) -> anyhow::Result<Legacy> {
    let hint = certferry_source::Error::hint;
    let source: Source = connections::source(config).await?;
    let about = source.about().await.hint_from(hint)?;
    let checks = source.check().await.hint_from(hint)?;
    source.close().await;
    let mut queries = Vec::new();
    for QueryCheck { entity, columns, unaddressable, problems, unknown } in checks {
        let setting = entity.setting();
        // Once its rows were looked at, what is wrong with it keeps no certificate from being planned.
        let hinders_planning = unaddressable.is_none();
        checked.problems.extend(problems.iter().map(|problem| Problem {
            what: problem.to_string(),
            hint: Some(problem.hint.clone()),
            hinders_planning,
        }));
        let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
        if entity == Entity::Certificates
            && let Some(unaddressable) = unaddressable
        {
            checked.assessment.unaddressable = Some(unaddressable.rows());
            checked.assessment.unaddressable_named = unaddressable.named;
        }
        checked.notes.extend(unknown.into_iter().map(|what| format!("{setting}: not known {what}")));
        let columns = columns.into_iter().map(|column| format!("{} {}", column.name, column.type_name)).collect();
        queries.push(Query { setting, columns, problems });
    }
    Ok(Legacy {
        product: about.product,
        version: about.version,
        location: about.location,
        security: about.security.map(Into::into),
        session_timezone: about.timezone,
        queries,
    })
}
