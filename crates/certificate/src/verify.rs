//! A second look at a plan, written apart from the planner: it shares none of its parsing.

use chrono::{DateTime, Datelike as _, Utc};

use crate::{CustomerPlan, LegacyCertificate, LegacyText, Plan, Reference, TechnicianPlan, Warning, WarningCode};

const MISSING: [&str; 8] = ["", "-", "--", "n/a", "na", "null", "none", "nil"];

/// What a plan gets wrong about its certificate, whatever the lookups and the policy were. A right plan has none.
#[must_use]
pub fn violations(record: &LegacyCertificate, plan: &Plan) -> Vec<String> {
    let mut found = Violations(Vec::new());
    found.unless(plan.id == record.id, "the id is another certificate's");
    found.same_text("certificate_number", &record.certificate_number, Some(&plan.certificate_number));
    found.same_text("remarks", &record.remarks, plan.remarks.as_deref());
    found.unless(is_there(&record.ecu_number), "there is a device without an ECU number");
    found.unless((1..=300).contains(&plan.speed_limit_kmh), "the speed is outside 1 to 300 km/h");
    found.unless(is_there(&record.speed), "there is a speed where the source has none");
    found.unless(is_there(&record.status), "there is a status where the source has none");
    found.dates(record, plan);
    found.people(record, plan);
    found.vehicle(record, plan);
    found.0
}

struct Violations(Vec<String>);

impl Violations {
    fn unless(&mut self, is_right: bool, violation: &str) {
        if !is_right {
            self.0.push(violation.to_owned());
        }
    }

    fn clean(&mut self, what: &str, text: &str) {
        let is_clean = text.trim().len() == text.len()
            && !text.contains('\0')
            && !MISSING.contains(&text.to_ascii_lowercase().as_str());
        self.unless(is_clean, &format!("the {what} is missing, not trimmed or has a NUL character"));
    }

    fn same_text(&mut self, what: &str, legacy: &LegacyText, planned: Option<&str>) {
        if let Some(planned) = planned {
            self.clean(what, planned);
        }
        let source = if let LegacyText::Text(text) = legacy { text.trim() } else { "" };
        let is_same = planned.map_or(!is_there(legacy), |planned| planned == source);
        self.unless(is_same, &format!("the {what} is not that of the source"));
    }

    fn dates(&mut self, record: &LegacyCertificate, plan: &Plan) {
        self.unless(plan.expires_at.is_none_or(|expires_at| expires_at >= plan.issued_at), "expiry is before issue");
        for (what, legacy, planned) in [
            ("issue date", &record.issue_date, Some(plan.issued_at)),
            ("expiry date", &record.expiry_date, plan.expires_at),
            ("calibration date", &record.calibration_date, plan.calibrated_at),
            ("installation date", &record.installation_date, plan.installed_at),
        ] {
            self.unless(
                planned.is_none_or(is_sane),
                &format!("the {what} is not of this age or finer than microseconds"),
            );
            // A zero date is missing too; every other date has a digit from 1 to 9.
            let is_zero = matches!(legacy, LegacyText::Text(text) if text.trim().chars().take(4).all(is_zero_digit));
            let is_right = planned.is_some() == (is_there(legacy) && !is_zero);
            self.unless(is_right, &format!("the {what} is there without a source, or missing with one"));
        }
    }

    fn people(&mut self, record: &LegacyCertificate, plan: &Plan) {
        self.unless(is_id(&record.user_id), "there is a user where the source names none");
        self.unless(is_id(&record.customer_id), "there is a customer where the source names none");
        match &plan.customer {
            CustomerPlan::Existing(_) => {}
            CustomerPlan::Matched { old_id, .. } => {
                self.unless(record.customer_id == Reference::Id(*old_id), "the customer is another one");
            }
            CustomerPlan::MatchOrCreate(customer) => {
                self.unless(record.customer_id == Reference::Id(customer.old_id), "the customer is another one");
                self.clean("customer name", &customer.name);
                for text in [&customer.trade_license, &customer.email, &customer.phone].into_iter().flatten() {
                    self.clean("customer's text", text);
                }
            }
        }
        self.technician(&record.calibration_technician_id, plan.calibration_technician.as_ref());
        self.technician(&record.installation_technician_id, plan.installation_technician.as_ref());
    }

    fn technician(&mut self, legacy: &Reference, planned: Option<&TechnicianPlan>) {
        let is_right = if planned.is_some() { is_id(legacy) } else { legacy.is_missing() };
        self.unless(is_right, "a technician is too many or missing");
        if let Some(TechnicianPlan::Create(technician)) = planned {
            self.unless(*legacy == Reference::Id(technician.old_id), "the technician is another one");
            self.clean("technician name", &technician.name);
            if let Some(phone) = &technician.phone {
                self.clean("technician phone", phone);
            }
        }
    }

    fn vehicle(&mut self, record: &LegacyCertificate, plan: &Plan) {
        let Some(vehicle) = &plan.vehicle else {
            let warns = |warning: &Warning| warning.code != WarningCode::NewRegistrationUnclear;
            self.unless(plan.warnings.len() == 1 && plan.warnings.iter().all(warns), "one warning says why no vehicle");
            return;
        };
        self.unless(!vehicle.brand.contains('\0') && !vehicle.model.contains('\0'), "the vehicle has a NUL character");
        self.unless(is_single_spaced(&vehicle.brand), "the brand is not single-spaced");
        self.unless(is_single_spaced(&vehicle.model), "the model is not single-spaced");
        self.same_text("chassis number", &record.vehicle_chassis_number, vehicle.chassis_number.as_deref());
        self.same_text("registration", &record.vehicle_registration_number, vehicle.registration_number.as_deref());
        let (is_yes, is_no) = yes_and_no(&record.new_registration);
        self.unless(vehicle.is_new_registration == is_yes, "the new registration is not that of the source");
        let warns_rightly = match plan.warnings.as_slice() {
            [] => is_yes || is_no,
            [warning] => warning.code == WarningCode::NewRegistrationUnclear && !is_yes && !is_no,
            _ => false,
        };
        self.unless(warns_rightly, "a vehicle's one warning says that its new registration is unclear");
        let source = if let LegacyText::Text(text) = &record.vehicle_type { text.as_str() } else { "" };
        let is_whole = source.split_whitespace().eq(vehicle.brand.split(' ').chain(vehicle.model.split(' ')))
            || (vehicle.model == vehicle.brand && source.split_whitespace().eq(vehicle.brand.split(' ')));
        self.unless(is_whole, "brand and model are not the vehicle type");
    }
}

fn is_there(legacy: &LegacyText) -> bool {
    match legacy {
        LegacyText::Null => false,
        LegacyText::Text(text) => !MISSING.contains(&text.trim().to_ascii_lowercase().as_str()),
        LegacyText::Undecodable => true,
    }
}

/// Whether the source says yes, and whether it says no.
fn yes_and_no(legacy: &LegacyText) -> (bool, bool) {
    let LegacyText::Text(text) = legacy else { return (false, *legacy == LegacyText::Null) };
    let text = text.trim();
    let number = text.strip_prefix(['+', '-']).unwrap_or(text);
    let number = if number.starts_with(|c: char| c.is_ascii_digit()) { number } else { "no number" };
    let whole = number.split_once('.').map_or(number, |_| {
        let without_zeros = number.trim_end_matches('0');
        without_zeros.strip_suffix('.').unwrap_or(without_zeros)
    });
    let digits = whole.trim_start_matches('0');
    let is_yes = text.eq_ignore_ascii_case("true") || (digits == "1" && !text.starts_with('-'));
    (is_yes, !is_there(legacy) || text.eq_ignore_ascii_case("false") || digits.is_empty())
}

fn is_id(reference: &Reference) -> bool {
    matches!(reference, Reference::Id(_))
}

fn is_zero_digit(character: char) -> bool {
    matches!(character, '0' | '٠' | '۰')
}

fn is_single_spaced(text: &str) -> bool {
    !text.is_empty() && text.split(' ').all(|word| !word.is_empty() && !word.contains(char::is_whitespace))
}

fn is_sane(instant: DateTime<Utc>) -> bool {
    (1989..=2101).contains(&instant.year()) && instant.timestamp_subsec_nanos().is_multiple_of(1_000)
}

#[cfg(test)]
mod tests;
