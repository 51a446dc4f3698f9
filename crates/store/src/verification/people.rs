//! Customers and technicians that the migration created.

use std::collections::HashMap;

use certferry_certificate::{NewId, OldId, PersonColumns};
use sqlx::PgConnection;

use super::RangeOf;
use crate::Error;

/// A customer or technician that the migration created, as the destination has it.
#[derive(Clone, Debug)]
pub struct CreatedPerson {
    /// The legacy id.
    pub old_id: OldId,
    /// The id in the destination.
    pub new_id: NewId,
    /// What was kept when it was created.
    pub evidence: Option<Vec<u8>>,
    /// The certificate it was created for.
    pub certificate_id: Option<OldId>,
    is_customer: bool,
    is_there: bool,
    name: Option<String>,
    trade_license: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    user_id: Option<i64>,
}

impl CreatedPerson {
    /// Its columns; none where it is gone.
    #[must_use]
    pub fn columns(&self) -> Option<PersonColumns<'_>> {
        let (name, phone) = (self.name.as_deref().unwrap_or_default(), self.phone.as_deref());
        self.is_there.then(|| {
            if self.is_customer {
                let (trade_license, email) = (self.trade_license.as_deref(), self.email.as_deref());
                PersonColumns::Customer { name, trade_license, email, phone }
            } else {
                PersonColumns::Technician { user_id: NewId(self.user_id.unwrap_or_default()), name, phone }
            }
        })
    }
}

/// Those with legacy ids from `first` to `last`.
pub async fn created_people(
    connection: &mut PgConnection,
    of: RangeOf,
    first: OldId,
    last: OldId,
) -> Result<Vec<CreatedPerson>, Error> {
    let rows = sqlx::query_file!("queries/verification_people.sql", of.as_str(), first.0, last.0)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("read customers and technicians that were created", error))?;
    let people = rows.into_iter().map(|row| CreatedPerson {
        old_id: OldId(row.old_id),
        new_id: NewId(row.new_id),
        evidence: row.evidence,
        certificate_id: row.certificate_id.map(OldId),
        is_customer: of == RangeOf::Customers,
        is_there: row.is_there,
        name: row.name,
        trade_license: row.trade_license,
        email: row.email,
        phone: row.phone,
        user_id: row.user_id,
    });
    Ok(people.collect())
}

/// The lowest migrated certificate that has each of these customers or technicians.
pub async fn certificates_of(
    connection: &mut PgConnection,
    of: RangeOf,
    people: &[NewId],
) -> Result<HashMap<NewId, OldId>, Error> {
    let ids: Vec<i64> = people.iter().map(|id| id.0).collect();
    let rows = sqlx::query_file!("queries/verification_certificates_of.sql", &ids, of.as_str())
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("look up who has a customer or technician", error))?;
    Ok(rows.into_iter().filter_map(|row| Some((NewId(row.new_id), OldId(row.certificate_id?)))).collect())
}
