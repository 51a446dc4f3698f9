//! What is kept of a certificate that was written, to tell later what has changed since: digests, not values.

use blake3::Hasher;
use chrono::{DateTime, Utc};

use crate::{LegacyCertificate, LegacyText, NewId, Plan, Policy, Reference};

/// The bytes that are kept of a column's digest. A change goes unseen once in 2⁴⁸.
const DIGEST: usize = 6;

/// The first byte of what is kept: the form of the rest. A later form has another.
const FORM: u8 = 1;

/// The bytes that are kept of the source row's fingerprint, and of the rules'.
const SOURCE: usize = 16;
const RULES: usize = 8;

/// The columns of a certificate whose digests are kept, in their order.
pub(crate) const CERTIFICATE_COLUMNS: [&str; 13] = [
    "certificate_number",
    "device_id",
    "customer_id",
    "user_id",
    "calibration_technician_id",
    "installation_technician_id",
    "speed_limit_kmh",
    "status",
    "issued_at",
    "expires_at",
    "calibrated_at",
    "installed_at",
    "remarks",
];

/// The columns of a vehicle whose digests are kept after those of its certificate, in their order.
pub(crate) const VEHICLE_COLUMNS: [&str; 5] =
    ["brand", "model", "chassis_number", "registration_number", "is_new_registration"];

/// The destination's ids of the people of a certificate, as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub struct PeopleIds {
    pub customer_id: NewId,
    pub calibration_technician_id: Option<NewId>,
    pub installation_technician_id: Option<NewId>,
}

/// A value of a column, of whichever type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnValue<'a> {
    /// SQL `NULL`.
    Null,
    /// A number or an id.
    Integer(i64),
    /// Text, byte by byte.
    Text(&'a str),
    /// An instant, in microseconds since 1970.
    Instant(i64),
    /// True or false.
    Boolean(bool),
}

impl ColumnValue<'_> {
    /// The digest that is kept of it. Values of two types have different ones.
    #[must_use]
    pub(crate) fn digest(self) -> Digest {
        let mut hasher = Hasher::new();
        match self {
            Self::Null => hasher.update(b"n"),
            Self::Integer(number) => hasher.update(b"i").update(&number.to_be_bytes()),
            Self::Text(text) => hasher.update(b"t").update(text.as_bytes()),
            Self::Instant(microseconds) => hasher.update(b"@").update(&microseconds.to_be_bytes()),
            Self::Boolean(flag) => hasher.update(b"b").update(&[u8::from(flag)]),
        };
        first(&hasher)
    }

    /// As a person reads it; none for `NULL`.
    pub(crate) fn shown(self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Integer(number) => Some(number.to_string()),
            Self::Text(text) => Some(text.to_owned()),
            Self::Instant(microseconds) => Some(DateTime::from_timestamp_micros(microseconds).map_or_else(
                || microseconds.to_string(),
                |at| at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true),
            )),
            Self::Boolean(flag) => Some(flag.to_string()),
        }
    }
}

/// What is kept of a certificate that was planned: of its source row and the rules always, of its columns where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    source: [u8; SOURCE],
    rules: [u8; RULES],
    written: Option<WrittenColumns>,
}

/// The digests of what was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WrittenColumns {
    pub(crate) certificate: [Digest; CERTIFICATE_COLUMNS.len()],
    pub(crate) vehicle: Option<[Digest; VEHICLE_COLUMNS.len()]>,
}

/// The digest of a column's value.
pub(crate) type Digest = [u8; DIGEST];

impl Evidence {
    /// What is to be kept of a certificate that was written as planned, for these people, with its vehicle or without.
    #[must_use]
    pub fn of(
        record: &LegacyCertificate,
        plan: &Plan,
        people: PeopleIds,
        has_vehicle: bool,
        rules: RulesFingerprint,
    ) -> Self {
        Self {
            source: source_fingerprint(record),
            rules: rules.0,
            written: Some(WrittenColumns {
                certificate: certificate_values(plan, people).map(ColumnValue::digest),
                vehicle: vehicle_values(plan).filter(|_| has_vehicle).map(|values| values.map(ColumnValue::digest)),
            }),
        }
    }

    /// What is to be kept of a certificate that was planned by `rules` and not written, as it failed.
    #[must_use]
    pub fn of_failed(record: &LegacyCertificate, rules: RulesFingerprint) -> Self {
        Self { source: source_fingerprint(record), rules: rules.0, written: None }
    }

    /// Whether the source row says what it said then.
    #[must_use]
    pub fn is_of(&self, record: &LegacyCertificate) -> bool {
        self.source == source_fingerprint(record)
    }

    /// Whether the rules that are configuration are what they were then.
    #[must_use]
    pub fn is_by(&self, rules: RulesFingerprint) -> bool {
        self.rules == rules.0
    }

    /// The digests of what was written, where something was.
    pub(crate) fn written(&self) -> Option<&WrittenColumns> {
        self.written.as_ref()
    }

    /// As it is stored.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let columns = CERTIFICATE_COLUMNS.len() + VEHICLE_COLUMNS.len();
        let mut bytes = Vec::with_capacity(1 + SOURCE + RULES + DIGEST * columns);
        bytes.push(FORM);
        bytes.extend(self.source);
        bytes.extend(self.rules);
        if let Some(written) = &self.written {
            bytes.extend(written.certificate.iter().flatten());
            bytes.extend(written.vehicle.iter().flatten().flatten());
        }
        bytes
    }
}

/// A certificate and its vehicle as the destination has them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub struct StoredCertificate {
    pub certificate_number: Option<String>,
    pub device_id: Option<i64>,
    pub customer_id: Option<i64>,
    pub user_id: Option<i64>,
    pub calibration_technician_id: Option<i64>,
    pub installation_technician_id: Option<i64>,
    pub speed_limit_kmh: Option<i64>,
    pub status: Option<String>,
    pub issued_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub calibrated_at: Option<DateTime<Utc>>,
    pub installed_at: Option<DateTime<Utc>>,
    pub remarks: Option<String>,
    /// None where it has none, or where the one that was recorded is gone.
    pub vehicle: Option<StoredVehicle>,
}

/// A vehicle as the destination has it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub struct StoredVehicle {
    pub brand: Option<String>,
    pub model: Option<String>,
    pub chassis_number: Option<String>,
    pub registration_number: Option<String>,
    pub is_new_registration: Option<bool>,
}

impl Evidence {
    /// What was kept; none where a later version kept it in another form, or it is damaged.
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let (form, bytes) = bytes.split_first()?;
        let (source, bytes) = bytes.split_first_chunk()?;
        let (rules, bytes) = bytes.split_first_chunk()?;
        (*form == FORM).then_some(())?;
        let written = if bytes.is_empty() {
            None
        } else {
            let (certificate, vehicle) = bytes.split_at_checked(DIGEST * CERTIFICATE_COLUMNS.len())?;
            let vehicle = if vehicle.is_empty() { None } else { Some(digests(vehicle)?) };
            Some(WrittenColumns { certificate: digests(certificate)?, vehicle })
        };
        Some(Self { source: *source, rules: *rules, written })
    }

    /// The columns that are not as they were written, as `certificate.speed_limit_kmh` or `vehicle.brand`; `vehicle` where it
    /// is gone. None where nothing was kept of what was written.
    #[must_use]
    pub fn changed(&self, stored: &StoredCertificate) -> Option<Vec<String>> {
        let written = self.written.as_ref()?;
        let mut changed = differing("certificate", &CERTIFICATE_COLUMNS, &written.certificate, stored.values());
        match (&written.vehicle, &stored.vehicle) {
            (Some(written), Some(vehicle)) => {
                changed.extend(differing("vehicle", &VEHICLE_COLUMNS, written, vehicle.values()));
            }
            (Some(_), None) => changed.push("vehicle".to_owned()),
            (None, _) => {}
        }
        Some(changed)
    }
}

impl StoredCertificate {
    /// The values in the order of [`CERTIFICATE_COLUMNS`].
    pub(crate) fn values(&self) -> [ColumnValue<'_>; CERTIFICATE_COLUMNS.len()] {
        let id = |id: Option<i64>| id.map_or(ColumnValue::Null, ColumnValue::Integer);
        [
            optional(self.certificate_number.as_deref()),
            id(self.device_id),
            id(self.customer_id),
            id(self.user_id),
            id(self.calibration_technician_id),
            id(self.installation_technician_id),
            id(self.speed_limit_kmh),
            optional(self.status.as_deref()),
            instant(self.issued_at),
            instant(self.expires_at),
            instant(self.calibrated_at),
            instant(self.installed_at),
            optional(self.remarks.as_deref()),
        ]
    }
}

impl StoredVehicle {
    /// The values in the order of [`VEHICLE_COLUMNS`].
    pub(crate) fn values(&self) -> [ColumnValue<'_>; VEHICLE_COLUMNS.len()] {
        [
            optional(self.brand.as_deref()),
            optional(self.model.as_deref()),
            optional(self.chassis_number.as_deref()),
            optional(self.registration_number.as_deref()),
            self.is_new_registration.map_or(ColumnValue::Null, ColumnValue::Boolean),
        ]
    }
}

/// Those of a table's columns whose values have another digest than was kept.
fn differing<const N: usize>(
    table: &str,
    columns: &[&str; N],
    written: &[[u8; DIGEST]; N],
    values: [ColumnValue<'_>; N],
) -> Vec<String> {
    let columns = columns.iter().zip(written).zip(values);
    let changed = columns.filter(|((_, written), value)| value.digest() != **written);
    changed.map(|((column, _), _)| format!("{table}.{column}")).collect()
}

fn digests<const N: usize>(bytes: &[u8]) -> Option<[[u8; DIGEST]; N]> {
    let digests: Vec<[u8; DIGEST]> =
        bytes.chunks(DIGEST).map(<[u8; DIGEST]>::try_from).collect::<Result<_, _>>().ok()?;
    digests.try_into().ok()
}

/// What is kept of a customer or technician that was created: the digest of each of these texts and numbers.
#[must_use]
pub fn person_evidence(person: &PersonColumns<'_>) -> Vec<u8> {
    std::iter::once(FORM).chain(person.values().iter().flat_map(|value| value.digest())).collect()
}

/// The digests that [`person_evidence`] kept; none where a later version kept them in another form, or they are damaged.
pub(crate) fn person_digests(evidence: &[u8]) -> Option<[Digest; PERSON_COLUMNS]> {
    let (form, bytes) = evidence.split_first()?;
    (*form == FORM).then_some(())?;
    digests(bytes)
}

/// How many columns of a customer or technician are kept.
pub(crate) const PERSON_COLUMNS: usize = 4;

impl PersonColumns<'_> {
    /// The values of the columns, in the order of [`Self::fields`].
    pub(crate) fn values(&self) -> [ColumnValue<'_>; PERSON_COLUMNS] {
        match self {
            Self::Customer { name, trade_license, email, phone } => {
                [ColumnValue::Text(name), optional(*trade_license), optional(*email), optional(*phone)]
            }
            Self::Technician { user_id, name, phone } => {
                [ColumnValue::Integer(user_id.0), ColumnValue::Text(name), optional(*phone), ColumnValue::Null]
            }
        }
    }

    /// The names of the columns; the last of a technician is none.
    pub(crate) fn fields(&self) -> [&'static str; PERSON_COLUMNS] {
        match self {
            Self::Customer { .. } => ["customer.name", "customer.trade_license", "customer.email", "customer.phone"],
            Self::Technician { .. } => ["technician.user_id", "technician.name", "technician.phone", "technician"],
        }
    }
}

/// The columns of a customer or technician.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are the destination's columns, by their names")]
pub enum PersonColumns<'a> {
    Customer { name: &'a str, trade_license: Option<&'a str>, email: Option<&'a str>, phone: Option<&'a str> },
    Technician { user_id: NewId, name: &'a str, phone: Option<&'a str> },
}

/// A fingerprint of the rules that are configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RulesFingerprint([u8; RULES]);

impl RulesFingerprint {
    /// Of these rules.
    #[must_use]
    pub fn of(policy: &Policy) -> Self {
        let mut hasher = Hasher::new();
        let mut add = |text: &str| {
            hasher.update(&(text.len() as u64).to_be_bytes()).update(text.as_bytes());
        };
        add(policy.timezone.name());
        for word in policy.statuses.words() {
            add(word);
            add(policy.statuses.get(word).map_or("", crate::Status::as_str));
        }
        let mut brands: Vec<&str> = policy.brands.iter().map(String::as_str).collect();
        brands.sort_unstable();
        for brand in brands {
            add(brand);
        }
        for on_missing in [policy.customers, policy.technicians] {
            add(match on_missing {
                crate::OnMissing::Create => "create",
                crate::OnMissing::Fail => "fail",
            });
        }
        Self(first(&hasher))
    }
}

fn certificate_values(plan: &Plan, people: PeopleIds) -> [ColumnValue<'_>; CERTIFICATE_COLUMNS.len()] {
    let id = |id: Option<NewId>| id.map_or(ColumnValue::Null, |id| ColumnValue::Integer(id.0));
    [
        ColumnValue::Text(&plan.certificate_number),
        ColumnValue::Integer(plan.device_id.0),
        ColumnValue::Integer(people.customer_id.0),
        ColumnValue::Integer(plan.user_id.0),
        id(people.calibration_technician_id),
        id(people.installation_technician_id),
        ColumnValue::Integer(i64::from(plan.speed_limit_kmh)),
        ColumnValue::Text(plan.status.as_str()),
        instant(Some(plan.issued_at)),
        instant(plan.expires_at),
        instant(plan.calibrated_at),
        instant(plan.installed_at),
        optional(plan.remarks.as_deref()),
    ]
}

pub(crate) fn vehicle_values(plan: &Plan) -> Option<[ColumnValue<'_>; VEHICLE_COLUMNS.len()]> {
    let vehicle = plan.vehicle.as_ref()?;
    Some([
        ColumnValue::Text(&vehicle.brand),
        ColumnValue::Text(&vehicle.model),
        optional(vehicle.chassis_number.as_deref()),
        optional(vehicle.registration_number.as_deref()),
        ColumnValue::Boolean(vehicle.is_new_registration),
    ])
}

pub(crate) fn instant<'a>(at: Option<DateTime<Utc>>) -> ColumnValue<'a> {
    at.map_or(ColumnValue::Null, |at| ColumnValue::Instant(at.timestamp_micros()))
}

pub(crate) fn optional(text: Option<&str>) -> ColumnValue<'_> {
    text.map_or(ColumnValue::Null, ColumnValue::Text)
}

/// Of the decoded values, so that it is the same whatever engine the source is on.
fn source_fingerprint(record: &LegacyCertificate) -> [u8; SOURCE] {
    let mut hasher = Hasher::new();
    let LegacyCertificate {
        id,
        certificate_number,
        ecu_number,
        customer_id,
        user_id,
        calibration_technician_id,
        installation_technician_id,
        vehicle_type,
        vehicle_chassis_number,
        vehicle_registration_number,
        new_registration,
        speed,
        status,
        issue_date,
        expiry_date,
        calibration_date,
        installation_date,
        remarks,
    } = record;
    hasher.update(&id.0.to_be_bytes());
    for text in [
        certificate_number,
        ecu_number,
        vehicle_type,
        vehicle_chassis_number,
        vehicle_registration_number,
        new_registration,
        speed,
        status,
        issue_date,
        expiry_date,
        calibration_date,
        installation_date,
        remarks,
    ] {
        match text {
            LegacyText::Null => hasher.update(b"n"),
            LegacyText::Undecodable => hasher.update(b"u"),
            LegacyText::Text(text) => {
                hasher.update(b"t").update(&(text.len() as u64).to_be_bytes()).update(text.as_bytes())
            }
        };
    }
    for reference in [customer_id, user_id, calibration_technician_id, installation_technician_id] {
        match reference {
            Reference::Missing => hasher.update(b"n"),
            Reference::Id(id) => hasher.update(b"i").update(&id.0.to_be_bytes()),
            Reference::Unreadable(None) => hasher.update(b"u"),
            Reference::Placeholder(text) | Reference::Unreadable(Some(text)) => {
                hasher.update(b"t").update(&(text.len() as u64).to_be_bytes()).update(text.as_bytes())
            }
        };
    }
    first(&hasher)
}

/// The first bytes of a digest.
fn first<const N: usize>(hasher: &Hasher) -> [u8; N] {
    let mut bytes = [0; N];
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OldId, OnMissing, Status, StatusTable};

    #[test]
    fn values_that_look_alike_have_different_digests() {
        let values = [
            ColumnValue::Null,
            ColumnValue::Text(""),
            ColumnValue::Text("1"),
            ColumnValue::Integer(1),
            ColumnValue::Instant(1),
            ColumnValue::Boolean(true),
            ColumnValue::Boolean(false),
            ColumnValue::Text("true"),
            ColumnValue::Text("n"),
        ];
        for (at, one) in values.iter().enumerate() {
            for other in &values[at + 1..] {
                assert_ne!(one.digest(), other.digest(), "{one:?} {other:?}");
            }
        }
        // What is stored must mean the same for every later version.
        assert_eq!(ColumnValue::Text("SLC/1").digest(), ColumnValue::Text("SLC/1").digest());
    }

    #[test]
    fn a_change_of_any_rule_changes_their_fingerprint() {
        let policy = Policy::default();
        let of = RulesFingerprint::of;
        assert_eq!(of(&policy), of(&Policy::default()));
        let mut words = StatusTable::default();
        words.extend([("expired", Status::Cancelled)]);
        for changed in [
            Policy { timezone: chrono_tz::Tz::Asia__Muscat, ..policy.clone() },
            Policy { statuses: words, ..policy.clone() },
            Policy { brands: vec!["ASHOK LEYLAND".to_owned()], ..policy.clone() },
            Policy { customers: OnMissing::Fail, ..policy.clone() },
            Policy { technicians: OnMissing::Fail, ..policy.clone() },
        ] {
            assert_ne!(of(&policy), of(&changed), "{changed:?}");
        }
        let of_brands =
            |brands: [&str; 2]| of(&Policy { brands: brands.map(str::to_owned).to_vec(), ..policy.clone() });
        assert_eq!(of_brands(["A B", "C D"]), of_brands(["C D", "A B"]));
    }

    fn record() -> LegacyCertificate {
        LegacyCertificate {
            id: OldId(7),
            certificate_number: "SLC/1".into(),
            ecu_number: "ECU".into(),
            customer_id: Reference::Id(OldId(1)),
            user_id: Reference::Id(OldId(2)),
            calibration_technician_id: Reference::Missing,
            installation_technician_id: Reference::Unreadable(Some("x".to_owned())),
            vehicle_type: LegacyText::Null,
            vehicle_chassis_number: LegacyText::Null,
            vehicle_registration_number: LegacyText::Null,
            new_registration: LegacyText::Null,
            speed: "80".into(),
            status: "active".into(),
            issue_date: "2020-01-01".into(),
            expiry_date: LegacyText::Null,
            calibration_date: LegacyText::Null,
            installation_date: LegacyText::Null,
            remarks: LegacyText::Undecodable,
        }
    }

    #[test]
    fn a_change_of_any_value_changes_the_fingerprint_of_the_source() {
        let before = source_fingerprint(&record());
        let changes: [fn(&mut LegacyCertificate); 8] = [
            |record| record.id = OldId(8),
            |record| record.certificate_number = "SLC/2".into(),
            |record| record.expiry_date = "".into(),
            |record| record.remarks = LegacyText::Null,
            |record| record.customer_id = Reference::Id(OldId(3)),
            |record| record.calibration_technician_id = Reference::Unreadable(None),
            |record| record.installation_technician_id = Reference::Missing,
            // Values do not run into each other.
            |record| (record.certificate_number, record.ecu_number) = ("SLC/1E".into(), "CU".into()),
        ];
        for change in changes {
            let mut record = record();
            change(&mut record);
            assert_ne!(source_fingerprint(&record), before, "{record:?}");
        }
        assert_eq!(source_fingerprint(&record()), before);
    }
}
