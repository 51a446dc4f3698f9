//! Customers and technicians that the migration created.

use std::collections::HashMap;

use certferry_certificate::{Finding, Found, LegacyText, Lookups, NewId, OldId, PersonColumns, trade_license};
use certferry_store::{CreatedPerson, Needed, Range, RangeOf, lookups_within};

use super::{Looked, Verify};
use crate::Error;

impl Verify {
    pub(super) async fn look_at_people(&self, range: &Range, subjects: Option<&[OldId]>) -> Result<Looked, Error> {
        let mut snapshot = self.planner.database.begin_snapshot().await?;
        let mut people = certferry_store::created_people(&mut snapshot, range.of, range.first, range.last).await?;
        people.retain(|person| subjects.is_none_or(|subjects| subjects.binary_search(&person.old_id).is_ok()));
        let ids: Vec<OldId> = people.iter().map(|person| person.old_id).collect();
        let mut planned = Planned::default();
        if range.of == RangeOf::Customers {
            let rows = self.planner.source.customers(&ids).await?;
            planned.customers = Found::by_key(rows.into_iter().map(|row| (row.id, row)));
        } else {
            let rows = self.planner.source.technicians(&ids).await?;
            let users: Vec<i64> = rows.iter().filter_map(|row| row.user_id.id()).map(|id| id.0).collect();
            let needed = Needed { users, ..Needed::default() };
            planned.lookups = lookups_within(&mut snapshot, &needed, &self.planner.catalog).await?.found;
            planned.technicians = Found::by_key(rows.into_iter().map(|row| (row.id, row)));
        }
        let entity = range.of.as_str();
        let mut looked = Looked::default();
        let mut whose: Vec<(OldId, NewId, Vec<Finding>)> = Vec::new();
        for person in &people {
            let evidence = person.evidence.as_deref().unwrap_or_default();
            if person.evidence.is_none() && person.columns().is_some() {
                // Nothing was kept by an older version: that it is there is all there is to say.
                continue;
            }
            let found = person.columns();
            let of_source = planned.columns(range.of, person);
            let findings =
                self.comparison.person(person.certificate_id, evidence, found.as_ref(), of_source.as_ref(), entity);
            if !findings.is_empty() {
                whose.push((person.old_id, person.new_id, findings));
            }
        }
        if !whose.is_empty() {
            let ids: Vec<NewId> = whose.iter().map(|(_, new_id, _)| *new_id).collect();
            let certificates = certferry_store::certificates_of(&mut snapshot, range.of, &ids).await?;
            for (old_id, new_id, findings) in whose {
                let certificate = certificates.get(&new_id).copied();
                looked.findings.extend(findings.into_iter().map(|finding| {
                    let certificate_id = certificate.or(finding.certificate_id);
                    (old_id, Finding { certificate_id, ..finding })
                }));
            }
        }
        snapshot.rollback().await?;
        Ok(looked)
    }
}

/// What the source says of people today.
#[derive(Default)]
struct Planned {
    customers: HashMap<OldId, Found<certferry_certificate::LegacyCustomer>>,
    technicians: HashMap<OldId, Found<certferry_certificate::LegacyTechnician>>,
    lookups: Lookups,
}

impl Planned {
    /// What would be written of a person; none where the source does not have it, or it could not be created.
    fn columns(&self, of: RangeOf, person: &CreatedPerson) -> Option<PersonColumns<'_>> {
        if of == RangeOf::Customers {
            let row = self.customers.get(&person.old_id)?.one()?;
            let name = certferry_certificate::clean(&row.name)?;
            let [email, phone] = [&row.email, &row.phone].map(|text: &LegacyText| certferry_certificate::clean(text));
            return Some(PersonColumns::Customer { name, trade_license: trade_license(row), email, phone });
        }
        let row = self.technicians.get(&person.old_id)?.one()?;
        let user_id = self.lookups.users.get(&row.user_id.id()?)?.new_id;
        let name = certferry_certificate::clean(&row.name)?;
        Some(PersonColumns::Technician { user_id, name, phone: certferry_certificate::clean(&row.phone) })
    }
}
