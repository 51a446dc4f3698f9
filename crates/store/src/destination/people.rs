//! Customers and technicians that have no mapping yet: created once, under any number of workers.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use certferry_certificate::{
    CustomerPlan, NewCustomer, NewId, NewTechnician, OldId, PeopleIds, PersonColumns, Plan, TechnicianPlan,
    person_evidence,
};
use sqlx::PgConnection;

use super::people_rows::{insert_customers, insert_licensed_customers, insert_technicians};
use crate::error::AmbiguousLicense;
use crate::{Error, Uniqueness};

/// The destination ids of people that were not mapped when they were planned.
pub(super) type NewIds = HashMap<OldId, NewId>;

/// The mappings of the people that a transaction's plans need: those that lead somewhere, and those that are reserved
/// for this transaction to create.
#[derive(Debug, Default)]
pub(super) struct People {
    customers: NewIds,
    technicians: NewIds,
    ours: BTreeSet<Person>,
}

/// Whom plans need that were not mapped when they were planned.
#[derive(Debug, Default)]
pub(super) struct Resolved {
    customers: NewIds,
    technicians: NewIds,
}

impl Resolved {
    /// The destination ids of everybody that a plan names.
    pub(super) fn people_ids(&self, plan: &Plan) -> PeopleIds {
        PeopleIds {
            customer_id: self.customer_id(&plan.customer),
            calibration_technician_id: self.technician_id(plan.calibration_technician.as_ref()),
            installation_technician_id: self.technician_id(plan.installation_technician.as_ref()),
        }
    }

    /// The destination customer of a plan.
    pub(super) fn customer_id(&self, plan: &CustomerPlan) -> NewId {
        match plan {
            CustomerPlan::Existing(id) => *id,
            CustomerPlan::Matched { old_id, .. } => self.customers[old_id],
            CustomerPlan::MatchOrCreate(customer) => self.customers[&customer.old_id],
        }
    }

    /// The destination technician of a plan, if it has one.
    pub(super) fn technician_id(&self, plan: Option<&TechnicianPlan>) -> Option<NewId> {
        plan.map(|plan| match plan {
            TechnicianPlan::Existing(id) => *id,
            TechnicianPlan::Create(technician) => self.technicians[&technician.old_id],
        })
    }
}

/// A mapping to record: entity, old id, new id and origin.
type Settled = (&'static str, OldId, NewId, &'static str);

/// A legacy customer or technician.
pub(super) type Person = (&'static str, OldId);

const CUSTOMER: &str = "customer";
const TECHNICIAN: &str = "technician";

impl People {
    /// Reserves every mapping that the plans need and nobody has recorded; waits for whoever is recording one of them.
    pub(super) async fn reserve(connection: &mut PgConnection, plans: &[&Plan]) -> Result<Self, Error> {
        let needed: BTreeSet<Person> = plans.iter().flat_map(|plan| people_of(plan)).collect();
        if needed.is_empty() {
            return Ok(Self::default());
        }
        let (entities, old_ids) = columns(&needed);
        let ours: HashSet<(String, i64)> = sqlx::query_file!("queries/reserve_mapping.sql", &entities as _, &old_ids)
            .fetch_all(&mut *connection)
            .await
            .map_err(|error| Error::new("reserve mappings", error))?
            .into_iter()
            .map(|row| (row.entity, row.old_id))
            .collect();
        let is_ours = |(entity, old_id): &Person| ours.contains(&((*entity).to_owned(), old_id.0));
        let (ours, created_elsewhere): (BTreeSet<Person>, BTreeSet<Person>) = needed.into_iter().partition(is_ours);
        let mut people = Self { ours, ..Self::default() };
        if !created_elsewhere.is_empty() {
            let (entities, old_ids) = columns(&created_elsewhere);
            let rows = sqlx::query_file!("queries/mapped.sql", &entities as _, &old_ids)
                .fetch_all(connection)
                .await
                .map_err(|error| Error::new("read mappings", error))?;
            for row in rows {
                let of_entity = if row.entity == CUSTOMER { &mut people.customers } else { &mut people.technicians };
                of_entity.insert(OldId(row.old_id), NewId(row.new_id));
            }
        }
        Ok(people)
    }

    /// Remembers whom a part of the plans has matched or created for good.
    pub(super) fn know(&mut self, resolved: Resolved) {
        self.customers.extend(resolved.customers);
        self.technicians.extend(resolved.technicians);
    }

    /// Whether nobody has to be created.
    pub(super) fn are_known(&self) -> bool {
        self.ours.is_empty()
    }

    /// The customers and technicians that are created or matched for a plan, and not known before it.
    pub(super) fn created_for(&self, plan: &Plan) -> impl Iterator<Item = Person> {
        people_of(plan).filter(|person| !self.is_known(person))
    }

    /// Gives back what was reserved for certificates that were refused.
    pub(super) async fn release(self, connection: &mut PgConnection) -> Result<(), Error> {
        let unused: Vec<Person> = self.ours.iter().filter(|person| !self.is_known(person)).copied().collect();
        if unused.is_empty() {
            return Ok(());
        }
        let (entities, old_ids) = columns(&unused);
        sqlx::query_file!("queries/release_mapping.sql", &entities as _, &old_ids)
            .execute(connection)
            .await
            .map(drop)
            .map_err(|error| Error::new("give back mappings", error))
    }

    fn is_known(&self, (entity, old_id): &Person) -> bool {
        let of_entity = if *entity == CUSTOMER { &self.customers } else { &self.technicians };
        of_entity.contains_key(old_id)
    }
}

/// The ids of those that are needed and known, and those that are to be created, in order.
fn split(needed: impl Iterator<Item = OldId>, known: &NewIds) -> (NewIds, Vec<OldId>) {
    let (mut found, mut reserved) = (NewIds::new(), Vec::new());
    for old_id in needed {
        match known.get(&old_id) {
            Some(new_id) => drop(found.insert(old_id, *new_id)),
            None => reserved.push(old_id),
        }
    }
    (found, reserved)
}

fn columns<'a>(people: impl IntoIterator<Item = &'a Person>) -> (Vec<&'static str>, Vec<i64>) {
    people.into_iter().map(|(entity, old_id)| (*entity, old_id.0)).unzip()
}

/// The people of a plan that were not mapped when it was planned.
fn people_of(plan: &Plan) -> impl Iterator<Item = Person> {
    let customers = needed_customers(&[plan]).into_keys().map(|id| (CUSTOMER, id));
    customers.chain(needed_technicians(&[plan]).into_keys().map(|id| (TECHNICIAN, id)))
}

/// Whether writing a plan may insert a customer who has a trade licence.
pub(super) fn may_create_licensed_customer(plan: &Plan) -> bool {
    matches!(&plan.customer, CustomerPlan::MatchOrCreate(customer) if customer.trade_license.is_some())
}

/// A customer that was not mapped when it was planned.
#[derive(Clone, Copy)]
enum NeededCustomer<'a> {
    /// The destination has its trade licence: it is this customer.
    Matched(NewId),
    /// It is created, unless someone has created its trade licence meanwhile.
    New(&'a NewCustomer),
}

fn needed_customers<'a>(plans: &[&'a Plan]) -> BTreeMap<OldId, NeededCustomer<'a>> {
    let needed = plans.iter().filter_map(|plan| match &plan.customer {
        CustomerPlan::Existing(_) => None,
        CustomerPlan::Matched { old_id, new_id } => Some((*old_id, NeededCustomer::Matched(*new_id))),
        CustomerPlan::MatchOrCreate(customer) => Some((customer.old_id, NeededCustomer::New(customer))),
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

/// Matches or creates every customer and technician that the plans need. `rules.md`, Mappings.
pub(super) async fn resolve(
    connection: &mut PgConnection,
    plans: &[&Plan],
    people: &People,
    uniqueness: &Uniqueness,
) -> Result<Resolved, Error> {
    let mut settled = Vec::new();
    let customers = customers(connection, plans, &people.customers, uniqueness, &mut settled).await?;
    let technicians = technicians(connection, plans, &people.technicians, &mut settled).await?;
    settle(connection, &settled, plans).await?;
    Ok(Resolved { customers, technicians })
}

async fn customers(
    connection: &mut PgConnection,
    plans: &[&Plan],
    known: &NewIds,
    uniqueness: &Uniqueness,
    settled: &mut Vec<Settled>,
) -> Result<NewIds, Error> {
    let needed = needed_customers(plans);
    let (mut resolved, reserved) = split(needed.keys().copied(), known);
    let mut new = BTreeMap::new();
    for old_id in reserved {
        match needed[&old_id] {
            NeededCustomer::Matched(new_id) => {
                resolved.insert(old_id, new_id);
                settled.push((CUSTOMER, old_id, new_id, "matched"));
            }
            NeededCustomer::New(customer) => drop(new.insert(old_id, customer)),
        }
    }
    let (needed, reserved): (_, Vec<OldId>) = (&new, new.keys().copied().collect());
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
    let mut created = NewIds::new();
    let mut in_the_way: Vec<&NewCustomer> = Vec::new();
    if uniqueness.of_trade_licenses() {
        created = insert_licensed_customers(connection, &licensed).await?;
        in_the_way = licensed.into_iter().filter(|customer| !created.contains_key(&customer.old_id)).collect();
    } else {
        // Licences are locked, so nobody else inserts one of them.
        others.extend(licensed);
    }
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

    for old_id in reserved {
        let origin = if resolved.contains_key(&old_id) { "created" } else { "matched" };
        let matched = needed[&old_id].trade_license.as_ref().and_then(|license| by_license.get(license)).copied();
        let new_id = *resolved.entry(old_id).or_insert_with(|| matched.expect("not created, so its licence is known"));
        settled.push((CUSTOMER, old_id, new_id, origin));
    }
    Ok(resolved)
}

async fn technicians(
    connection: &mut PgConnection,
    plans: &[&Plan],
    known: &NewIds,
    settled: &mut Vec<Settled>,
) -> Result<NewIds, Error> {
    let needed = needed_technicians(plans);
    let (mut resolved, reserved) = split(needed.keys().copied(), known);
    if reserved.is_empty() {
        return Ok(resolved);
    }

    let creating: Vec<&NewTechnician> = reserved.iter().map(|old_id| needed[old_id]).collect();
    let created = insert_technicians(connection, &creating).await?;
    for (technician, new_id) in creating.into_iter().zip(created) {
        settled.push((TECHNICIAN, technician.old_id, new_id, "created"));
        resolved.insert(technician.old_id, new_id);
    }
    Ok(resolved)
}

/// Records mappings, each with the certificate of the lowest id that needs it.
async fn settle(connection: &mut PgConnection, settled: &[Settled], plans: &[&Plan]) -> Result<(), Error> {
    if settled.is_empty() {
        return Ok(());
    }
    let mut needed_by: HashMap<Person, OldId> = HashMap::new();
    for plan in plans {
        for person in people_of(plan) {
            let first = needed_by.entry(person).or_insert(plan.id);
            *first = plan.id.min(*first);
        }
    }
    let (customers, technicians) = (needed_customers(plans), needed_technicians(plans));
    let evidence = |entity: &str, old_id: &OldId, origin: &str| match (entity, customers.get(old_id)) {
        _ if origin != "created" => None,
        (CUSTOMER, Some(NeededCustomer::New(NewCustomer { name, trade_license, email, phone, .. }))) => {
            let (trade_license, email, phone) = (trade_license.as_deref(), email.as_deref(), phone.as_deref());
            Some(person_evidence(&PersonColumns::Customer { name, trade_license, email, phone }))
        }
        (TECHNICIAN, _) => technicians.get(old_id).map(|NewTechnician { user_id, name, phone, .. }| {
            person_evidence(&PersonColumns::Technician { user_id: *user_id, name, phone: phone.as_deref() })
        }),
        _ => None,
    };
    let needed_by = |entity: &'static str, old_id: OldId| needed_by.get(&(entity, old_id)).map(|id| id.0);
    sqlx::query_file!(
        "queries/settle_mapping.sql",
        &settled.iter().map(|(entity, ..)| *entity).collect::<Vec<_>>() as _,
        &settled.iter().map(|(_, old_id, ..)| old_id.0).collect::<Vec<_>>(),
        &settled.iter().map(|(_, _, new_id, _)| new_id.0).collect::<Vec<_>>(),
        &settled.iter().map(|(.., origin)| *origin).collect::<Vec<_>>() as _,
        &settled.iter().map(|(entity, old_id, ..)| needed_by(entity, *old_id)).collect::<Vec<_>>() as _,
        &settled.iter().map(|(entity, old_id, _, origin)| evidence(entity, old_id, origin)).collect::<Vec<_>>() as _,
    )
    .execute(connection)
    .await
    .map(drop)
    .map_err(|error| Error::new("record mappings", error))
}

/// The customers of the destination who have these trade licences. Fails where several have one of them.
async fn by_trade_license(
    connection: &mut PgConnection,
    licenses: impl Iterator<Item = &str>,
) -> Result<HashMap<String, NewId>, Error> {
    let licenses: Vec<&str> = licenses.collect();
    if licenses.is_empty() {
        return Ok(HashMap::new());
    }
    let doing = "look up customers by trade licence";
    let rows = sqlx::query_file!("queries/customers_by_trade_license.sql", &licenses as _)
        .fetch_all(connection)
        .await
        .map_err(|error| Error::new(doing, error))?;
    let mut by_license: HashMap<String, NewId> = HashMap::with_capacity(rows.len());
    for row in rows {
        // Another one may have come since the certificates were planned; of a licence that nobody asked for it is no matter.
        let is_second = by_license.insert(row.trade_license.clone(), NewId(row.id)).is_some();
        if is_second && licenses.contains(&row.trade_license.as_str()) {
            return Err(Error::ambiguous(doing, AmbiguousLicense));
        }
    }
    Ok(by_license)
}

fn is_in(by_license: &HashMap<String, NewId>, customer: &NewCustomer) -> bool {
    customer.trade_license.as_ref().is_some_and(|license| by_license.contains_key(license))
}
