use std::collections::BTreeMap;

use certferry_bootstrap::Config;
use certferry_certificate::OnMissing;
use serde::{Deserialize, Serialize};

use super::Difference;

/// What decides outcomes, by the keys of the configuration, written so that equal rules are equal texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rules(BTreeMap<String, String>);

impl Rules {
    pub(super) fn of(config: &Config) -> Self {
        let mut rules: BTreeMap<String, String> = [
            ("dates.timezone", config.dates.timezone.name().to_owned()),
            ("customers.on_missing", on_missing(config.customers.on_missing)),
            ("technicians.on_missing", on_missing(config.technicians.on_missing)),
            ("vehicle.brands", list(config.vehicle.brands.iter().map(|brand| brand.trim().to_owned()))),
        ]
        .map(|(key, value)| (key.to_owned(), value))
        .into();
        for (status, words) in config.status.lists() {
            let words = words.iter().map(|word| word.trim().to_lowercase());
            rules.insert(format!("status.{}", status.as_str()), list(words));
        }
        Self(rules)
    }

    /// Keys that only one of them knows are those of another version, and differ in nothing.
    pub(super) fn differences(&self, present: &Self) -> Vec<Difference> {
        let both = self.0.iter().filter_map(|(key, recorded)| Some((key, recorded, present.0.get(key)?)));
        both.filter(|(_, recorded, present)| recorded != present)
            .map(|(key, recorded, present)| Difference {
                key: key.clone(),
                recorded: recorded.clone(),
                present: present.clone(),
            })
            .collect()
    }
}

fn on_missing(choice: OnMissing) -> String {
    match choice {
        OnMissing::Create => "create".to_owned(),
        OnMissing::Fail => "fail".to_owned(),
    }
}

/// A list of which the order means nothing.
fn list(items: impl Iterator<Item = String>) -> String {
    let mut items: Vec<String> = items.collect();
    items.sort_unstable();
    items.dedup();
    format!("[{}]", items.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(environment: &[(&str, &str)]) -> Rules {
        let environment = environment.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Rules::of(&Config::from_file_and_environment(None, environment).unwrap())
    }

    #[test]
    fn the_order_and_case_of_words_mean_nothing() {
        let one = rules(&[("CERTFERRY__STATUS__BLOCKED", r#"["Blocked", "suspended"]"#)]);
        let other = rules(&[("CERTFERRY__STATUS__BLOCKED", r#"[" SUSPENDED", "blocked"]"#)]);
        assert_eq!(one.differences(&other), []);
    }

    #[test]
    fn each_rule_that_differs_is_named_by_its_key() {
        let changed = rules(&[
            ("CERTFERRY__STATUS__ACTIVE", r#"["active", "live"]"#),
            ("CERTFERRY__VEHICLE__BRANDS", r#"["ASHOK LEYLAND"]"#),
            ("CERTFERRY__DATES__TIMEZONE", "Europe/Berlin"),
            ("CERTFERRY__CUSTOMERS__ON_MISSING", "fail"),
            ("CERTFERRY__WORKER__BATCH_SIZE", "7"),
        ]);
        let differences = rules(&[]).differences(&changed);
        let keys: Vec<&str> = differences.iter().map(|difference| difference.key.as_str()).collect();
        assert_eq!(keys, ["customers.on_missing", "dates.timezone", "status.active", "vehicle.brands"]);
        assert_eq!(
            differences[2].to_string(),
            "status.active: recorded is [active, issued, valid], now it is [active, live]"
        );
    }
}
