//! Certificates of every kind, made from small sets of values so that they meet: shared people, repeated numbers,
//! neighbours that are both refused.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::select;

/// Whether two certificates may have one number, or two vehicles one registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Numbers {
    MayRepeat,
    Differ,
}

/// The values of a legacy certificate's row. `#` stands for its id.
#[derive(Clone)]
pub(super) struct Certificate {
    number: Option<&'static str>,
    ecu_number: Option<&'static str>,
    customer: Option<i64>,
    user: Option<i64>,
    technicians: [Option<i64>; 2],
    vehicle: [Option<&'static str>; 2],
    speed: &'static str,
    status: &'static str,
    dates: [Option<&'static str>; 2],
    remarks: Option<&'static str>,
}

impl Certificate {
    pub(super) const INSERT: &'static str = "INSERT INTO certificates (id, certificate_number, ecu_number, customer_id,
        user_id, calibration_technician_id, installation_technician_id, vehicle_type, vehicle_registration_number, speed,
        status, issue_date, expiry_date, remarks) VALUES";

    pub(super) fn as_row(&self, id: i64) -> String {
        let text = |value: Option<&str>| {
            value.map_or("NULL".to_owned(), |text| format!("'{}'", text.replace('#', &id.to_string())))
        };
        let number = |value: Option<i64>| value.map_or("NULL".to_owned(), |number| number.to_string());
        let values = [
            id.to_string(),
            text(self.number),
            text(self.ecu_number),
            number(self.customer),
            number(self.user),
            number(self.technicians[0]),
            number(self.technicians[1]),
            text(self.vehicle[0]),
            text(self.vehicle[1]),
            text(Some(self.speed)),
            text(Some(self.status)),
            text(self.dates[0]),
            text(self.dates[1]),
            text(self.remarks),
        ];
        format!("({})", values.join(", "))
    }
}

impl fmt::Debug for Certificate {
    /// In one line, so that a world fits a screen.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.as_row(0))
    }
}

/// Longer than the destination's column for models.
const LONG: &str = "MAKE a_model_that_is_longer_than_the_one_hundred_and_twenty_eight_characters_which_the_column_of_the_destination_has_for_the_models_of_vehicles";

/// Some certificates and the size of the batches to work them off in.
pub(super) fn worlds(numbers: Numbers) -> impl Strategy<Value = (Vec<Certificate>, usize)> {
    (prop::collection::vec(certificate(numbers), 40..=80), select(vec![2, 7, 16, 33, 100]))
}

fn certificate(numbers: Numbers) -> impl Strategy<Value = Certificate> {
    let number: &[_] = match numbers {
        Numbers::MayRepeat => {
            &[(30, Some("N-#")), (8, Some("TWICE")), (4, Some(" THRICE ")), (2, Some("TAKEN")), (1, None)]
        }
        Numbers::Differ => &[(40, Some("N-#")), (2, Some(" TAKEN ")), (1, Some("n/a"))],
    };
    let registration: &[_] = match numbers {
        Numbers::MayRepeat => &[(5, Some("R #")), (2, Some("R ONE")), (1, None)],
        Numbers::Differ => &[(6, Some("R #")), (1, None)],
    };
    let ecu_number =
        weighted(&[(12, Some("ECU1")), (12, Some("ECU2")), (12, Some(" ECU3 ")), (1, Some("ECU0")), (1, None)]);
    let customer = weighted(&[
        (6, Some(1)),
        (3, Some(2)),
        (6, Some(4)),
        (5, Some(5)),
        (5, Some(6)),
        (4, Some(7)),
        (1, Some(3)),
        (1, Some(8)),
        (1, Some(9)),
        (1, Some(10)),
        (1, None),
    ]);
    let user = weighted(&[(20, Some(1)), (20, Some(2)), (1, Some(3)), (1, Some(4)), (1, None)]);
    let technician = || {
        let bad = [2, 5, 6, 7, 8, 9].map(|id| (1, Some(id)));
        weighted(&[&[(30, None), (10, Some(1)), (20, Some(3)), (20, Some(4))], bad.as_slice()].concat())
    };
    let vehicle = weighted(&[
        (12, Some("TOYOTA  HIACE VAN")),
        (6, Some("ISUZU")),
        (3, Some("REFUSED BUS")),
        (1, Some(LONG)),
        (2, None),
    ]);
    let speed = weighted(&[(30, "80"), (10, "120 (120) KM/H"), (2, "199"), (1, "fast")]);
    let status = weighted(&[(20, "ACTIVE"), (10, "void"), (8, "Blocked"), (1, "lost")]);
    let issue_date = weighted(&[(40, Some("05/01/2020")), (1, Some("31/02/2020")), (1, None)]);
    let expiry_date = weighted(&[(20, Some("2021-01-05")), (20, None), (1, Some("2019-01-05"))]);
    let remarks = weighted(&[
        (30, None),
        (10, Some("some words")),
        (1, Some("refuse 23503")),
        (1, Some("refuse 23505")),
        (1, Some("refuse 23514")),
        (1, Some("refuse 23P01")),
        (1, Some("refuse 22001")),
    ]);
    (
        (weighted(number), ecu_number, customer, user, technician(), technician()),
        (vehicle, weighted(registration), speed, status, issue_date, expiry_date, remarks),
    )
        .prop_map(
            |(
                (number, ecu_number, customer, user, calibration, installation),
                (vehicle_type, registration, speed, status, issue_date, expiry_date, remarks),
            )| Certificate {
                number,
                ecu_number,
                customer,
                user,
                technicians: [calibration, installation],
                vehicle: [vehicle_type, registration],
                speed,
                status,
                dates: [issue_date, expiry_date],
                remarks,
            },
        )
}

/// One of the values, each as often as its weight says; it shrinks towards the first.
fn weighted<T: Clone + std::fmt::Debug + 'static>(values: &[(usize, T)]) -> impl Strategy<Value = T> + use<T> {
    let each: Vec<T> = values.iter().flat_map(|(weight, value)| std::iter::repeat_n(value.clone(), *weight)).collect();
    (0..each.len()).prop_map(move |at| each[at].clone())
}
