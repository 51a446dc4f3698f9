//! How far the mappings of users, customers and technicians reach.

use std::collections::HashSet;

use certferry_bootstrap::HintFrom;
use certferry_certificate::{NewId, OldId};
use certferry_migration::{Distinct, References, percent};
use certferry_source::Source;
use certferry_store::{Dangling, Database, Mapping};
use serde::Serialize;

/// Mappings that are read at a time.
const PAGE: i64 = 1000;

/// How many mappings that lead nowhere are named.
const NAMED: i64 = 10;

/// How far the mappings reach.
#[derive(Debug, Serialize)]
pub(super) struct Coverage {
    pub(super) users: Reach,
    pub(super) customers: Reach,
    pub(super) technicians: Reach,
}

/// How far the mapping of one entity reaches.
#[derive(Debug, Default, Serialize)]
pub(super) struct Reach {
    /// How many entries it has.
    pub(super) entries: u64,
    /// How many different ones the planned certificates name; null where none were planned.
    pub(super) named_by_certificates: Option<u64>,
    /// Those of them that are mapped.
    pub(super) mapped: Option<u64>,
    /// The same in per cent.
    pub(super) percent: Option<f64>,
    /// Entries whose old id the source does not have, which do no harm; null for users, whom no source query reads.
    unknown_to_source: Option<u64>,
    /// Entries whose new id the destination does not have.
    pub(super) dangling: u64,
    /// The first ten of those.
    pub(super) dangling_named: Vec<Leads>,
}

/// A mapping that leads nowhere.
#[derive(Debug, Serialize)]
pub(super) struct Leads {
    pub(super) old_id: OldId,
    pub(super) new_id: NewId,
}

/// Looks at the mappings, against the destination and the source, and against what certificates refer to.
pub(super) async fn look(
    database: &Database,
    source: &Source,
    references: Option<&References>,
) -> anyhow::Result<Coverage> {
    let named = |of: fn(&References) -> &Distinct| references.and_then(|references| of(references).sorted());
    Ok(Coverage {
        users: reach(database, source, Mapping::Users, named(|all| &all.users)).await?,
        customers: reach(database, source, Mapping::Customers, named(|all| &all.customers)).await?,
        technicians: reach(database, source, Mapping::Technicians, named(|all| &all.technicians)).await?,
    })
}

async fn reach(
    database: &Database,
    source: &Source,
    mapping: Mapping,
    named: Option<Vec<OldId>>,
) -> anyhow::Result<Reach> {
    let hint = certferry_store::Error::hint;
    let Dangling { total, named: dangling } =
        certferry_store::dangling_mappings(database, mapping, NAMED).await.hint_from(hint)?;
    let (mut entries, mut mapped, mut known, mut after) = (0, 0, Some(0), None);
    loop {
        let mut snapshot = database.begin_snapshot().await.hint_from(hint)?;
        let page = certferry_store::mapping_page(&mut snapshot, mapping, after, PAGE).await.hint_from(hint)?;
        snapshot.rollback().await.hint_from(hint)?;
        after = page.last().map(|(old_id, _)| *old_id);
        entries += page.len() as u64;
        let ids: Vec<OldId> = page.iter().map(|(old_id, _)| *old_id).collect();
        let is_named = |id: &&OldId| named.as_ref().is_some_and(|named| named.binary_search(id).is_ok());
        mapped += ids.iter().filter(is_named).count() as u64;
        let found = known_to(source, mapping, &ids).await?;
        known = known.zip(found).map(|(known, found)| known + found);
        if page.len() < usize::try_from(PAGE)? {
            break;
        }
    }
    let count = named.as_ref().map(|named| named.len() as u64);
    Ok(Reach {
        entries,
        named_by_certificates: count,
        mapped: count.map(|_| mapped),
        percent: count.and_then(|count| percent(mapped, count)),
        unknown_to_source: known.map(|known| entries - known),
        dangling: total,
        dangling_named: dangling.into_iter().map(|(old_id, new_id)| Leads { old_id, new_id }).collect(),
    })
}

/// How many of the ids the source has; none for users, whom no source query reads.
async fn known_to(source: &Source, mapping: Mapping, ids: &[OldId]) -> anyhow::Result<Option<u64>> {
    let hint = certferry_source::Error::hint;
    let found: HashSet<OldId> = match mapping {
        Mapping::Customers => source.customers(ids).await.hint_from(hint)?.into_iter().map(|row| row.id).collect(),
        Mapping::Technicians => source.technicians(ids).await.hint_from(hint)?.into_iter().map(|row| row.id).collect(),
        Mapping::Users | Mapping::Certificates => return Ok(None),
    };
    Ok(Some(found.len() as u64))
}

impl Coverage {
    /// What should be known of them.
    pub(super) fn notes(&self) -> Vec<String> {
        let each = [("users", &self.users), ("customers", &self.customers), ("technicians", &self.technicians)];
        let dangling = each.into_iter().filter(|(_, reach)| reach.dangling > 0);
        dangling
            .map(|(entity, reach)| {
                let leads = |lead: &Leads| format!("{} to {}", lead.old_id, lead.new_id);
                let named: Vec<String> = reach.dangling_named.iter().map(leads).collect();
                let more = if reach.dangling > named.len() as u64 { ", …" } else { "" };
                format!(
                    "{} mappings of {entity} lead to ids that the destination does not have: {}{more}",
                    reach.dangling,
                    named.join(", ")
                )
            })
            .collect()
    }
}
