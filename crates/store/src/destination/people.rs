//! Customers and technicians that have no mapping yet: created once, under any number of workers.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use certferry_certificate::{CustomerPlan, NewCustomer, NewId, NewTechnician, OldId, Plan, TechnicianPlan};
use sqlx::PgConnection;

use crate::Error;

/// The destination ids of people that were not mapped when they were planned.
pub(super) type NewIds = HashMap<OldId, NewId>;

/// The destination customer of a plan whose customers have been resolved.
pub(super) fn customer_id(plan: &CustomerPlan, resolved: &NewIds) -> NewId {
    match plan {
        CustomerPlan::Existing(id) => *id,
        CustomerPlan::MatchOrCreate(customer) => resolved[&customer.old_id],
    }
}

/// The destination technician of a plan whose technicians have been resolved.
pub(super) fn technician_id(plan: &TechnicianPlan, resolved: &NewIds) -> NewId {
    match plan {
        TechnicianPlan::Existing(id) => *id,
        TechnicianPlan::Create(technician) => resolved[&technician.old_id],
    }
}

/// The mappings of the people that a transaction's plans need: those that lead somewhere, and those that are reserved
/// for this transaction to create.
#[derive(Debug, Default)]
pub(super) struct People {
    customers: Share,
    technicians: Share,
}

#[derive(Debug, Default)]
struct Share {
    known: NewIds,
    ours: BTreeSet<OldId>,
}

impl People {
    /// Reserves every mapping that the plans need and nobody has recorded; waits for whoever is recording one of them.
    pub(super) async fn reserve(connection: &mut PgConnection, plans: &[&Plan]) -> Result<Self, Error> {
        let customers = reserve(connection, "customer", needed_customers(plans).into_keys().collect()).await?;
        let technicians = reserve(connection, "technician", needed_technicians(plans).into_keys().collect()).await?;
        Ok(Self { customers, technicians })
    }

    /// Remembers whom a part of the plans has matched or created for good.
    pub(super) fn know(&mut self, customers: NewIds, technicians: NewIds) {
        self.customers.known.extend(customers);
        self.technicians.known.extend(technicians);
    }

    /// Gives back what was reserved for certificates that were refused.
    pub(super) async fn release(self, connection: &mut PgConnection) -> Result<(), Error> {
        for (entity, Share { known, ours }) in [("customer", self.customers), ("technician", self.technicians)] {
            let unused: Vec<i64> = ours.iter().filter(|id| !known.contains_key(id)).map(|id| id.0).collect();
            if !unused.is_empty() {
                sqlx::query_file!("queries/release_mapping.sql", entity, &unused)
                    .execute(&mut *connection)
                    .await
                    .map_err(|error| Error::new(format!("give back {entity} mappings"), error))?;
            }
        }
        Ok(())
    }
}

impl Share {
    /// The ids of those that are needed and known, and those that are to be created, in order.
    fn split(&self, needed: impl Iterator<Item = OldId>) -> (NewIds, Vec<OldId>) {
        let (mut known, mut reserved) = (NewIds::new(), Vec::new());
        for old_id in needed {
            match self.known.get(&old_id) {
                Some(new_id) => drop(known.insert(old_id, *new_id)),
                None => reserved.push(old_id),
            }
        }
        (known, reserved)
    }
}

fn needed_customers<'a>(plans: &[&'a Plan]) -> BTreeMap<OldId, &'a NewCustomer> {
    let needed = plans.iter().filter_map(|plan| match &plan.customer {
        CustomerPlan::Existing(_) => None,
        CustomerPlan::MatchOrCreate(customer) => Some((customer.old_id, customer)),
    });
    needed.collect()
}

fn needed_technicians<'a>(plans: &[&'a Plan]) -> BTreeMap<OldId, &'a NewTechnician> {
    let named = plans.iter().flat_map(|plan| [&plan.calibration_technician, &plan.installation_technician]);
    let needed = named.filter_map(|technician| match technician {
        Some(TechnicianPlan::Create(technician)) => Some((technician.old_id, technician)),
        _ => None,
    });
    needed.collect()
}

/// Matches or creates every customer that the plans need. `rules.md`, Mappings.
pub(super) async fn customers(
    connection: &mut PgConnection,
    plans: &[&Plan],
    people: &People,
) -> Result<NewIds, Error> {
    let needed = needed_customers(plans);
    let (mut resolved, reserved) = people.customers.split(needed.keys().copied());
    if reserved.is_empty() {
        return Ok(resolved);
    }

    let mut by_license =
        by_trade_license(connection, reserved.iter().filter_map(|id| needed[id].trade_license.as_deref())).await?;
    // Of several customers with one trade licence the one with the lowest id is created, the others are it.
    let mut creating: BTreeMap<(Option<&str>, OldId), &NewCustomer> = BTreeMap::new();
    let mut claimed = HashMap::new();
    for old_id in &reserved {
        let customer = needed[old_id];
        match customer.trade_license.as_deref() {
            Some(license) if by_license.contains_key(license) || claimed.contains_key(license) => {}
            license => {
                claimed.extend(license.map(|license| (license.to_owned(), *old_id)));
                creating.insert((license, *old_id), customer);
            }
        }
    }
    let creating: Vec<&NewCustomer> = creating.into_values().collect();
    let (licensed, mut others): (Vec<_>, Vec<_>) =
        creating.into_iter().partition(|customer| customer.trade_license.is_some());
    let mut created = insert_licensed_customers(connection, &licensed).await?;
    let in_the_way: Vec<&NewCustomer> =
        licensed.into_iter().filter(|customer| !created.contains_key(&customer.old_id)).collect();
    if !in_the_way.is_empty() {
        // Someone has just created them under another old id; else inserting them again says what is in the way.
        let theirs = in_the_way.iter().filter_map(|customer| customer.trade_license.as_deref());
        by_license.extend(by_trade_license(connection, theirs).await?);
        others.extend(in_the_way.into_iter().filter(|customer| !is_in(&by_license, customer)));
    }
    created.extend(insert_customers(connection, &others).await?);
    for (old_id, new_id) in created {
        by_license.extend(needed[&old_id].trade_license.clone().map(|license| (license, new_id)));
        resolved.insert(old_id, new_id);
    }

    let mut settled = Vec::with_capacity(reserved.len());
    for old_id in reserved {
        let origin = if resolved.contains_key(&old_id) { "created" } else { "matched" };
        let matched = needed[&old_id].trade_license.as_ref().and_then(|license| by_license.get(license)).copied();
        let new_id = *resolved.entry(old_id).or_insert_with(|| matched.expect("not created, so its licence is known"));
        settled.push((old_id, new_id, origin));
    }
    settle(connection, "customer", &settled).await?;
    Ok(resolved)
}

/// Creates every technician that the plans need. `rules.md`, Mappings.
pub(super) async fn technicians(
    connection: &mut PgConnection,
    plans: &[&Plan],
    people: &People,
) -> Result<NewIds, Error> {
    let needed = needed_technicians(plans);
    let (mut resolved, reserved) = people.technicians.split(needed.keys().copied());
    if reserved.is_empty() {
        return Ok(resolved);
    }

    let creating: Vec<&NewTechnician> = reserved.iter().map(|old_id| needed[old_id]).collect();
    let rows = sqlx::query_file!(
        "queries/insert_technicians.sql",
        &creating.iter().map(|technician| technician.user_id.0).collect::<Vec<_>>(),
        &creating.iter().map(|technician| technician.name.as_str()).collect::<Vec<_>>() as _,
        &creating.iter().map(|technician| technician.phone.as_deref()).collect::<Vec<_>>() as _,
    )
    .fetch_all(&mut *connection)
    .await
    .map_err(|error| Error::new("insert technicians", error))?;
    let names = creating.iter().map(|technician| technician.name.as_str());
    let created = in_order("technicians", names, rows.into_iter().map(|row| (row.id, row.name)).collect())?;
    let settled: Vec<_> =
        creating.iter().zip(created).map(|(technician, new_id)| (technician.old_id, new_id, "created")).collect();
    settle(connection, "technician", &settled).await?;
    resolved.extend(settled.into_iter().map(|(old_id, new_id, _)| (old_id, new_id)));
    Ok(resolved)
}

async fn reserve(connection: &mut PgConnection, entity: &str, old_ids: Vec<OldId>) -> Result<Share, Error> {
    if old_ids.is_empty() {
        return Ok(Share::default());
    }
    let all: Vec<i64> = old_ids.into_iter().map(|id| id.0).collect();
    let ours: BTreeSet<OldId> = sqlx::query_file_scalar!("queries/reserve_mapping.sql", entity, &all)
        .fetch_all(&mut *connection)
        .await
        .map_err(|error| Error::new(format!("reserve {entity} mappings"), error))?
        .into_iter()
        .map(OldId)
        .collect();
    let created_elsewhere: Vec<i64> = all.into_iter().filter(|id| !ours.contains(&OldId(*id))).collect();
    let mut known = NewIds::new();
    if !created_elsewhere.is_empty() {
        let rows = sqlx::query_file!("queries/mapped.sql", entity, &created_elsewhere)
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| Error::new(format!("read {entity} mappings"), error))?;
        known.extend(rows.into_iter().map(|row| (OldId(row.old_id), NewId(row.new_id))));
    }
    Ok(Share { known, ours })
}

async fn settle(connection: &mut PgConnection, entity: &str, settled: &[(OldId, NewId, &str)]) -> Result<(), Error> {
    sqlx::query_file!(
        "queries/settle_mapping.sql",
        entity,
        &settled.iter().map(|(old_id, _, _)| old_id.0).collect::<Vec<_>>(),
        &settled.iter().map(|(_, new_id, _)| new_id.0).collect::<Vec<_>>(),
        &settled.iter().map(|(_, _, origin)| *origin).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(|error| Error::new(format!("record {entity} mappings"), error))
}

async fn by_trade_license(
    connection: &mut PgConnection,
    licenses: impl Iterator<Item = &str>,
) -> Result<HashMap<String, NewId>, Error> {
    let licenses: Vec<&str> = licenses.collect();
    if licenses.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = sqlx::query_file!("queries/customers_by_trade_license.sql", &licenses as _)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new("look up customers by trade licence", error))?;
    Ok(rows.into_iter().map(|row| (row.trade_license, NewId(row.id))).collect())
}

fn is_in(by_license: &HashMap<String, NewId>, customer: &NewCustomer) -> bool {
    customer.trade_license.as_ref().is_some_and(|license| by_license.contains_key(license))
}

/// Inserts customers of different trade licences, but for those whose licence someone else has inserted meanwhile; waits
/// for whoever is about to.
async fn insert_licensed_customers(connection: &mut PgConnection, customers: &[&NewCustomer]) -> Result<NewIds, Error> {
    if customers.is_empty() {
        return Ok(NewIds::new());
    }
    let rows = sqlx::query_file!(
        "queries/insert_licensed_customers.sql",
        &customers.iter().map(|customer| customer.name.as_str()).collect::<Vec<_>>() as _,
        &customers.iter().map(|customer| customer.trade_license.as_deref()).collect::<Vec<_>>() as _,
        &customers.iter().map(|customer| customer.email.as_deref()).collect::<Vec<_>>() as _,
        &customers.iter().map(|customer| customer.phone.as_deref()).collect::<Vec<_>>() as _,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| Error::new("insert customers", error))?;
    let given: HashMap<(Option<&str>, &str), OldId> = customers
        .iter()
        .map(|customer| ((customer.trade_license.as_deref(), customer.name.as_str()), customer.old_id))
        .collect();
    rows.iter()
        .map(|row| {
            let old_id = given.get(&(row.trade_license.as_deref(), row.name.as_str()));
            Ok((*old_id.ok_or_else(|| stored_others("customers"))?, NewId(row.id)))
        })
        .collect()
}

async fn insert_customers(connection: &mut PgConnection, customers: &[&NewCustomer]) -> Result<NewIds, Error> {
    if customers.is_empty() {
        return Ok(NewIds::new());
    }
    let rows = sqlx::query_file!(
        "queries/insert_customers.sql",
        &customers.iter().map(|customer| customer.name.as_str()).collect::<Vec<_>>() as _,
        &customers.iter().map(|customer| customer.trade_license.as_deref()).collect::<Vec<_>>() as _,
        &customers.iter().map(|customer| customer.email.as_deref()).collect::<Vec<_>>() as _,
        &customers.iter().map(|customer| customer.phone.as_deref()).collect::<Vec<_>>() as _,
    )
    .fetch_all(connection)
    .await
    .map_err(|error| Error::new("insert customers", error))?;
    let names = customers.iter().map(|customer| customer.name.as_str());
    let new_ids = in_order("customers", names, rows.into_iter().map(|row| (row.id, row.name)).collect())?;
    Ok(customers.iter().map(|customer| customer.old_id).zip(new_ids).collect())
}

/// The new ids, after making sure that the database returned the rows in the order they were given.
fn in_order<'a>(
    table: &str,
    names: impl ExactSizeIterator<Item = &'a str>,
    rows: Vec<(i64, String)>,
) -> Result<Vec<NewId>, Error> {
    if rows.len() == names.len() && names.zip(&rows).all(|(name, (_, stored))| name == stored) {
        return Ok(rows.into_iter().map(|(id, _)| NewId(id)).collect());
    }
    Err(stored_others(table))
}

fn stored_others(table: &str) -> Error {
    let reason = "the destination stored other rows than were given, or in another order; does a trigger change them?";
    Error::unexpected(format!("insert {table}"), reason)
}
