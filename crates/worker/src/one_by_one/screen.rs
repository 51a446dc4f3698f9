//! A certificate as a person sees it, on a terminal or not.

use std::io::{self, IsTerminal as _};

use certferry_bootstrap::visible::{is_right_to_left, visible, width, wrapped};
use certferry_certificate::{Issue, Outcome, Remedy, State};
use certferry_operations::Seen;
use chrono_tz::Tz;

use super::rows::{self, Row};
use super::tally::Tally;

/// The fewest and the most columns that are used; a terminal that has fewer breaks lines itself.
const NARROWEST: usize = 80;
const WIDEST: usize = 160;

/// Columns of the names, and between an old and a new value.
const LABEL: usize = 28;
const BETWEEN: usize = 3;

/// The most lines of one value; the whole of it is in the JSON document.
const LINES: usize = 6;

/// Stands for a value that has a line of its own.
const BELOW: &str = "(on the next line)";
const BELOW_THAT: &str = "(on the line after)";

/// How certificates are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Screen {
    columns: usize,
    is_coloured: bool,
    timezone: Tz,
}

/// What a piece of text is; it is coloured by that.
#[derive(Clone, Copy, Debug)]
enum Tone {
    Heading,
    Changed,
    Wrong,
    Quiet,
}

impl Screen {
    /// A screen as wide as the terminal is now; colours only on a terminal that has them, and not where `NO_COLOR` is set.
    pub(super) fn now(timezone: Tz) -> Self {
        let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        let is_dumb = std::env::var_os("TERM").is_none_or(|term| term == "dumb");
        let size = console::Term::stdout().size_checked();
        Self {
            columns: size.map_or(NARROWEST, |(_, columns)| usize::from(columns).clamp(NARROWEST, WIDEST)),
            is_coloured: io::stdout().is_terminal() && !is_set("NO_COLOR") && !is_dumb,
            timezone,
        }
    }

    /// Everything about a certificate that a person needs to decide; `again` is why it is asked about once more.
    pub(super) fn certificate(&self, seen: &Seen, again: Option<&str>, tally: &Tally) -> String {
        let mut lines = vec![self.tone(Tone::Quiet, &"─".repeat(self.columns))];
        lines.push(self.tone(Tone::Heading, &format!("certificate {}: {}", seen.id(), state(seen))));
        if *tally != Tally::default() {
            lines.push(self.tone(Tone::Quiet, &format!("so far {tally}")));
        }
        if let Some(again) = again {
            lines.extend(self.block(Tone::Wrong, "! ", again));
        }
        self.status(seen, &mut lines);
        let prepared = &seen.prepared;
        match (&prepared.record, &prepared.outcome) {
            (Some(record), Outcome::Migrate(plan)) => {
                self.table(&rows::planned(record, plan, self.timezone), true, &mut lines);
            }
            (Some(record), Outcome::Fail(_)) => self.table(&rows::unplanned(record), false, &mut lines),
            (None, _) => {}
        }
        match &prepared.outcome {
            Outcome::Fail(issues) => self.issues(issues, &mut lines),
            Outcome::Migrate(plan) => {
                for warning in &plan.warnings {
                    let text = format!("{}: {}", warning.code.as_str(), visible(&warning.message));
                    lines.extend(self.block(Tone::Changed, "warning ", &text));
                }
            }
        }
        lines.join("\n")
    }

    /// What is recorded of the certificate.
    fn status(&self, seen: &Seen, lines: &mut Vec<String>) {
        let Some(row) = &seen.status else { return };
        let by = row.worker.as_deref().unwrap_or("nobody knows whom");
        match seen.state() {
            Some(State::Skipped) => {
                let reason = visible(row.reason.as_deref().unwrap_or("-"));
                lines.extend(self.block(Tone::Quiet, "by ", &visible(by)));
                lines.extend(self.block(Tone::Quiet, "because ", &reason));
            }
            Some(State::Failed) => {
                let codes: Vec<&str> = row.issues.iter().map(|issue| issue.code.as_str()).collect();
                let text = format!("{}, by {}", codes.join(", "), visible(by));
                lines.extend(self.block(Tone::Quiet, "it failed with ", &text));
            }
            _ => {}
        }
    }

    fn table(&self, rows: &[Row], has_plan: bool, lines: &mut Vec<String>) {
        let room = self.columns - LABEL;
        let (old, new) = if has_plan {
            let old = (room - BETWEEN) * 45 / 100;
            (old, room - BETWEEN - old)
        } else {
            (room, 0)
        };
        let heading =
            format!("{:LABEL$}{:old$}   {}", "", "in the source", if has_plan { "as it is planned" } else { "" });
        lines.push(self.tone(Tone::Quiet, heading.trim_end()));
        let mut missing = Vec::new();
        for row in rows {
            if row.old.is_none() && row.new.is_empty() {
                // Of a person who is created, what there is says enough.
                if !row.label.starts_with(' ') {
                    missing.push(row.label);
                }
            } else {
                self.row(row, (old, new), lines);
            }
        }
        if !missing.is_empty() {
            lines.extend(self.block(Tone::Quiet, "not there: ", &missing.join(", ")));
        }
    }

    /// A row; what is written from right to left stands on lines of its own, below it.
    fn row(&self, row: &Row, (old_columns, new_columns): (usize, usize), lines: &mut Vec<String>) {
        let mut below = Vec::new();
        let mut old = row.old.clone().unwrap_or_default();
        if is_right_to_left(&old) {
            below.push(std::mem::replace(&mut old, BELOW.to_owned()));
        }
        let mut new = row.new.clone();
        if row.old.is_some() && new_columns > 0 && new.is_empty() {
            new.push("(nothing)".to_owned());
        }
        for value in &mut new {
            if is_right_to_left(value) {
                let place = match below.as_slice() {
                    [first] if first == value => "the same",
                    [] => BELOW,
                    _ => BELOW_THAT,
                };
                let value = std::mem::replace(value, place.to_owned());
                if place != "the same" {
                    below.push(value);
                }
            }
        }
        let old = wrapped(&old, old_columns, LINES);
        let fits = new.len() > 1 && new.iter().map(|value| width(value) + 3).sum::<usize>() <= new_columns + 3;
        let new: Vec<String> = if fits {
            // A moment is the same in both zones.
            vec![new.join(if row.label.ends_with("_date") { " = " } else { ", " })]
        } else {
            new.iter().flat_map(|value| wrapped(value, new_columns.max(1), LINES)).collect()
        };
        for at in 0..old.len().max(new.len()) {
            let label = if at == 0 { row.label } else { "" };
            let cell = old.get(at).map_or("", String::as_str);
            let padding = " ".repeat(old_columns.saturating_sub(width(cell)));
            let mark = if at == 0 && row.is_changed { " ≠ " } else { "   " };
            let value = new.get(at).map_or("", String::as_str);
            let value = if row.is_changed {
                self.tone(Tone::Changed, &format!("{mark}{value}"))
            } else {
                format!("{mark}{value}")
            };
            lines.push(format!("{label:LABEL$}{cell}{padding}{value}").trim_end().to_owned());
        }
        for text in below {
            lines.extend(wrapped(&text, self.columns - 4, LINES).into_iter().map(|line| format!("    {line}")));
        }
    }

    fn issues(&self, issues: &[Issue], lines: &mut Vec<String>) {
        for issue in issues {
            let field = issue.field.as_deref().map(|field| format!(" ({field})")).unwrap_or_default();
            let text = format!("{}{field}: {}", issue.code.as_str(), visible(&issue.message));
            lines.extend(self.block(Tone::Wrong, "issue ", &text));
            if let Some(raw) = &issue.raw {
                let raw = visible(raw);
                if is_right_to_left(&raw) {
                    lines.push(format!("  value {BELOW}"));
                    lines.extend(wrapped(&raw, self.columns - 4, LINES).into_iter().map(|line| format!("    {line}")));
                } else {
                    lines.extend(self.block(Tone::Heading, "  value ", &raw));
                }
            }
            let remedy = Remedy::of(issue.code.as_str()).in_short;
            lines.extend(self.block(Tone::Quiet, "  what to do: ", &remedy));
        }
    }

    /// Text of any length under a heading, in lines that fit.
    fn block(&self, tone: Tone, heading: &str, text: &str) -> Vec<String> {
        let room = self.columns - width(heading);
        let indented = " ".repeat(width(heading));
        let lines = wrapped(text, room, LINES).into_iter().enumerate();
        lines
            .map(|(at, line)| self.tone(tone, &format!("{}{line}", if at == 0 { heading } else { &indented })))
            .collect()
    }

    fn tone(&self, tone: Tone, text: &str) -> String {
        let code = match tone {
            Tone::Heading => "1",
            Tone::Changed => "33",
            Tone::Wrong => "31",
            Tone::Quiet => "2",
        };
        if self.is_coloured && !text.trim().is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

fn state(seen: &Seen) -> String {
    let Some(row) = &seen.status else { return "never enqueued".to_owned() };
    match row.new_certificate_id {
        Some(id) => format!("{}, certificate {id} of the destination", row.state),
        None => row.state.clone(),
    }
}

#[cfg(test)]
mod tests {
    use certferry_certificate::{
        Code, CustomerPlan, Identity, LegacyCertificate, LegacyText, NewCustomer, NewId, OldId, Plan, Reference,
        Status, Warning, WarningCode,
    };
    use certferry_migration::Prepared;

    use super::*;

    fn record() -> LegacyCertificate {
        LegacyCertificate {
            id: OldId(4711),
            certificate_number: " SLC/2020/4711".into(),
            ecu_number: "ECU\u{200b}77".into(),
            customer_id: Reference::Id(OldId(12)),
            user_id: Reference::Id(OldId(3)),
            calibration_technician_id: Reference::Missing,
            installation_technician_id: Reference::Missing,
            vehicle_type: "Toyota Hilux".into(),
            vehicle_chassis_number: "n/a".into(),
            vehicle_registration_number: "دبي 12345".into(),
            new_registration: "1".into(),
            speed: "80 KM/H\u{1b}[2J".into(),
            status: "active".into(),
            issue_date: "05/03/2020".into(),
            expiry_date: "2021-03-05".into(),
            calibration_date: LegacyText::Null,
            installation_date: LegacyText::Null,
            remarks: "x".repeat(2_000).as_str().into(),
        }
    }

    fn plan() -> Plan {
        Plan {
            id: OldId(4711),
            certificate_number: "SLC/2020/4711".to_owned(),
            device_id: NewId(77),
            customer: CustomerPlan::MatchOrCreate(NewCustomer {
                old_id: OldId(12),
                name: "شركة النقل".to_owned(),
                trade_license: Some("CN-1".to_owned()),
                email: None,
                phone: Some("\u{202e}050".to_owned()),
            }),
            user_id: NewId(9),
            calibration_technician: None,
            installation_technician: None,
            speed_limit_kmh: 80,
            status: Status::Active,
            issued_at: "2020-03-04T20:00:00Z".parse().unwrap(),
            expires_at: Some("2021-03-04T20:00:00Z".parse().unwrap()),
            calibrated_at: None,
            installed_at: None,
            remarks: Some("x".repeat(2_000)),
            vehicle: None,
            warnings: vec![Warning { code: WarningCode::VehicleMissing, message: "no vehicle".to_owned() }],
        }
    }

    fn shown(columns: usize, is_coloured: bool, outcome: Outcome) -> String {
        let identity = Identity::default();
        let prepared = Prepared { id: OldId(4711), record: Some(record()), identity, outcome, number_holder: None };
        let seen = Seen { prepared, status: None };
        let tally = Tally { migrated: 3, ..Tally::default() };
        Screen { columns, is_coloured, timezone: Tz::Asia__Dubai }.certificate(&seen, Some("it changed"), &tally)
    }

    #[test]
    fn every_line_fits_and_nothing_moves_the_cursor() {
        let issue =
            Issue::new(Code::InvalidSpeed, Some("speed"), "a long sentence. ".repeat(30)).with_raw(Some("م\u{7}"));
        for outcome in [Outcome::Migrate(Box::new(plan())), Outcome::Fail(vec![issue])] {
            for columns in [80, 120, 160] {
                let text = shown(columns, false, outcome.clone());
                for line in text.lines() {
                    assert!(width(line) <= columns, "{columns}: {line}");
                    assert!(line.chars().all(|character| !character.is_control()), "{line:?}");
                }
                assert!(!text.contains(['\u{200b}', '\u{202e}']), "{text}");
            }
        }
    }

    #[test]
    fn the_old_and_the_new_stand_beside_each_other() {
        let text = shown(80, false, Outcome::Migrate(Box::new(plan())));
        let line = |begin: &str| text.lines().find(|line| line.starts_with(begin)).unwrap_or_default().to_owned();
        assert_eq!(line("certificate 4711"), "certificate 4711: never enqueued");
        assert_eq!(line("so far"), "so far 3 migrated, 0 failed, 0 skipped, 0 left for later");
        let speed = line("speed");
        assert!(speed.contains("80 KM/H␛[2J") && speed.ends_with("≠ 80"), "{speed}");
        assert!(line("status").ends_with("     active"), "{}", line("status"));
        assert!(
            line("issue_date").contains("05/03/2020") && line("issue_date").ends_with("≠ 2020-03-05 00:00:00 +04:00")
        );
        assert!(text.contains("2020-03-04 20:00:00 UTC"));
        assert!(line("expiry_date").ends_with("2021-03-05 00:00:00 +04:00") && !line("expiry_date").contains('≠'));
        assert!(line("ecu_number").contains("ECU<U+200B>77"));
        assert!(line("customer_id").ends_with("created: a customer"));
        assert!(line("vehicle_chassis_number").ends_with("≠ (nothing)"));
        assert!(text.contains("\n    شركة النقل\n") && text.contains("\n    دبي 12345\n"), "{text}");
        assert!(text.contains("\n           calibration_date, installation_date\n"), "{text}");
        assert!(text.ends_with("warning vehicle_missing: no vehicle"));
    }

    #[test]
    fn colours_change_no_text() {
        let (plain, coloured) =
            (shown(80, false, Outcome::Migrate(Box::new(plan()))), shown(80, true, Outcome::Migrate(Box::new(plan()))));
        let mut stripped = coloured.clone();
        for code in ["1", "2", "31", "33", "0"] {
            stripped = stripped.replace(&format!("\u{1b}[{code}m"), "");
        }
        assert_eq!(stripped, plain);
        assert!(coloured.contains("\u{1b}[33m"));
    }

    #[test]
    fn issues_have_their_value_and_what_to_do() {
        let issue = Issue::new(Code::InvalidSpeed, Some("speed"), "no speed").with_raw(Some("8.0.1 "));
        let text = shown(80, false, Outcome::Fail(vec![issue]));
        let remedy = Remedy::of("invalid_speed").in_short;
        let expected = format!("issue invalid_speed (speed): no speed\n  value 8.0.1␠\n  what to do: {remedy}");
        assert!(text.ends_with(&expected), "{text}");
        assert!(!text.contains("as it is planned") && !text.contains("(nothing)"));
    }
}
