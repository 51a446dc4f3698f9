//! Why certificates fail, counted, with some of them as samples.

use std::collections::BTreeMap;

use certferry_certificate::{Code, Issue, Kind, OldId};
use serde::Serialize;

/// How many samples of each reason are kept.
const SAMPLES: usize = 5;

/// How much of a raw value a sample keeps.
const KEPT_OF_RAW: usize = 120;

/// Certificates that fail for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The kind of the issue.
    pub kind: Kind,
    /// Its code.
    pub code: Code,
    /// The column it is about.
    pub field: Option<String>,
    /// How many certificates have it as their first issue, under which they are counted.
    pub certificates: u64,
    /// How many have it at all.
    pub touched: u64,
    /// The first of those that have it at all.
    pub samples: Vec<Sample>,
}

/// A certificate that fails, and the value it fails for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sample {
    /// Its legacy id.
    pub certificate_id: OldId,
    /// The beginning of the value, as the source has it. It may be about a person.
    pub raw: Option<String>,
}

/// All reasons, by code and field.
#[derive(Debug, Default)]
pub(super) struct Reasons(BTreeMap<(Code, Option<String>), Reason>);

impl Reasons {
    /// Adds a certificate that fails with these issues, the first of which is the one it is counted under.
    pub(super) fn add(&mut self, id: OldId, issues: &[Issue]) {
        for (at, issue) in issues.iter().enumerate() {
            let key = (issue.code, issue.field.clone());
            let reason = self.0.entry(key).or_insert_with(|| Reason {
                kind: issue.kind,
                code: issue.code,
                field: issue.field.clone(),
                certificates: 0,
                touched: 0,
                samples: Vec::new(),
            });
            reason.certificates += u64::from(at == 0);
            reason.touched += 1;
            if reason.samples.len() < SAMPLES {
                reason.samples.push(Sample { certificate_id: id, raw: issue.raw.as_deref().map(beginning) });
            }
        }
    }

    /// The reason that most certificates have first, first.
    pub(super) fn sorted(self) -> Vec<Reason> {
        let mut reasons: Vec<Reason> = self.0.into_values().collect();
        reasons.sort_by_key(|reason| std::cmp::Reverse((reason.certificates, reason.touched)));
        reasons
    }
}

fn beginning(raw: &str) -> String {
    match raw.char_indices().nth(KEPT_OF_RAW) {
        Some((end, _)) => format!("{}…", &raw[..end]),
        None => raw.to_owned(),
    }
}
