//! What was found, for a person: the databases, what must be mended, what would become of the certificates, and last what
//! to mend first.

use std::fmt;

use certferry_certificate::is_about_people;
use certferry_migration::Reason;

use super::Checked;
use super::assessment::Figures;
use super::mappings::{Coverage, Reach};
use crate::figures::{duration, grouped};

/// Reasons that are shown; the others are in the JSON document.
const REASONS: usize = 12;

/// How much of a sample's value is shown.
const SHOWN: usize = 24;

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.databases(f)?;
        if let Some(coverage) = &self.mappings {
            mappings(f, coverage)?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for problem in &self.problems {
            writeln!(f, "problem: {}", problem.what)?;
            if let Some(hint) = &problem.hint {
                writeln!(f, "  hint: {hint}")?;
            }
        }
        f.write_str(if self.ready { "nothing stands in the way" } else { "not ready" })?;
        let Some(figures) = &self.assessment.figures else { return Ok(()) };
        outcome(f, figures, self.assessment.unaddressable.unwrap_or_default())?;
        reasons(f, &figures.planned.reasons)?;
        fixes(f, figures)?;
        if self.saved {
            f.write_str("\n\nthe forecast is kept; `producer status` shows it beside the outcome")?;
        }
        Ok(())
    }
}

impl Checked {
    fn databases(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(destination) = &self.destination {
            writeln!(f, "destination: PostgreSQL {}, schema {}", destination.version, destination.schema)?;
            writeln!(f, "destination connection: {}", destination.security.sentence)?;
            for line in &destination.uniqueness {
                writeln!(f, "{line}")?;
            }
        }
        if let Some(source) = &self.source {
            writeln!(f, "source: {} {} at {}", source.product, source.version, source.location)?;
            if let Some(security) = &source.security {
                writeln!(f, "source connection: {}", security.sentence)?;
            }
            if let Some(timezone) = &source.session_timezone {
                writeln!(f, "source sessions: time zone {timezone}")?;
            }
            for query in &source.queries {
                let found = if query.problems.is_empty() { "fits" } else { "does not fit" };
                writeln!(f, "{}: {found}", query.setting)?;
            }
        }
        Ok(())
    }
}

fn mappings(f: &mut fmt::Formatter<'_>, coverage: &Coverage) -> fmt::Result {
    let each = [("users", &coverage.users), ("customers", &coverage.customers), ("technicians", &coverage.technicians)];
    for (entity, Reach { entries, named_by_certificates, mapped, percent, .. }) in each {
        write!(f, "mappings of {entity}: {}", grouped(*entries))?;
        if let (Some(named), Some(mapped), Some(percent)) = (named_by_certificates, mapped, percent) {
            let (named, mapped) = (grouped(*named), grouped(*mapped));
            write!(f, "; of {named} that certificates name {mapped} are mapped ({percent:.1}%)")?;
        }
        writeln!(f)?;
    }
    Ok(())
}

fn outcome(f: &mut fmt::Formatter<'_>, figures: &Figures, unaddressable: u64) -> fmt::Result {
    let planned = &figures.planned;
    if figures.unmigrated == 0 {
        return f.write_str("\n\nno certificate is left to be migrated");
    }
    let (certificates, unmigrated) = (grouped(planned.certificates), grouped(figures.unmigrated));
    if figures.is_sample {
        write!(f, "\n\nof a sample of {certificates} of the {unmigrated} certificates that are not migrated")?;
    } else {
        write!(f, "\n\nof the {unmigrated} certificates that are not migrated")?;
    }
    let mut put = |name: &str, count: u64, rest: &str| {
        let line = format!("\n  {name:<16}{:>11}  {rest}", grouped(count));
        f.write_str(line.trim_end())
    };
    let of_all = |count| share(count, planned.certificates);
    put("would migrate", planned.would_migrate, &of_all(planned.would_migrate))?;
    if planned.would_migrate_with_warnings > 0 {
        let warnings: Vec<String> = planned
            .warnings
            .iter()
            .map(|(code, count)| {
                format!("{} {}", serde_json::json!(code).as_str().unwrap_or_default(), grouped(*count))
            })
            .collect();
        put("  with warnings", planned.would_migrate_with_warnings, &format!("        {}", warnings.join(", ")))?;
    }
    put("would fail", planned.would_fail, &of_all(planned.would_fail))?;
    let matched = match planned.would_match_customers {
        0 => String::new(),
        count => format!("        {} more matched by trade licence", grouped(count)),
    };
    put("new customers", planned.would_create.customers, &matched)?;
    put("new technicians", planned.would_create.technicians, "")?;
    if figures.migrated > 0 {
        put("migrated before", figures.migrated, "        not planned")?;
    }
    if figures.skipped > 0 {
        put("skipped", figures.skipped, "        set aside by a person, and not planned")?;
    }
    if unaddressable > 0 {
        put("unaddressable", unaddressable, "        rows of the source that nothing tells apart, and not planned")?;
    }
    if let Some(seconds) = figures.seconds_estimated {
        let of = if figures.is_sample { "all of them" } else { "them" };
        write!(f, "\n  about {} for {of}, with one worker as configured", duration(seconds))?;
    }
    Ok(())
}

fn reasons(f: &mut fmt::Formatter<'_>, reasons: &[Reason]) -> fmt::Result {
    if reasons.is_empty() {
        return Ok(());
    }
    let name = |reason: &Reason| match &reason.field {
        Some(field) => format!("{} of {field}", reason.code.as_str()),
        None => reason.code.as_str().to_owned(),
    };
    let width = reasons.iter().take(REASONS).map(|reason| name(reason).len()).max().unwrap_or_default();
    write!(f, "\n\n{:<width$}{:>13}{:>11}", "would fail because of", "first issue", "any issue", width = width + 2)?;
    for reason in reasons.iter().take(REASONS) {
        let (first, any) = (grouped(reason.certificates), grouped(reason.touched));
        write!(f, "\n  {:<width$}{first:>13}{any:>11}", name(reason))?;
        let shows = !reason.field.as_deref().is_some_and(is_about_people);
        let sample = |sample: &certferry_migration::Sample| match sample.raw.as_deref().filter(|_| shows) {
            Some(raw) => format!("{} {}", sample.certificate_id, shortened(raw)),
            None => sample.certificate_id.to_string(),
        };
        write!(f, "\n    {}", reason.samples.iter().map(sample).collect::<Vec<_>>().join(", "))?;
    }
    if reasons.len() > REASONS {
        let others: u64 = reasons[REASONS..].iter().map(|reason| reason.certificates).sum();
        write!(f, "\n  and {} more by {} other reasons", grouped(others), reasons.len() - REASONS)?;
    }
    Ok(())
}

fn fixes(f: &mut fmt::Formatter<'_>, figures: &Figures) -> fmt::Result {
    let planned = &figures.planned;
    if planned.fixes.is_empty() {
        return Ok(());
    }
    let width = planned.fixes.iter().map(|fix| fix.what.chars().count()).max().unwrap_or_default();
    write!(f, "\n\n{:<width$}{:>11}{:>20}", "what to mend first", "have it", "would then migrate", width = width + 5)?;
    for (at, fix) in planned.fixes.iter().enumerate() {
        let (have, migrate) = (grouped(fix.certificates), grouped(fix.would_migrate));
        write!(f, "\n{:>3}. {:<width$}{have:>11}{migrate:>20}", at + 1, fix.what)?;
    }
    let these = match planned.fixes.len() {
        1 => "this one resolves".to_owned(),
        number => format!("these {number} resolve"),
    };
    let resolved = grouped(planned.fixes_resolve);
    write!(f, "\n{these} {resolved} of {}", grouped(planned.would_fail))?;
    planned.fixes_resolve_percent.map_or(Ok(()), |percent| write!(f, ", {percent:.1}%"))
}

fn share(part: u64, whole: u64) -> String {
    certferry_migration::percent(part, whole).map(|percent| format!("{percent:>5.1}%")).unwrap_or_default()
}

fn shortened(raw: &str) -> String {
    match raw.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{:?}", format!("{}…", &raw[..end])),
        None => format!("{raw:?}"),
    }
}
