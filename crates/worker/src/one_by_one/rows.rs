//! The legacy row beside the plan: a row a column, and one for each column of a person who is created.

use certferry_bootstrap::visible::visible;
use certferry_certificate::{CustomerPlan, LegacyCertificate, Plan, Status, TechnicianPlan};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use serde_json::Value;

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) label: &'static str,
    /// The legacy value, visible; none where there is none.
    pub(super) old: Option<String>,
    /// What becomes of it, visible; nothing where nothing does.
    pub(super) new: Vec<String>,
    /// Whether the destination gets another value than the source has.
    pub(super) is_changed: bool,
}

impl Row {
    fn new(label: &'static str, old: Option<String>, new: Vec<String>) -> Self {
        let is_changed = !new.is_empty() && old.as_ref() != new.first() || new.is_empty() && old.is_some();
        Self { label, old, new, is_changed }
    }

    /// A row of what is created, and has no column of the certificate.
    fn created(label: &'static str, new: Option<&String>) -> Self {
        Self { label, old: None, new: new.map(|text| visible(text)).into_iter().collect(), is_changed: false }
    }
}

/// The rows of a certificate that is planned.
pub(super) fn planned(record: &LegacyCertificate, plan: &Plan, timezone: Tz) -> Vec<Row> {
    let old = Old::of(record);
    let text = |value: Option<&String>| value.map(|text| visible(text)).into_iter().collect::<Vec<_>>();
    let is_blocked = plan.status == Status::Blocked;
    let mut device = vec![format!("device {}", plan.device_id)];
    device.extend(is_blocked.then(|| "which gets blocked".to_owned()));
    let mut rows = vec![
        Row::new("certificate_number", old.get("certificate_number"), vec![visible(&plan.certificate_number)]),
        Row { is_changed: false, ..Row::new("ecu_number", old.get("ecu_number"), device) },
    ];
    rows.extend(customer(&old, &plan.customer));
    rows.push(Row::new("user_id", old.get("user_id"), vec![format!("mapped: user {}", plan.user_id)]));
    rows.extend(technician(&old, "calibration_technician_id", plan.calibration_technician.as_ref()));
    rows.extend(technician(&old, "installation_technician_id", plan.installation_technician.as_ref()));
    rows.push(Row::new("speed", old.get("speed"), vec![plan.speed_limit_kmh.to_string()]));
    rows.push(Row::new("status", old.get("status"), vec![plan.status.as_str().to_owned()]));
    for (label, at) in [
        ("issue_date", Some(plan.issued_at)),
        ("expiry_date", plan.expires_at),
        ("calibration_date", plan.calibrated_at),
        ("installation_date", plan.installed_at),
    ] {
        rows.push(time(label, old.get(label), at, timezone));
    }
    rows.push(Row::new("remarks", old.get("remarks"), text(plan.remarks.as_ref())));
    let vehicle = plan.vehicle.as_ref();
    let name = vehicle.map(|vehicle| format!("{} {}", vehicle.brand, vehicle.model));
    let parts = vehicle.map_or_else(
        || vec!["no vehicle".to_owned()],
        |vehicle| vec![format!("brand {}", visible(&vehicle.brand)), format!("model {}", visible(&vehicle.model))],
    );
    let is_renamed = old.get("vehicle_type") != name.map(|name| visible(&name));
    rows.push(Row { is_changed: is_renamed, ..Row::new("vehicle_type", old.get("vehicle_type"), parts) });
    for (label, value) in [
        ("vehicle_chassis_number", vehicle.and_then(|vehicle| vehicle.chassis_number.as_ref())),
        ("vehicle_registration_number", vehicle.and_then(|vehicle| vehicle.registration_number.as_ref())),
    ] {
        rows.push(Row::new(label, old.get(label), text(value)));
    }
    let is_new = vehicle.map(|vehicle| if vehicle.is_new_registration { "yes" } else { "no" }.to_owned());
    let is_new = is_new.into_iter().filter(|said| said == "yes" || old.get("new_registration").is_some()).collect();
    rows.push(Row { is_changed: false, ..Row::new("new_registration", old.get("new_registration"), is_new) });
    rows
}

/// The rows of a certificate that has issues: what the source says, alone.
pub(super) fn unplanned(record: &LegacyCertificate) -> Vec<Row> {
    let old = Old::of(record);
    let rows = COLUMNS.iter().map(|label| Row { label, old: old.get(label), new: Vec::new(), is_changed: false });
    rows.collect()
}

/// The legacy columns but for the id, in order.
const COLUMNS: &[&str] = &[
    "certificate_number",
    "ecu_number",
    "customer_id",
    "user_id",
    "calibration_technician_id",
    "installation_technician_id",
    "speed",
    "status",
    "issue_date",
    "expiry_date",
    "calibration_date",
    "installation_date",
    "remarks",
    "vehicle_type",
    "vehicle_chassis_number",
    "vehicle_registration_number",
    "new_registration",
];

/// The legacy row by the names of its columns.
struct Old(Value);

impl Old {
    fn of(record: &LegacyCertificate) -> Self {
        Self(serde_json::to_value(record).unwrap_or_default())
    }

    /// The value of a column as it can be shown; none for NULL.
    fn get(&self, column: &str) -> Option<String> {
        match &self.0[column] {
            Value::Null => None,
            Value::String(text) => Some(visible(text)),
            Value::Object(_) => Some("(bytes that are no text)".to_owned()),
            other => Some(other.to_string()),
        }
    }
}

fn customer(old: &Old, plan: &CustomerPlan) -> Vec<Row> {
    let row = |new: Vec<String>| Row::new("customer_id", old.get("customer_id"), new);
    match plan {
        CustomerPlan::Existing(id) => vec![row(vec![format!("mapped: customer {id}")])],
        CustomerPlan::Matched { new_id, .. } => {
            vec![row(vec![format!("matched: customer {new_id}"), "by its trade licence".to_owned()])]
        }
        CustomerPlan::MatchOrCreate(new) => vec![
            row(vec!["created: a customer".to_owned()]),
            Row::created("  name", Some(&new.name)),
            Row::created("  trade_license", new.trade_license.as_ref()),
            Row::created("  email", new.email.as_ref()),
            Row::created("  phone", new.phone.as_ref()),
        ],
    }
}

fn technician(old: &Old, label: &'static str, plan: Option<&TechnicianPlan>) -> Vec<Row> {
    let row = |new: Vec<String>| Row::new(label, old.get(label), new);
    match plan {
        None => vec![row(Vec::new())],
        Some(TechnicianPlan::Existing(id)) => vec![row(vec![format!("mapped: technician {id}")])],
        Some(TechnicianPlan::Create(new)) => vec![
            row(vec!["created: a technician".to_owned(), format!("of user {}", new.user_id)]),
            Row::created("  name", Some(&new.name)),
            Row::created("  phone", new.phone.as_ref()),
        ],
    }
}

/// A moment in the zone of the legacy dates and in UTC. It is no change where the source says the same in the plainest way.
fn time(label: &'static str, old: Option<String>, at: Option<DateTime<Utc>>, timezone: Tz) -> Row {
    let Some(at) = at else { return Row::new(label, old, Vec::new()) };
    let local = at.with_timezone(&timezone);
    let plainest = [local.format("%Y-%m-%d %H:%M:%S").to_string(), local.format("%Y-%m-%d").to_string()];
    let is_date = local.format("%H:%M:%S%.f").to_string() == "00:00:00";
    let is_plain = old.as_ref().is_some_and(|old| *old == plainest[0] || is_date && *old == plainest[1]);
    let new =
        vec![local.format("%Y-%m-%d %H:%M:%S%.f %:z").to_string(), at.format("%Y-%m-%d %H:%M:%S%.f UTC").to_string()];
    Row { label, old, new, is_changed: !is_plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().expect("a moment")
    }

    #[test]
    fn a_moment_is_shown_in_both_zones() {
        let row = time("issue_date", Some("05/03/2020".to_owned()), Some(at("2020-03-04T20:00:00Z")), Tz::Asia__Dubai);
        assert_eq!(row.new, ["2020-03-05 00:00:00 +04:00", "2020-03-04 20:00:00 UTC"]);
        assert!(row.is_changed);
        for plain in ["2020-03-05", "2020-03-05 00:00:00"] {
            let row = time("issue_date", Some(plain.to_owned()), Some(at("2020-03-04T20:00:00Z")), Tz::Asia__Dubai);
            assert!(!row.is_changed, "{plain}");
        }
        // The date alone does not say the time.
        let row = time("issue_date", Some("2020-03-05".to_owned()), Some(at("2020-03-05T08:30:00Z")), Tz::Asia__Dubai);
        assert!(row.is_changed);
    }

    #[test]
    fn what_is_left_out_or_made_of_something_else_is_a_change() {
        let text = |text: &str| Some(text.to_owned());
        for (old, new, is_changed) in [
            (text("80"), vec!["80"], false),
            (text("80 km/h"), vec!["80"], true),
            (text("n/a"), vec![], true),
            (None, vec![], false),
            (text("␠ACTIVE"), vec!["active"], true),
        ] {
            let new = new.into_iter().map(str::to_owned).collect();
            assert_eq!(Row::new("speed", old.clone(), new).is_changed, is_changed, "{old:?}");
        }
    }
}
