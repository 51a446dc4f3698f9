//! One legacy certificate.

use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;

use super::fault::{Fault, number_taken_from};
use super::forms::{self, Day};
use super::people::Device;
use super::{Dataset, Stream};
use crate::load::{Line, Row};

/// The id of a customer and of a technician that the legacy system does not have.
const NOBODY: i64 = 42_424_242;

/// A legacy certificate as it is in the source, column by column.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the columns of legacy.sql")]
pub struct Certificate {
    pub id: i64,
    pub certificate_number: Option<String>,
    pub ecu_number: Option<String>,
    pub customer_id: Option<i64>,
    pub user_id: Option<i64>,
    pub calibration_technician_id: Option<i64>,
    pub installation_technician_id: Option<i64>,
    pub vehicle_type: Option<String>,
    pub vehicle_chassis_number: Option<String>,
    pub vehicle_registration_number: Option<String>,
    pub new_registration: Option<i64>,
    pub speed: Option<String>,
    pub status: Option<String>,
    pub issue_date: Option<String>,
    pub expiry_date: Option<String>,
    pub calibration_date: Option<String>,
    pub installation_date: Option<String>,
    pub remarks: Option<String>,
}

impl Certificate {
    pub(super) fn generate(dataset: &Dataset, id: u64) -> Self {
        let mut certificate = Self::good(dataset, id);
        if let Some(fault) = dataset.fault(id) {
            let random = &mut dataset.random(Stream::Fault, id ^ (1 << 63));
            certificate.spoil(dataset, fault, random);
        }
        certificate
    }

    /// A certificate that can be migrated, whatever it looks like.
    fn good(dataset: &Dataset, id: u64) -> Self {
        let random = &mut dataset.random(Stream::Certificate, id);
        let issued = Day::any(random);
        let ecu_number = Device(random.random_range(0..dataset.devices())).ecu_number();
        Self {
            id: i64::try_from(id).expect("a data set is smaller than that"),
            certificate_number: Some(format!("SLC/{}/07{id:08}", issued.year)),
            ecu_number: Some(if random.random_bool(0.01) { format!("  {ecu_number} ") } else { ecu_number }),
            customer_id: Some(dataset.any_customer(random)),
            user_id: Some(dataset.any_user(random, true)),
            calibration_technician_id: Some(dataset.any_technician(random, true)),
            installation_technician_id: random.random_bool(0.7).then(|| dataset.any_technician(random, true)),
            vehicle_type: vehicle_type(random),
            vehicle_chassis_number: Some(chassis_number(random)),
            vehicle_registration_number: Some(registration_number(random)),
            new_registration: Some(i64::from(random.random_bool(0.05))),
            speed: Some(forms::speed(random)),
            status: Some(forms::status(random).to_owned()),
            issue_date: Some(issued.text_with_time(random)),
            expiry_date: random.random_bool(0.95).then(|| issued.years_on(1).text_with_time(random)),
            calibration_date: Some(issued.text(random)),
            installation_date: Some(if random.random_bool(0.7) { issued.text(random) } else { String::new() }),
            remarks: remarks(random),
        }
    }

    fn spoil(&mut self, dataset: &Dataset, fault: Fault, random: &mut StdRng) {
        match fault {
            Fault::TechnicianWithoutUser if random.random_bool(0.5) => {
                self.calibration_technician_id = Some(dataset.any_technician(random, false));
            }
            Fault::TechnicianWithoutUser => {
                self.installation_technician_id = Some(dataset.any_technician(random, false));
            }
            Fault::NoDevice => self.ecu_number = Some(format!("ECUX{}", random.random_range(0..100))),
            Fault::BadIssueDate => self.issue_date = any(&["TBA", "31/02/2019", "2016-13-01", "next week"], random),
            Fault::UnknownStatus => self.status = any(&["???", "EXPIRED", "see remarks"], random),
            Fault::NoSpeed => self.speed = any(&["N/A", "", "-"], random),
            Fault::Several => {
                self.ecu_number = Some("NOPE".to_owned());
                self.speed = Some("N/A".to_owned());
                self.status = Some("???".to_owned());
                self.issue_date = Some("TBA".to_owned());
            }
            Fault::NoNumber => self.certificate_number = any(&["", " ", "n/a"], random),
            Fault::DatesInWrongOrder => {
                let issued = Day::any(random);
                self.issue_date = Some(issued.text_with_time(random));
                self.expiry_date = Some(issued.years_on(-1).text_with_time(random));
            }
            Fault::BadSpeed => self.speed = any(&["UNKNOWN", "120/80", "1,200", "8.0.1", "-80", "999"], random),
            Fault::NoTechnician => self.calibration_technician_id = Some(NOBODY),
            Fault::CustomerMissing => self.customer_id = None,
            Fault::NoCustomer => self.customer_id = Some(NOBODY),
            Fault::UnmappedUser => self.user_id = Some(dataset.any_user(random, false)),
            Fault::NumberTaken => {
                let earlier = number_taken_from(dataset, self.id.unsigned_abs());
                self.certificate_number = earlier.and_then(|id| Self::good(dataset, id).certificate_number);
            }
            Fault::NoStatus => self.status = None,
            Fault::NoIssueDate => self.issue_date = any(&["", "0000-00-00 00:00:00"], random),
        }
    }
}

impl Row for Certificate {
    const COLUMNS: &'static str = "id, certificate_number, ecu_number, customer_id, user_id, calibration_technician_id, \
        installation_technician_id, vehicle_type, vehicle_chassis_number, vehicle_registration_number, new_registration, \
        speed, status, issue_date, expiry_date, calibration_date, installation_date, remarks";

    fn write(&self, line: &mut Line<'_>) {
        line.number(self.id).text(self.certificate_number.as_deref()).text(self.ecu_number.as_deref());
        line.number(self.customer_id).number(self.user_id);
        line.number(self.calibration_technician_id).number(self.installation_technician_id);
        line.text(self.vehicle_type.as_deref()).text(self.vehicle_chassis_number.as_deref());
        line.text(self.vehicle_registration_number.as_deref()).number(self.new_registration);
        line.text(self.speed.as_deref()).text(self.status.as_deref()).text(self.issue_date.as_deref());
        line.text(self.expiry_date.as_deref()).text(self.calibration_date.as_deref());
        line.text(self.installation_date.as_deref()).text(self.remarks.as_deref());
    }
}

fn any(texts: &[&str], random: &mut StdRng) -> Option<String> {
    texts.choose(random).map(|text| (*text).to_owned())
}

/// A make and model; sometimes nothing, and once in a while a brand longer than the destination takes.
fn vehicle_type(random: &mut StdRng) -> Option<String> {
    match random.random_range(0..2000) {
        0..4 => None,
        4..8 => Some(String::new()),
        8..12 => Some("N/A".to_owned()),
        12 => Some(format!("{} X", "B".repeat(80))),
        _ => any(&forms::VEHICLES, random),
    }
}

fn chassis_number(random: &mut StdRng) -> String {
    const CHARACTERS: &[u8] = b"ABCDEFGHJKLMNPRSTUVWXYZ0123456789";
    (0..17).map(|_| char::from(CHARACTERS[random.random_range(0..CHARACTERS.len())])).collect()
}

fn registration_number(random: &mut StdRng) -> String {
    const PLACES: [&str; 9] = ["AJM", "AUH", "DXB", "Dubai", "FUJ", "RAK", "SHJ", "UAQ", "دبي"];
    let place = PLACES.choose(random).copied().unwrap_or("DXB");
    let letter = char::from(b'A' + random.random_range(0..12u8));
    format!("{place} {letter} {}", random.random_range(1000..100_000))
}

fn remarks(random: &mut StdRng) -> Option<String> {
    match random.random_range(0..5) {
        0 => None,
        1 => any(&["Seal replaced", "Seal replaced\nand checked"], random),
        2 => Some("N/A".to_owned()),
        3 => Some(String::new()),
        _ => Some("تمت المعايرة".to_owned()),
    }
}
