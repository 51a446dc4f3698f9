use super::*;
use crate::{NewCustomer, NewId, NewTechnician, OldId, Status, VehiclePlan};

fn record() -> LegacyCertificate {
    LegacyCertificate {
        id: OldId(1),
        certificate_number: " SLC/1 ".into(),
        ecu_number: "ECU1".into(),
        customer_id: Reference::Id(OldId(2)),
        user_id: Reference::Id(OldId(3)),
        calibration_technician_id: Reference::Id(OldId(4)),
        installation_technician_id: Reference::Missing,
        vehicle_type: "TOYOTA  HIACE VAN".into(),
        vehicle_chassis_number: "CH1".into(),
        vehicle_registration_number: LegacyText::Null,
        new_registration: "1".into(),
        speed: "80".into(),
        status: "active".into(),
        issue_date: "2020-01-01".into(),
        expiry_date: "2021-01-01".into(),
        calibration_date: "0000-00-00".into(),
        installation_date: "n/a".into(),
        remarks: "".into(),
    }
}

fn plan() -> Plan {
    Plan {
        id: OldId(1),
        certificate_number: "SLC/1".to_owned(),
        device_id: NewId(1),
        customer: CustomerPlan::MatchOrCreate(NewCustomer {
            old_id: OldId(2),
            name: "Falcon".to_owned(),
            trade_license: Some("CN-1".to_owned()),
            email: None,
            phone: None,
        }),
        user_id: NewId(3),
        calibration_technician: Some(TechnicianPlan::Create(NewTechnician {
            old_id: OldId(4),
            user_id: NewId(3),
            name: "Imran".to_owned(),
            phone: None,
        })),
        installation_technician: None,
        speed_limit_kmh: 80,
        status: Status::Active,
        issued_at: "2019-12-31T20:00:00Z".parse().unwrap(),
        expires_at: Some("2020-12-31T20:00:00Z".parse().unwrap()),
        calibrated_at: None,
        installed_at: None,
        remarks: None,
        vehicle: Some(VehiclePlan {
            brand: "TOYOTA".to_owned(),
            model: "HIACE VAN".to_owned(),
            chassis_number: Some("CH1".to_owned()),
            registration_number: None,
            is_new_registration: true,
        }),
        warnings: vec![],
    }
}

#[test]
fn a_right_plan_violates_nothing() {
    assert_eq!(violations(&record(), &plan()), Vec::<String>::new());
}

#[test]
fn every_wrong_plan_is_found_out() {
    let wrong: [fn(&mut Plan); 26] = [
        |p| p.id = OldId(9),
        |p| p.certificate_number = " SLC/1".to_owned(),
        |p| p.certificate_number = "SLC/2".to_owned(),
        |p| p.speed_limit_kmh = 0,
        |p| p.speed_limit_kmh = 301,
        |p| p.issued_at = "2020-12-31T20:00:00.000001Z".parse().unwrap(),
        |p| p.issued_at = "1988-12-31T20:00:00Z".parse().unwrap(),
        |p| p.issued_at = "2019-12-31T20:00:00.000000001Z".parse().unwrap(),
        |p| p.expires_at = None,
        |p| p.expires_at = Some("2102-01-01T00:00:00Z".parse().unwrap()),
        |p| p.calibrated_at = Some(p.issued_at),
        |p| p.installed_at = Some(p.issued_at),
        |p| p.remarks = Some(String::new()),
        |p| p.remarks = Some("invented".to_owned()),
        |p| p.vehicle = None,
        |p| p.warnings.push(Warning { code: WarningCode::VehicleMissing, message: String::new() }),
        |p| p.vehicle.as_mut().unwrap().brand = "TOYOTA HIACE".to_owned(),
        |p| p.vehicle.as_mut().unwrap().model = "HIACE  VAN".to_owned(),
        |p| p.vehicle.as_mut().unwrap().model = String::new(),
        |p| p.vehicle.as_mut().unwrap().chassis_number = None,
        |p| p.vehicle.as_mut().unwrap().registration_number = Some("-".to_owned()),
        |p| p.vehicle.as_mut().unwrap().is_new_registration = false,
        |p| p.calibration_technician = None,
        |p| p.installation_technician = Some(TechnicianPlan::Existing(NewId(1))),
        |p| {
            let CustomerPlan::MatchOrCreate(customer) = &mut p.customer else { unreachable!() };
            customer.trade_license = Some("N/A".to_owned());
        },
        |p| {
            let Some(TechnicianPlan::Create(technician)) = &mut p.calibration_technician else { unreachable!() };
            technician.old_id = OldId(5);
        },
    ];
    for (number, spoil) in wrong.into_iter().enumerate() {
        let mut plan = plan();
        spoil(&mut plan);
        assert!(!violations(&record(), &plan).is_empty(), "wrong plan {number} passed: {plan:?}");
    }
}

#[test]
fn a_source_that_cannot_be_planned_is_found_out() {
    let unplannable: [fn(&mut LegacyCertificate); 9] = [
        |r| r.ecu_number = "N/A".into(),
        |r| r.speed = LegacyText::Null,
        |r| r.status = " ".into(),
        |r| r.issue_date = "0000-00-00".into(),
        |r| r.user_id = Reference::Missing,
        |r| r.customer_id = Reference::Missing,
        |r| r.remarks = LegacyText::Undecodable,
        |r| r.remarks = "\0".into(),
        |r| r.vehicle_type = LegacyText::Undecodable,
    ];
    for (number, spoil) in unplannable.into_iter().enumerate() {
        let mut record = record();
        spoil(&mut record);
        assert!(!violations(&record, &plan()).is_empty(), "unplannable source {number} passed: {record:?}");
    }
}
