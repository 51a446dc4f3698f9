//! Which certificates a command is about, by what their status rows say.

use certferry_certificate::{Filter, OldId, State};
use sqlx::PgConnection;

use crate::{Database, Error};

/// A filter as the statements take it: an array that is none does not restrict.
pub(crate) struct Arguments {
    pub(crate) states: Option<Vec<&'static str>>,
    pub(crate) kinds: Option<Vec<&'static str>>,
    pub(crate) codes: Option<Vec<&'static str>>,
    pub(crate) fields: Option<Vec<String>>,
    pub(crate) ecu_numbers: Option<Vec<String>>,
    pub(crate) ids: Option<Vec<i64>>,
    pub(crate) run: Option<i64>,
}

impl Arguments {
    pub(crate) fn of(filter: &Filter) -> Self {
        fn some<T, U>(values: &[T], text: impl Fn(&T) -> U) -> Option<Vec<U>> {
            (!values.is_empty()).then(|| values.iter().map(text).collect())
        }
        Self {
            states: some(&filter.states, |state| state.as_str()),
            kinds: some(&filter.kinds, |kind| kind.as_str()),
            codes: some(&filter.codes, |code| code.as_str()),
            fields: some(&filter.fields, Clone::clone),
            ecu_numbers: some(&filter.ecu_numbers, Clone::clone),
            ids: filter.ids.as_ref().map(|ids| ids.iter().map(|id| id.0).collect()),
            run: filter.run,
        }
    }
}

/// How many certificates `filter` selects, by state.
pub async fn selected_counts(database: &Database, filter: &Filter) -> Result<Vec<(State, u64)>, Error> {
    let doing = "count the certificates that are selected";
    let Arguments { states, kinds, codes, fields, ecu_numbers, ids, run } = Arguments::of(filter);
    let mut session = database.session().await?;
    if ids.is_none() && ecu_numbers.is_none() {
        let rows =
            sqlx::query_file!("queries/selected_tally.sql", states as _, kinds as _, codes as _, fields as _, run)
                .fetch_all(&mut *session)
                .await
                .map_err(|error| Error::new(doing, error))?;
        return rows.into_iter().map(|row| Ok((state(&row.state, doing)?, row.certificates.unsigned_abs()))).collect();
    }
    let rows = sqlx::query_file!(
        "queries/selected_counts.sql",
        states as _,
        kinds as _,
        codes as _,
        fields as _,
        ecu_numbers as _,
        ids as _,
        run,
    )
    .fetch_all(&mut *session)
    .await
    .map_err(|error| Error::new(doing, error))?;
    rows.into_iter().map(|row| Ok((state(&row.state, doing)?, row.certificates.unsigned_abs()))).collect()
}

/// Up to `limit` certificates that `filter` selects, with an id of `from` or above, in the order of their ids.
pub async fn selected_page(
    connection: &mut PgConnection,
    filter: &Filter,
    from: OldId,
    limit: i64,
) -> Result<Vec<OldId>, Error> {
    let Arguments { states, kinds, codes, fields, ecu_numbers, ids, run } = Arguments::of(filter);
    let rows = sqlx::query_file_scalar!(
        "queries/selected_page.sql",
        states as _,
        kinds as _,
        codes as _,
        fields as _,
        ecu_numbers as _,
        ids as _,
        run,
        from.0,
        limit,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| Error::new("look up the certificates that are selected", error))?;
    Ok(rows.into_iter().map(OldId).collect())
}

/// The state that a row has.
pub(crate) fn state(text: &str, doing: &str) -> Result<State, Error> {
    State::parse(text).ok_or_else(|| Error::unexpected(doing.to_owned(), format!("unknown state `{text}`")))
}
