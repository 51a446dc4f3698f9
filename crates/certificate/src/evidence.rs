//! What is kept of a certificate that was written, to tell later what has changed since: digests, not values.

use blake3::Hasher;

use crate::columns::{
    CERTIFICATE_COLUMNS, ColumnValue, DIGEST, Digest, PERSON_COLUMNS, VEHICLE_COLUMNS, certificate_values, first,
    vehicle_values,
};
use crate::{LegacyCertificate, LegacyText, PeopleIds, PersonColumns, Plan, Policy, Reference, StoredCertificate};

/// The first byte of what is kept: the form of the rest. A later form has another.
const FORM: u8 = 1;

/// The bytes that are kept of the source row's fingerprint, and of the rules'.
const SOURCE: usize = 16;
const RULES: usize = 8;

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{OldId, OnMissing, Status, StatusTable};

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
