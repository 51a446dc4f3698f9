//! `rules.md`, One certificate: all the rules together.

use chrono::{DateTime, Utc};

use crate::issues::Issues;
use crate::text::{Reading, quote};
use crate::{
    Code, Found, Identity, LegacyCertificate, LegacyText, Lookups, NewId, Outcome, Plan, Policy, Status, date,
    mappings, speed, vehicle,
};

/// The most characters of the status table that a message shows.
const SHOWN_STATUSES: usize = 200;

/// What becomes of a certificate: everything to write, or every reason why not.
///
/// `lookups` must have been filled for everything that [`Needs`](crate::Needs) names.
#[must_use]
pub fn plan(record: &LegacyCertificate, lookups: &Lookups, policy: &Policy) -> Outcome {
    let mut issues = Issues::default();
    match draft(record, lookups, policy, &mut issues) {
        Some(plan) if issues.is_empty() => Outcome::Migrate(Box::new(plan)),
        _ => Outcome::Fail(issues.sorted()),
    }
}

/// What a status row shows of a certificate.
#[must_use]
pub fn identity(record: &LegacyCertificate) -> Identity {
    let text = |text| Reading::of(text).text().map(str::to_owned);
    Identity { certificate_number: text(&record.certificate_number), ecu_number: text(&record.ecu_number) }
}

/// The plan as far as it is possible. It counts only when there are no issues; without any it is there.
fn draft(record: &LegacyCertificate, lookups: &Lookups, policy: &Policy, issues: &mut Issues) -> Option<Plan> {
    let certificate_number = issues.required("certificate_number", &record.certificate_number);
    fit(certificate_number, "certificate_number", lookups, issues);
    let device_id = device(record, lookups, issues);
    let customer = mappings::customer(&record.customer_id, lookups, policy, issues);
    let user_id = mappings::user(&record.user_id, lookups, issues);
    let mut technician = |reference, field| mappings::technician(reference, field, lookups, policy, issues);
    let calibration_technician = technician(&record.calibration_technician_id, "calibration_technician_id");
    let installation_technician = technician(&record.installation_technician_id, "installation_technician_id");
    let speed_limit_kmh = speed_limit(record, issues);
    let status = status(record, policy, issues);
    let mut date = |field, text, is_required| date(field, text, is_required, policy, issues);
    let issued_at = date("issue_date", &record.issue_date, true);
    let expires_at = date("expiry_date", &record.expiry_date, false);
    let calibrated_at = date("calibration_date", &record.calibration_date, false);
    let installed_at = date("installation_date", &record.installation_date, false);
    if let (Some(issued_at), Some(expires_at)) = (issued_at, expires_at)
        && expires_at < issued_at
    {
        let message = format!("expiry_date {expires_at} is before issue_date {issued_at}");
        issues.add(Code::InvalidDateOrder, Some("expiry_date"), message, record.expiry_date.as_str());
    }
    let remarks = issues.optional("remarks", &record.remarks);
    fit(remarks, "remarks", lookups, issues);
    if !issues.is_empty() {
        return None;
    }
    let (vehicle, warning) = match vehicle::plan(record, &lookups.limits, policy) {
        Ok((vehicle, warning)) => (Some(vehicle), warning),
        Err(warning) => (None, Some(warning)),
    };
    Some(Plan {
        id: record.id,
        certificate_number: certificate_number?.to_owned(),
        device_id: device_id?,
        customer: customer?,
        user_id: user_id?,
        calibration_technician,
        installation_technician,
        speed_limit_kmh: speed_limit_kmh?,
        status: status?,
        issued_at: issued_at?,
        expires_at,
        calibrated_at,
        installed_at,
        remarks: remarks.map(str::to_owned),
        vehicle,
        warnings: warning.into_iter().collect(),
    })
}

fn fit(text: Option<&str>, field: &str, lookups: &Lookups, issues: &mut Issues) {
    if let Some(text) = text {
        issues.must_fit(field, field, text, lookups.limits.of("certificates", field));
    }
}

fn device(record: &LegacyCertificate, lookups: &Lookups, issues: &mut Issues) -> Option<NewId> {
    let ecu_number = issues.required("ecu_number", &record.ecu_number)?;
    let (code, how_many) = match lookups.devices.get(ecu_number) {
        Some(Found::One(device)) => return Some(*device),
        Some(Found::Several) => (Code::AmbiguousDevice, "several devices"),
        None => (Code::MissingDevice, "no device"),
    };
    let message = format!("the destination has {how_many} with the ECU number {}", quote(ecu_number));
    issues.add(code, Some("ecu_number"), message, record.ecu_number.as_str());
    None
}

fn speed_limit(record: &LegacyCertificate, issues: &mut Issues) -> Option<i16> {
    let text = issues.required("speed", &record.speed)?;
    speed::parse(text)
        .map_err(|why| {
            let message = format!("speed {} is not one speed of 1 to 300 km/h: {why}", quote(text));
            issues.add(Code::InvalidSpeed, Some("speed"), message, record.speed.as_str());
        })
        .ok()
}

fn status(record: &LegacyCertificate, policy: &Policy, issues: &mut Issues) -> Option<Status> {
    let text = issues.required("status", &record.status)?;
    let status = policy.statuses.get(text);
    if status.is_none() {
        let mut known = policy.statuses.words().join(", ");
        if let Some((end, _)) = known.char_indices().nth(SHOWN_STATUSES) {
            known.replace_range(end.., "…");
        }
        let message = format!("status {} is not in the status table, which has {known}", quote(text));
        issues.add(Code::UnknownStatus, Some("status"), message, record.status.as_str());
    }
    status
}

fn date(
    field: &str,
    legacy: &LegacyText,
    is_required: bool,
    policy: &Policy,
    issues: &mut Issues,
) -> Option<DateTime<Utc>> {
    let text = if is_required { issues.required(field, legacy) } else { issues.optional(field, legacy) }?;
    match date::parse(text, policy.timezone) {
        Ok(None) if is_required => issues.missing(field, legacy),
        Ok(instant) => return instant,
        Err(why) => {
            let message = format!("{field} {} is not a date: {why}", quote(text));
            issues.add(Code::InvalidDate, Some(field), message, legacy.as_str());
        }
    }
    None
}
