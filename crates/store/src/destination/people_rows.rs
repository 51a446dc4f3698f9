//! The rows of customers and technicians: inserted, and compared with what the destination made of them.

use std::collections::HashMap;

use certferry_certificate::{NewCustomer, NewId, NewTechnician};
use sqlx::PgConnection;

use super::people::NewIds;
use crate::Error;
use crate::difference::Difference;

const CUSTOMERS: &str = "customers";
const CUSTOMER_COLUMNS: [&str; 4] = ["name", "trade_license", "email", "phone"];
const TECHNICIANS: &str = "technicians";

/// Makes a [`StoredCustomer`] of a row of a query.
macro_rules! stored_customer {
    ($row:expr) => {
        StoredCustomer { id: $row.id, values: [$row.name, $row.trade_license, $row.email, $row.phone] }
    };
}

/// Asks for what is in a file of SQL, with the customers' values as its parameters.
macro_rules! query_with_customers {
    ($file:literal, $customers:expr) => {
        sqlx::query_file!(
            $file,
            &$customers.iter().map(|customer| customer.name.as_str()).collect::<Vec<_>>() as _,
            &$customers.iter().map(|customer| customer.trade_license.as_deref()).collect::<Vec<_>>() as _,
            &$customers.iter().map(|customer| customer.email.as_deref()).collect::<Vec<_>>() as _,
            &$customers.iter().map(|customer| customer.phone.as_deref()).collect::<Vec<_>>() as _,
        )
    };
}

/// A customer as the destination returned it.
struct StoredCustomer {
    id: Option<i64>,
    values: [Option<String>; 4],
}

impl StoredCustomer {
    /// The new id, when everything else is as it was given.
    fn as_given(&self, given: &NewCustomer) -> Result<NewId, Difference> {
        let given =
            [Some(given.name.as_str()), given.trade_license.as_deref(), given.email.as_deref(), given.phone.as_deref()];
        let stored = self.values.each_ref().map(Option::as_deref);
        match Difference::between(CUSTOMERS, CUSTOMER_COLUMNS, given, stored) {
            Some(difference) => Err(difference),
            None => self.id.map(NewId).ok_or(Difference::NoId { table: CUSTOMERS }),
        }
    }
}

/// Inserts customers of different trade licences, but for those whose licence someone else has inserted meanwhile; waits
/// for whoever is about to. Only where the destination has a unique index on trade licences.
pub(super) async fn insert_licensed_customers(
    connection: &mut PgConnection,
    customers: &[&NewCustomer],
) -> Result<NewIds, Error> {
    let doing = "insert customers";
    if customers.is_empty() {
        return Ok(NewIds::new());
    }
    let rows = query_with_customers!("queries/insert_licensed_customers.sql", customers)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new(doing, error))?;
    let given: HashMap<Option<&str>, &NewCustomer> =
        customers.iter().map(|customer| (customer.trade_license.as_deref(), *customer)).collect();
    let created = rows.into_iter().map(|row| {
        let stored = stored_customer!(row);
        let customer = given
            .get(&stored.values[1].as_deref())
            .ok_or(Difference::Changed { table: CUSTOMERS, column: "trade_license" })?;
        Ok((customer.old_id, stored.as_given(customer)?))
    });
    created.collect::<Result<_, _>>().map_err(|difference| Error::difference(doing, difference))
}

/// Inserts customers.
pub(super) async fn insert_customers(
    connection: &mut PgConnection,
    customers: &[&NewCustomer],
) -> Result<NewIds, Error> {
    let doing = "insert customers";
    if customers.is_empty() {
        return Ok(NewIds::new());
    }
    let rows = query_with_customers!("queries/insert_customers.sql", customers)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new(doing, error))?;
    if rows.len() != customers.len() {
        return Err(Error::difference(doing, Difference::Dropped { table: CUSTOMERS }));
    }
    let created = customers
        .iter()
        .zip(rows)
        .map(|(customer, row)| Ok((customer.old_id, stored_customer!(row).as_given(customer)?)));
    created.collect::<Result<_, _>>().map_err(|difference| Error::difference(doing, difference))
}

/// Inserts technicians. Returns their new ids, in order.
pub(super) async fn insert_technicians(
    connection: &mut PgConnection,
    technicians: &[&NewTechnician],
) -> Result<Vec<NewId>, Error> {
    let doing = "insert technicians";
    let rows = sqlx::query_file!(
        "queries/insert_technicians.sql",
        &technicians.iter().map(|technician| technician.user_id.0).collect::<Vec<_>>(),
        &technicians.iter().map(|technician| technician.name.as_str()).collect::<Vec<_>>() as _,
        &technicians.iter().map(|technician| technician.phone.as_deref()).collect::<Vec<_>>() as _,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| Error::new(doing, error))?;
    if rows.len() != technicians.len() {
        return Err(Error::difference(doing, Difference::Dropped { table: TECHNICIANS }));
    }
    let created = technicians.iter().zip(rows).map(|(technician, row)| {
        if row.user_id != Some(technician.user_id.0) {
            return Err(Difference::Changed { table: TECHNICIANS, column: "user_id" });
        }
        let given = [Some(technician.name.as_str()), technician.phone.as_deref()];
        let stored = [row.name.as_deref(), row.phone.as_deref()];
        match Difference::between(TECHNICIANS, ["name", "phone"], given, stored) {
            Some(difference) => Err(difference),
            None => row.id.map(NewId).ok_or(Difference::NoId { table: TECHNICIANS }),
        }
    });
    created.collect::<Result<_, _>>().map_err(|difference| Error::difference(doing, difference))
}
