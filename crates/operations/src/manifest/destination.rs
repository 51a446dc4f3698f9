use std::collections::BTreeMap;

use certferry_bootstrap::HintFrom;
use certferry_store::Database;
use serde::{Deserialize, Serialize};

use super::Difference;

/// The destination's tables and type. Their oids tell them from others of the same names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Destination {
    schema: String,
    objects: BTreeMap<String, u32>,
}

impl Destination {
    pub(super) async fn of(database: &Database) -> anyhow::Result<Self> {
        let tables = certferry_store::destination_tables(database).await.hint_from(certferry_store::Error::hint)?;
        let objects = tables.into_iter().map(|table| (table.name, table.oid)).collect();
        Ok(Self { schema: database.destination_schema().to_owned(), objects })
    }

    pub(super) fn differences(&self, present: &Self) -> Vec<Difference> {
        if self.objects == present.objects {
            return Vec::new();
        }
        let is_other = |(name, oid): &(&String, &u32)| present.objects.get(*name) != Some(*oid);
        let changed: Vec<&str> = self.objects.iter().filter(is_other).map(|(name, _)| name.as_str()).collect();
        vec![Difference {
            key: "destination.schema".to_owned(),
            recorded: format!("{} of schema {}", changed.join(", "), self.schema),
            present: format!("what has these names in schema {}, and is something else", present.schema),
        }]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn destination(schema: &str, first: u32) -> Destination {
        let names = ["certificates", "devices", "users"];
        let objects = names.iter().zip(first..).map(|(name, oid)| ((*name).to_owned(), oid)).collect();
        Destination { schema: schema.to_owned(), objects }
    }

    #[test]
    fn tables_are_told_by_their_oids() {
        let recorded = destination("new", 100);
        assert_eq!(recorded.differences(&destination("new", 100)), []);
        assert_eq!(recorded.differences(&destination("renamed", 100)), [], "the tables are the same");
        let said = |present: &Destination| recorded.differences(present)[0].to_string();
        assert_eq!(
            said(&destination("public", 200)),
            "destination.schema: recorded is certificates, devices, users of schema new, now it is what has these names in \
             schema public, and is something else"
        );
        let mut one = destination("new", 100);
        one.objects.insert("devices".to_owned(), 7);
        assert!(said(&one).starts_with("destination.schema: recorded is devices of schema new, "), "{}", said(&one));
    }
}
