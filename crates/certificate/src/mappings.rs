//! `rules.md`, Mappings: users, customers and technicians. The mapping decides first.

use std::fmt::Display;

use crate::issues::Issues;
use crate::text::Reading;
use crate::{
    Code, CustomerPlan, LegacyText, Lookups, Mapped, NewCustomer, NewId, NewTechnician, OldId, OnMissing, Policy,
    TechnicianPlan,
};

/// The destination's user of the certificate.
pub(crate) fn user(id: Option<OldId>, lookups: &Lookups, issues: &mut Issues) -> Option<NewId> {
    user_of(id, "user_id", "", lookups, issues)
}

/// The destination's user of whatever `owner` says, nothing for the certificate itself.
fn user_of(
    id: Option<OldId>,
    field: &str,
    owner: impl Display,
    lookups: &Lookups,
    issues: &mut Issues,
) -> Option<NewId> {
    let Some(id) = id else {
        issues.add(Code::MissingField, Some(field), format!("user_id{owner} is required and missing"));
        return None;
    };
    if let Some(mapped) = lookups.users.get(&id) {
        return existing(field, format_args!("user {id}{owner}"), *mapped, issues);
    }
    let message = format!("user {id}{owner} is not mapped: add it to the mapping of users");
    issues.add(Code::MissingUserMapping, Some(field), message);
    None
}

/// The customer, mapped or to be matched or created.
pub(crate) fn customer(
    id: Option<OldId>,
    lookups: &Lookups,
    policy: &Policy,
    issues: &mut Issues,
) -> Option<CustomerPlan> {
    let field = "customer_id";
    let Some(id) = id else {
        issues.add(Code::MissingField, Some(field), format!("{field} is required and missing"));
        return None;
    };
    if let Some(mapped) = lookups.customers.get(&id) {
        return existing(field, format_args!("customer {id}"), *mapped, issues).map(CustomerPlan::Existing);
    }
    let legacy = match policy.customers {
        OnMissing::Create => lookups.legacy_customers.get(&id),
        OnMissing::Fail => None,
    };
    let Some(legacy) = legacy else {
        issues.add(Code::MissingCustomerMapping, Some(field), unmapped("customer", id, policy.customers));
        return None;
    };
    let mut part = Part { entity: "customer", id, issues };
    let name = part.required("name", "customer.name", &legacy.name);
    let trade_license = part.optional("trade_license", Some("customer.trade_license"), &legacy.trade_license);
    let email = part.optional("email", None, &legacy.email);
    let phone = part.optional("phone", None, &legacy.phone);
    let limit = |column| lookups.limits.of("customers", column);
    part.must_fit("trade_license", Some("customer.trade_license"), trade_license, limit("trade_license"));
    if trade_license.is_none() {
        // With a trade licence the customer may be in the destination already, and then none of this is written.
        part.must_fit("name", Some("customer.name"), name, limit("name"));
        part.must_fit("email", None, email, limit("email"));
        part.must_fit("phone", None, phone, limit("phone"));
    }
    Some(CustomerPlan::MatchOrCreate(NewCustomer {
        old_id: id,
        name: name?.to_owned(),
        trade_license: trade_license.map(str::to_owned),
        email: email.map(str::to_owned),
        phone: phone.map(str::to_owned),
    }))
}

/// A technician, mapped or to be created; `None` also when the certificate names none.
pub(crate) fn technician(
    id: Option<OldId>,
    field: &str,
    lookups: &Lookups,
    policy: &Policy,
    issues: &mut Issues,
) -> Option<TechnicianPlan> {
    let id = id?;
    if let Some(mapped) = lookups.technicians.get(&id) {
        return existing(field, format_args!("technician {id}"), *mapped, issues).map(TechnicianPlan::Existing);
    }
    let legacy = match policy.technicians {
        OnMissing::Create => lookups.legacy_technicians.get(&id),
        OnMissing::Fail => None,
    };
    let Some(legacy) = legacy else {
        issues.add(Code::MissingTechnicianMapping, Some(field), unmapped("technician", id, policy.technicians));
        return None;
    };
    let owner = format_args!(" of technician {id}");
    let user_id = user_of(legacy.user_id, "technician.user_id", owner, lookups, issues);
    let mut part = Part { entity: "technician", id, issues };
    let name = part.required("name", "technician.name", &legacy.name);
    let phone = part.optional("phone", None, &legacy.phone);
    part.must_fit("name", Some("technician.name"), name, lookups.limits.of("technicians", "name"));
    part.must_fit("phone", None, phone, lookups.limits.of("technicians", "phone"));
    Some(TechnicianPlan::Create(NewTechnician {
        old_id: id,
        user_id: user_id?,
        name: name?.to_owned(),
        phone: phone.map(str::to_owned),
    }))
}

/// The destination's row that a mapping leads to, unless it dangles.
fn existing(field: &str, what: impl Display, mapped: Mapped, issues: &mut Issues) -> Option<NewId> {
    if mapped.exists {
        return Some(mapped.new_id);
    }
    let message = format!("{what} is mapped to {}, which the destination does not have", mapped.new_id);
    issues.add(Code::DanglingMapping, Some(field), message);
    None
}

fn unmapped(entity: &str, id: OldId, on_missing: OnMissing) -> String {
    match on_missing {
        OnMissing::Create => format!("{entity} {id} is not mapped, and the source does not have it"),
        OnMissing::Fail => format!("{entity} {id} is not mapped, and creating a {entity} is turned off"),
    }
}

/// The legacy row of a customer or technician. Its texts are about people, so no message shows them.
struct Part<'i> {
    entity: &'static str,
    id: OldId,
    issues: &'i mut Issues,
}

impl Part<'_> {
    fn required<'a>(&mut self, column: &str, field: &str, text: &'a LegacyText) -> Option<&'a str> {
        if let Reading::Missing = Reading::of(text) {
            let message = format!("the {column} of {} {} is required and missing", self.entity, self.id);
            self.issues.add(Code::MissingField, Some(field), message);
            return None;
        }
        self.optional(column, Some(field), text)
    }

    fn optional<'a>(&mut self, column: &str, field: Option<&str>, text: &'a LegacyText) -> Option<&'a str> {
        let why = match Reading::of(text) {
            Reading::Missing => return None,
            Reading::Text(text) => return Some(text),
            Reading::Nul(_) => "has a NUL character in it",
            Reading::Undecodable => "holds bytes that are no text in its encoding",
        };
        self.issues.add(Code::InvalidText, field, format!("the {column} of {} {} {why}", self.entity, self.id));
        None
    }

    fn must_fit(&mut self, column: &str, field: Option<&str>, text: Option<&str>, limit: Option<usize>) {
        if let (Some(text), Some(_)) = (text, limit) {
            let what = format!("the {column} of {} {}", self.entity, self.id);
            self.issues.must_fit(field, &what, text, limit);
        }
    }
}
