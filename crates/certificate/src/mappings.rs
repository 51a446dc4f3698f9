//! `rules.md`, Mappings: users, customers and technicians. The mapping decides first.

use std::fmt::Display;

use crate::issues::Issues;
use crate::person::Person;
use crate::{
    Code, CustomerPlan, Found, LegacyCustomer, Lookups, Mapped, NewCustomer, NewId, NewTechnician, OldId, OnMissing,
    Policy, Reference, TechnicianPlan,
};

/// The destination's user of the certificate.
pub(crate) fn user(reference: &Reference, lookups: &Lookups, issues: &mut Issues) -> Option<NewId> {
    user_of(reference, "user_id", None, lookups, issues)
}

/// The destination's user of a technician, or of the certificate itself.
fn user_of(
    reference: &Reference,
    field: &str,
    technician: Option<OldId>,
    lookups: &Lookups,
    issues: &mut Issues,
) -> Option<NewId> {
    let owner = technician.map(|id| format!(" of technician {id}")).unwrap_or_default();
    let id = issues.required_id(field, format_args!("user_id{owner}"), technician, reference)?;
    if let Some(mapped) = lookups.users.get(&id) {
        return existing(field, format_args!("user {id}{owner}"), id, *mapped, issues);
    }
    let message = format!("user {id}{owner} is not mapped: add it to the mapping of users");
    issues.add_about(Some(id), Code::MissingUserMapping, Some(field), message, Some(&id.to_string()));
    None
}

/// The customer, mapped or to be matched or created.
pub(crate) fn customer(
    reference: &Reference,
    lookups: &Lookups,
    policy: &Policy,
    issues: &mut Issues,
) -> Option<CustomerPlan> {
    let field = "customer_id";
    let id = issues.required_id(field, field, None, reference)?;
    if let Some(mapped) = lookups.customers.get(&id) {
        return existing(field, format_args!("customer {id}"), id, *mapped, issues).map(CustomerPlan::Existing);
    }
    let found = match policy.customers {
        OnMissing::Create => lookups.legacy_customers.get(&id),
        OnMissing::Fail => None,
    };
    let Some(found) = found else {
        let message = unmapped("customer", id, policy.customers);
        issues.add_about(Some(id), Code::MissingCustomerMapping, Some(field), message, Some(&id.to_string()));
        return None;
    };
    let legacy = only_row("customer", id, field, found, issues)?;
    unmapped_customer(legacy, lookups, issues)
}

fn unmapped_customer(legacy: &LegacyCustomer, lookups: &Lookups, issues: &mut Issues) -> Option<CustomerPlan> {
    let limit = |column| lookups.limits.of("customers", column);
    let mut person = Person { entity: "customer", id: legacy.id, issues };
    let is_named = person.require("name", "customer.name", &legacy.name);
    let trade_license = person.text("trade_license", "customer.trade_license", &legacy.trade_license);
    match trade_license.and_then(|license| lookups.customers_by_trade_license.get(license)) {
        // The customer is there already: nothing of this row is written, and the rest of it may be as it likes.
        Some(Found::One(new_id)) => {
            return is_named.then_some(CustomerPlan::Matched { old_id: legacy.id, new_id: *new_id });
        }
        Some(Found::Several) => {
            let why = "belongs to several customers of the destination: map the customer to one of them";
            person.reject(Code::AmbiguousCustomer, "trade_license", "customer.trade_license", why, trade_license);
            return None;
        }
        None => {}
    }
    let name = person.text("name", "customer.name", &legacy.name);
    let email = person.text("email", "customer.email", &legacy.email);
    let phone = person.text("phone", "customer.phone", &legacy.phone);
    person.must_fit("name", "customer.name", name, limit("name"));
    person.must_fit("trade_license", "customer.trade_license", trade_license, limit("trade_license"));
    person.must_fit("email", "customer.email", email, limit("email"));
    person.must_fit("phone", "customer.phone", phone, limit("phone"));
    Some(CustomerPlan::MatchOrCreate(NewCustomer {
        old_id: legacy.id,
        name: name?.to_owned(),
        trade_license: trade_license.map(str::to_owned),
        email: email.map(str::to_owned),
        phone: phone.map(str::to_owned),
    }))
}

/// A technician, mapped or to be created; `None` also when the certificate names none.
pub(crate) fn technician(
    reference: &Reference,
    field: &str,
    lookups: &Lookups,
    policy: &Policy,
    issues: &mut Issues,
) -> Option<TechnicianPlan> {
    let id = issues.optional_id(field, field, None, reference)?;
    if let Some(mapped) = lookups.technicians.get(&id) {
        return existing(field, format_args!("technician {id}"), id, *mapped, issues).map(TechnicianPlan::Existing);
    }
    let found = match policy.technicians {
        OnMissing::Create => lookups.legacy_technicians.get(&id),
        OnMissing::Fail => None,
    };
    let Some(found) = found else {
        let message = unmapped("technician", id, policy.technicians);
        issues.add_about(Some(id), Code::MissingTechnicianMapping, Some(field), message, Some(&id.to_string()));
        return None;
    };
    let legacy = only_row("technician", id, field, found, issues)?;
    let user_id = user_of(&legacy.user_id, "technician.user_id", Some(id), lookups, issues);
    let mut person = Person { entity: "technician", id, issues };
    person.require("name", "technician.name", &legacy.name);
    let name = person.text("name", "technician.name", &legacy.name);
    let phone = person.text("phone", "technician.phone", &legacy.phone);
    person.must_fit("name", "technician.name", name, lookups.limits.of("technicians", "name"));
    person.must_fit("phone", "technician.phone", phone, lookups.limits.of("technicians", "phone"));
    Some(TechnicianPlan::Create(NewTechnician {
        old_id: id,
        user_id: user_id?,
        name: name?.to_owned(),
        phone: phone.map(str::to_owned),
    }))
}

/// The destination's row that a mapping leads to, unless it dangles.
fn existing(field: &str, what: impl Display, id: OldId, mapped: Mapped, issues: &mut Issues) -> Option<NewId> {
    if mapped.exists {
        return Some(mapped.new_id);
    }
    let message = format!("{what} is mapped to {}, which the destination does not have", mapped.new_id);
    issues.add_about(Some(id), Code::DanglingMapping, Some(field), message, Some(&id.to_string()));
    None
}

fn unmapped(entity: &str, id: OldId, on_missing: OnMissing) -> String {
    match on_missing {
        OnMissing::Create => format!("{entity} {id} is not mapped, and the source does not have it"),
        OnMissing::Fail => format!("{entity} {id} is not mapped, and creating a {entity} is turned off"),
    }
}

/// The legacy row with this id, unless several have it.
fn only_row<'a, T>(entity: &str, id: OldId, field: &str, found: &'a Found<T>, issues: &mut Issues) -> Option<&'a T> {
    let row = found.one();
    if row.is_none() {
        let message = format!("several rows of the source are {entity} {id}, so it cannot be told which is meant");
        issues.add_about(Some(id), Code::InvalidId, Some(field), message, Some(&id.to_string()));
    }
    row
}
