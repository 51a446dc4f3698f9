use std::collections::{BTreeMap, HashMap};

use certferry_bootstrap::{Config, HintFrom};
use certferry_certificate::{LegacyText, OldId};
use certferry_source::{Class, Entity, Error, Selection, Source};
use serde::{Deserialize, Serialize};

use super::Difference;

/// How many certificates are remembered, those with the lowest ids.
const REMEMBERED: u32 = 100;

/// How much of a query is shown.
const SHOWN: usize = 60;

/// What tells one legacy database from another, by whatever way it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Fingerprint {
    product: String,
    database: Option<String>,
    server: Option<String>,
    /// The query of each key of the configuration that has one.
    queries: BTreeMap<String, String>,
    /// The name and type of each column that is read, by the key of its query; none for one that cannot be asked.
    columns: BTreeMap<String, Vec<String>>,
    /// Certificates that it had.
    remembered: Vec<Remembered>,
}

/// A certificate, by digests of what identifies it: nothing can be read from the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    id: i64,
    certificate_number: Option<String>,
    ecu_number: Option<String>,
}

impl Fingerprint {
    /// Looks at the source; where it was recorded before, at the certificates that are remembered.
    pub(super) async fn of(source: &Source, config: &Config, recorded: Option<&Self>) -> anyhow::Result<Self> {
        let product = source.about().await.hint_from(Error::hint)?.product.to_owned();
        let identity = source.identity().await.hint_from(Error::hint)?;
        let settings = [&config.source.certificates, &config.source.customers, &config.source.technicians];
        let queries = Entity::ALL.into_iter().zip(settings);
        let queries = queries.filter_map(|(entity, query)| Some((entity.setting().to_owned(), query.clone()?)));
        let mut fingerprint = Self {
            product,
            database: identity.database,
            server: identity.server,
            queries: queries.map(|(key, query)| (key, query.trim().to_owned())).collect(),
            columns: BTreeMap::new(),
            remembered: Vec::new(),
        };
        for entity in Entity::ALL {
            match source.columns(entity).await {
                Ok(columns) => {
                    let mut named: Vec<String> = columns
                        .iter()
                        .filter(|column| entity.columns().contains(&column.name.as_str()))
                        // SQLite's types are those of the values at hand.
                        .map(|column| match fingerprint.product.as_str() {
                            "SQLite" => column.name.clone(),
                            _ => format!("{} {}", column.name, column.type_name),
                        })
                        .collect();
                    named.sort_unstable();
                    fingerprint.columns.insert(entity.setting().to_owned(), named);
                }
                // Whoever needs it will be told.
                Err(error) if matches!(error.class(), Class::Query | Class::Configuration) => {}
                Err(error) => return Err(error).hint_from(Error::hint),
            }
        }
        // Where the server says who it is, nothing has to be read to know it again.
        if recorded.is_some_and(|recorded| recorded.is_surely(&fingerprint)) {
            return Ok(fingerprint);
        }
        let remembered = match recorded {
            Some(recorded) => recorded.remembered.iter().map(|certificate| OldId(certificate.id)).collect(),
            None => source.ids_page(None, REMEMBERED, &Selection::all()).await.hint_from(Error::hint)?.ids,
        };
        let identities = source.identities(&remembered).await.hint_from(Error::hint)?;
        fingerprint.remembered = identities
            .iter()
            .map(|(id, certificate_number, ecu_number)| Remembered {
                id: id.0,
                certificate_number: digest(certificate_number),
                ecu_number: digest(ecu_number),
            })
            .collect();
        Ok(fingerprint)
    }

    /// Whether the server says itself that it is the same database.
    fn is_surely(&self, present: &Self) -> bool {
        self.product == present.product
            && self.database == present.database
            && self.server.is_some()
            && self.server == present.server
    }

    pub(super) fn differences(&self, present: &Self) -> Vec<Difference> {
        let mut differences = Vec::new();
        let mut differ = |key: &str, recorded: String, present: String| {
            differences.push(Difference { key: key.to_owned(), recorded, present });
        };
        if self.product != present.product || self.database != present.database {
            differ("source.url", self.named(), present.named());
        } else if !self.is_surely(present)
            && let Some(why) = self.has_other_certificates(present)
        {
            differ("source.url", self.named(), format!("one that {why}"));
        }
        for entity in Entity::ALL {
            let key = entity.setting();
            let (recorded, now) = (self.queries.get(key), present.queries.get(key));
            if recorded != now {
                differ(key, shown(recorded), shown(now));
            } else if let (Some(recorded), Some(now)) = (self.columns.get(key), present.columns.get(key)) {
                let only = |these: &[String], others: &[String]| {
                    let only: Vec<&str> =
                        these.iter().filter(|column| !others.contains(column)).map(String::as_str).collect();
                    if only.is_empty() { "without these".to_owned() } else { only.join(", ") }
                };
                if recorded != now {
                    differ(key, only(recorded, now), only(now, recorded));
                }
            }
        }
        differences
    }

    fn named(&self) -> String {
        match &self.database {
            Some(database) => format!("the {} database {database}", self.product),
            None => format!("the {} database that was enqueued from", self.product),
        }
    }

    /// Why the certificates of `present` show that it is another database. Some may have been deleted, added or corrected;
    /// but of those that are left, half must have the number or the ECU number that they had.
    fn has_other_certificates(&self, present: &Self) -> Option<String> {
        let now: HashMap<i64, &Remembered> = present.remembered.iter().map(|row| (row.id, row)).collect();
        let there: Vec<(&Remembered, &Remembered)> =
            self.remembered.iter().filter_map(|row| Some((row, *now.get(&row.id)?))).collect();
        if there.is_empty() {
            let recorded = self.remembered.len();
            return (recorded > 0).then(|| format!("has none of the {recorded} certificates that are remembered"));
        }
        let told: Vec<bool> = there.iter().filter_map(|(before, now)| before.is_same(now)).collect();
        let same = told.iter().filter(|is_same| **is_same).count();
        (same * 2 < told.len()).then(|| {
            format!("has other certificates by the same ids: {same} of {} are those that are remembered", told.len())
        })
    }
}

impl Remembered {
    /// Whether it is the same certificate; none where nothing is known of it.
    fn is_same(&self, now: &Self) -> Option<bool> {
        let of =
            |before: &Option<String>, now: &Option<String>| before.as_ref().map(|before| Some(before) == now.as_ref());
        let told = [of(&self.certificate_number, &now.certificate_number), of(&self.ecu_number, &now.ecu_number)];
        told.into_iter().flatten().reduce(|one, other| one || other)
    }
}

/// FNV-1a of 64 bits, which is the same in every version and on every machine.
fn digest(text: &LegacyText) -> Option<String> {
    let LegacyText::Text(text) = text else { return None };
    let text = text.trim();
    let hash = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    (!text.is_empty()).then(|| format!("{hash:016x}"))
}

fn shown(query: Option<&String>) -> String {
    let Some(query) = query else { return "the query for the reference schema".to_owned() };
    let one_line = query.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut shown: String = one_line.chars().take(SHOWN).collect();
    if shown.len() < one_line.len() {
        shown.push('…');
    }
    format!("`{shown}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A database with so many certificates from 1 on, whose numbers begin with `prefix`.
    fn database(
        name: Option<&str>,
        server: Option<&str>,
        prefix: &str,
        ids: std::ops::RangeInclusive<i64>,
    ) -> Fingerprint {
        let text = |text: String| digest(&LegacyText::Text(text));
        let remembered = ids.map(|id| Remembered {
            id,
            certificate_number: text(format!("{prefix}{id}")),
            ecu_number: text(format!("{prefix}E{id}")),
        });
        Fingerprint {
            product: "MariaDB".to_owned(),
            database: name.map(str::to_owned),
            server: server.map(str::to_owned),
            queries: BTreeMap::new(),
            columns: BTreeMap::new(),
            remembered: remembered.collect(),
        }
    }

    fn keys(recorded: &Fingerprint, present: &Fingerprint) -> Vec<String> {
        recorded.differences(present).into_iter().map(|difference| difference.key).collect()
    }

    #[test]
    fn another_database_is_told_by_its_name_or_its_certificates() {
        let recorded = database(Some("old"), Some("1"), "A", 1..=100);
        assert_eq!(keys(&recorded, &database(Some("older"), Some("1"), "A", 1..=100)), ["source.url"]);
        assert_eq!(keys(&recorded, &database(Some("old"), Some("2"), "B", 1..=100)), ["source.url"]);
        assert_eq!(keys(&recorded, &database(Some("old"), None, "A", 500..=600)), ["source.url"]);
        let file = database(None, None, "A", 1..=3);
        assert_eq!(keys(&file, &database(None, None, "B", 1..=3)), ["source.url"]);
    }

    #[test]
    fn the_same_database_is_known_again() {
        let recorded = database(Some("old"), Some("1"), "A", 1..=100);
        let replica = database(Some("old"), Some("2"), "A", 1..=100);
        let with_fewer = database(Some("old"), None, "A", 60..=100);
        // The server itself says so: nothing was read.
        let mut itself = database(Some("old"), Some("1"), "A", 1..=1);
        itself.remembered.clear();
        for present in [&recorded, &replica, &with_fewer, &itself] {
            assert_eq!(keys(&recorded, present), <[&str; 0]>::default(), "{present:?}");
        }
        let mut empty = database(None, None, "A", 1..=1);
        empty.remembered.clear();
        assert_eq!(keys(&empty, &empty), <[&str; 0]>::default());
    }

    #[test]
    fn certificates_may_be_corrected() {
        let recorded = database(None, None, "A", 1..=1);
        let mut corrected = recorded.clone();
        corrected.remembered[0].certificate_number = digest(&LegacyText::Text("another".to_owned()));
        assert_eq!(keys(&recorded, &corrected), <[&str; 0]>::default());
    }

    #[test]
    fn another_query_and_other_columns_are_named_by_their_key() {
        let mut recorded = database(None, None, "A", 1..=1);
        let mut present = recorded.clone();
        present.queries.insert("source.customers".to_owned(), "SELECT 1".to_owned());
        recorded
            .columns
            .insert("source.certificates".to_owned(), vec!["id bigint".to_owned(), "speed text".to_owned()]);
        present
            .columns
            .insert("source.certificates".to_owned(), vec!["id integer".to_owned(), "speed text".to_owned()]);
        let said: Vec<String> = recorded.differences(&present).iter().map(ToString::to_string).collect();
        let expected = [
            "source.certificates: recorded is id bigint, now it is id integer",
            "source.customers: recorded is the query for the reference schema, now it is `SELECT 1`",
        ];
        assert_eq!(said, expected);
    }
}
