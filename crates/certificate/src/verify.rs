//! A second look at a plan, written apart from the planner: it shares none of its parsing.

use chrono::{DateTime, Datelike as _, Utc};

use crate::{CustomerPlan, LegacyCertificate, LegacyText, OldId, Plan, TechnicianPlan};

const MISSING: [&str; 8] = ["", "-", "--", "n/a", "na", "null", "none", "nil"];

/// What a plan gets wrong about its certificate, whatever the lookups and the policy were. A right plan has none.
#[must_use]
pub fn violations(record: &LegacyCertificate, plan: &Plan) -> Vec<String> {
    let mut found = Found(Vec::new());
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

struct Found(Vec<String>);

impl Found {
    fn unless(&mut self, is_right: bool, violation: &str) {
        if !is_right {
            self.0.push(violation.to_owned());
        }
    }

    fn clean(&mut self, what: &str, text: &str) {
        let is_clean =
            text.trim().len() == text.len() && !text.contains('\0') && !MISSING.contains(&text.to_lowercase().as_str());
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
        self.unless(record.user_id.is_some(), "there is a user where the source has none");
        self.unless(record.customer_id.is_some(), "there is a customer where the source has none");
        if let CustomerPlan::MatchOrCreate(customer) = &plan.customer {
            self.unless(Some(customer.old_id) == record.customer_id, "the customer is another one");
            self.clean("customer name", &customer.name);
            for text in [&customer.trade_license, &customer.email, &customer.phone].into_iter().flatten() {
                self.clean("customer's text", text);
            }
        }
        self.technician(record.calibration_technician_id, plan.calibration_technician.as_ref());
        self.technician(record.installation_technician_id, plan.installation_technician.as_ref());
    }

    fn technician(&mut self, legacy: Option<OldId>, planned: Option<&TechnicianPlan>) {
        self.unless(legacy.is_some() == planned.is_some(), "a technician is too many or missing");
        if let Some(TechnicianPlan::Create(technician)) = planned {
            self.unless(Some(technician.old_id) == legacy, "the technician is another one");
            self.clean("technician name", &technician.name);
            if let Some(phone) = &technician.phone {
                self.clean("technician phone", phone);
            }
        }
    }

    fn vehicle(&mut self, record: &LegacyCertificate, plan: &Plan) {
        self.unless(plan.warnings.len() == usize::from(plan.vehicle.is_none()), "one warning goes with no vehicle");
        let Some(vehicle) = &plan.vehicle else { return };
        self.unless(!vehicle.brand.contains('\0') && !vehicle.model.contains('\0'), "the vehicle has a NUL character");
        self.unless(is_single_spaced(&vehicle.brand), "the brand is not single-spaced");
        self.unless(is_single_spaced(&vehicle.model), "the model is not single-spaced");
        self.same_text("chassis number", &record.vehicle_chassis_number, vehicle.chassis_number.as_deref());
        self.same_text("registration", &record.vehicle_registration_number, vehicle.registration_number.as_deref());
        self.unless(
            vehicle.is_new_registration == matches!(record.new_registration, Some(1)),
            "the new registration is not that of the source",
        );
        let source = if let LegacyText::Text(text) = &record.vehicle_type { text.as_str() } else { "" };
        let is_whole = source.split_whitespace().eq(vehicle.brand.split(' ').chain(vehicle.model.split(' ')))
            || (vehicle.model == vehicle.brand && source.split_whitespace().eq(vehicle.brand.split(' ')));
        self.unless(is_whole, "brand and model are not the vehicle type");
    }
}

fn is_there(legacy: &LegacyText) -> bool {
    match legacy {
        LegacyText::Null => false,
        LegacyText::Text(text) => !MISSING.contains(&text.trim().to_lowercase().as_str()),
        LegacyText::Undecodable => true,
    }
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
