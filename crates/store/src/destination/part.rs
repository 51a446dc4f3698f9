//! Writing plans by one statement, besides what their customers and technicians take.

use std::collections::HashSet;

use certferry_certificate::{OldId, Plan};
use sqlx::PgConnection;

use super::insert::{self, Fate};
use super::people::{self, People, Resolved};
use super::refusal::number_taken;
use super::{Refused, Writing, Written};
use crate::{Error, Uniqueness};

/// What became of plans that were written together.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) writing: Writing,
    pub(super) resolved: Resolved,
    /// Plans that are refused and have left something behind: the others must be written anew, without them.
    pub(super) without: Vec<Refused>,
}

/// Writes plans in their order, each for itself. An error means that the database refused a customer, a technician or a
/// device.
pub(super) async fn write_part(
    connection: &mut PgConnection,
    plans: &[&Plan],
    people: &People,
    uniqueness: &Uniqueness,
) -> Result<Part, Error> {
    if plans.is_empty() {
        return Ok(Part::default());
    }
    let mut part = Part { resolved: people::resolve(connection, plans, people, uniqueness).await?, ..Part::default() };
    for (plan, fate) in plans.iter().zip(insert::each(connection, plans, &part.resolved).await?) {
        match fate {
            Fate::Written { new_certificate_id, new_vehicle_id, vehicle_refused } => {
                part.writing.is_surprised |= vehicle_refused.is_some();
                let mut warnings = plan.warnings.clone();
                match vehicle_refused {
                    // A transient refusal is the certificate's to try again, not the vehicle's to lose.
                    Some(refusal) if !refusal.code.is_permanent() => part.without.push(refusal.of(plan)),
                    // Whatever the plan warned of was about the vehicle, which is not there now.
                    Some(refusal) => warnings = vec![refusal.of_vehicle(plan)],
                    None => {}
                }
                let people = part.resolved.people_ids(plan);
                part.writing.written.push(Written {
                    id: plan.id,
                    new_certificate_id,
                    new_vehicle_id,
                    people,
                    warnings,
                });
            }
            Fate::NumberTaken(holder) => part.writing.refused.push(number_taken(plan, Some(holder))),
            Fate::Refused(refusal) => {
                part.writing.is_surprised = true;
                part.writing.refused.push(refusal.of(plan));
            }
        }
    }
    if part.without.is_empty() {
        part.without = refused_with_people(plans, &part.writing, people);
    }
    Ok(part)
}

/// The refused plans for which customers or technicians were created or matched that no other plan needs.
fn refused_with_people(plans: &[&Plan], writing: &Writing, people: &People) -> Vec<Refused> {
    let refused: HashSet<OldId> = writing.refused.iter().map(|refused| refused.id).collect();
    let (refused, written): (Vec<&Plan>, Vec<&Plan>) = plans.iter().partition(|plan| refused.contains(&plan.id));
    let needed: HashSet<_> = written.into_iter().flat_map(|plan| people.created_for(plan)).collect();
    let left_behind: HashSet<OldId> = refused
        .into_iter()
        .filter(|plan| people.created_for(plan).any(|person| !needed.contains(&person)))
        .map(|plan| plan.id)
        .collect();
    writing.refused.iter().filter(|refused| left_behind.contains(&refused.id)).cloned().collect()
}
