//! Is all of it there, and is it right?

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;
use sqlx::Row;

use crate::world::World;

/// A certificate, the verdict, and the column.
type Line = (i64, &'static str, &'static str);

struct Verified {
    code: Option<i32>,
    document: Value,
    lines: BTreeSet<(i64, String, String)>,
}

impl Verified {
    fn holds(&self) -> bool {
        let equations = self.document["equations"].as_array().unwrap();
        equations.len() == 6 && equations.iter().all(|equation| equation["holds"] == true)
    }

    fn by_verdict(&self, verdict: &str) -> i64 {
        self.document["by_verdict"][verdict].as_i64().unwrap_or_default()
    }
}

async fn verify(world: &World, arguments: &[&str]) -> Verified {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("findings.jsonl");
    let all = ["verify", "--json", "--findings", file.to_str().unwrap()];
    let output = world.runs("producer", all.iter().chain(arguments)).await;
    let document = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let lines = fs::read_to_string(&file).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let lines = lines.lines().map(|line| {
        let finding: Value = serde_json::from_str(line).unwrap();
        (finding["certificate_id"].as_i64().unwrap_or_default(), text(&finding["verdict"]), text(&finding["field"]))
    });
    Verified { code: output.status.code(), document, lines: lines.collect() }
}

fn owned(lines: impl IntoIterator<Item = Line>) -> BTreeSet<(i64, String, String)> {
    lines.into_iter().map(|(id, verdict, field)| (id, verdict.to_owned(), field.to_owned())).collect()
}

async fn migrated_world() -> World {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(2).await;
    world
}

/// Certificates with every column filled, whose device nobody has blocked: legacy id, certificate, vehicle.
async fn whole_ones(world: &World) -> Vec<(i64, i64, i64)> {
    let rows = world
        .rows(
            "SELECT s.certificate_id, s.new_certificate_id, s.new_vehicle_id
             FROM certferry.certificate_status s
             JOIN certificates c ON c.id = s.new_certificate_id
             JOIN vehicles v ON v.id = s.new_vehicle_id
             JOIN devices d ON d.id = c.device_id
             WHERE s.state = 'migrated' AND s.warnings = '[]' AND c.status = 'active' AND NOT d.is_blocked
               AND c.expires_at IS NOT NULL AND c.calibrated_at IS NOT NULL AND c.installed_at IS NOT NULL
               AND c.speed_limit_kmh < 200 AND v.chassis_number IS NOT NULL
               AND c.calibration_technician_id <> c.installation_technician_id
             ORDER BY s.certificate_id",
        )
        .await;
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
}

#[tokio::test]
async fn what_was_migrated_is_verified_and_adds_up() {
    let world = migrated_world().await;
    let verified = verify(&world, &[]).await;
    assert_eq!((verified.code, verified.document["verified"].as_i64()), (Some(0), Some(2000)), "{}", verified.document);
    assert!(verified.holds() && verified.lines.is_empty(), "{}", verified.document);
    assert_eq!(verified.by_verdict("match"), 2000);
    // What changes no value raises no alarm, nor what belongs to the new system alone.
    for sql in [
        "UPDATE certificates SET remarks = remarks",
        "VACUUM FULL certificates",
        "INSERT INTO certificates (certificate_number, device_id, customer_id, user_id, speed_limit_kmh, status, issued_at)
         SELECT 'NATIVE-1', device_id, customer_id, user_id, 80, 'active', now() FROM certificates LIMIT 1",
        "UPDATE customers SET phone = 'another' WHERE id = (SELECT new_id FROM certferry.mapping WHERE entity = 'customer' AND origin = 'imported' LIMIT 1)",
    ] {
        world.execute(sql).await;
    }
    world.execute_at_source("UPDATE certificates SET remarks = '  ' || remarks || ' ' WHERE id % 7 = 0").await;
    let again = verify(&world, &[]).await;
    assert!(again.code == Some(0) && again.holds() && again.lines.is_empty(), "{:?}", again.lines);
    let runs: Value = serde_json::from_str(&world.succeeds("producer", ["runs", "--json"]).await).unwrap();
    assert_eq!((&runs[0]["kind"], &runs[0]["outcome"]), (&"verify".into(), &"succeeded".into()));
    // Some of them.
    let one = verify(&world, &["--id", "1"]).await;
    assert_eq!((one.code, one.document["verified"].as_i64()), (Some(0), Some(1)));
    let sample = verify(&world, &["--sample", "200"]).await;
    let looked_at = sample.document["verified"].as_i64().unwrap();
    assert!(sample.code == Some(0) && (100..400).contains(&looked_at), "{}", sample.document);
}

/// A statement, with the certificate's ids as `$old`, `$new` and `$vehicle`, and what verification says of it.
type Corruption = (&'static str, &'static [(&'static str, &'static str)]);

const CORRUPTIONS: &[Corruption] = &[
    (
        "UPDATE certificates SET issued_at = issued_at - interval '4 hours' WHERE id = $new",
        &[("suspect", "certificate.issued_at")],
    ),
    (
        "UPDATE certificates SET issued_at = issued_at - interval '1 microsecond' WHERE id = $new",
        &[("suspect", "certificate.issued_at")],
    ),
    (
        "UPDATE certificates SET calibrated_at = calibrated_at + interval '1 microsecond' WHERE id = $new",
        &[("suspect", "certificate.calibrated_at")],
    ),
    ("UPDATE certificates SET installed_at = NULL WHERE id = $new", &[("suspect", "certificate.installed_at")]),
    (
        "UPDATE certificates SET expires_at = expires_at + interval '1 day' WHERE id = $new",
        &[("edited", "certificate.expires_at")],
    ),
    ("UPDATE certificates SET expires_at = NULL WHERE id = $new", &[("edited", "certificate.expires_at")]),
    (
        "UPDATE certificates SET remarks = coalesce(remarks, '') || ' noted' WHERE id = $new",
        &[("edited", "certificate.remarks")],
    ),
    (
        "UPDATE certificates SET remarks = '' WHERE id = $new AND remarks IS DISTINCT FROM ''",
        &[("edited", "certificate.remarks")],
    ),
    ("UPDATE certificates SET status = 'cancelled' WHERE id = $new", &[("edited", "certificate.status")]),
    (
        "UPDATE certificates SET speed_limit_kmh = speed_limit_kmh + 1 WHERE id = $new",
        &[("suspect", "certificate.speed_limit_kmh")],
    ),
    (
        "UPDATE certificates SET certificate_number = certificate_number || ' ' WHERE id = $new",
        &[("suspect", "certificate.certificate_number")],
    ),
    (
        "UPDATE certificates SET certificate_number = lower(certificate_number) WHERE id = $new",
        &[("suspect", "certificate.certificate_number")],
    ),
    (
        "UPDATE certificates SET certificate_number = left(certificate_number, -1) || 'X' WHERE id = $new",
        &[("suspect", "certificate.certificate_number")],
    ),
    (
        "UPDATE certificates SET device_id = (SELECT id FROM devices WHERE id <> device_id AND NOT is_blocked ORDER BY id LIMIT 1) WHERE id = $new",
        &[("suspect", "certificate.device_id")],
    ),
    (
        "UPDATE certificates SET user_id = (SELECT id FROM users WHERE id <> user_id ORDER BY id LIMIT 1) WHERE id = $new",
        &[("suspect", "certificate.user_id")],
    ),
    (
        "UPDATE certificates SET customer_id = (SELECT id FROM customers WHERE id <> customer_id ORDER BY id LIMIT 1) WHERE id = $new",
        &[("suspect", "certificate.customer_id")],
    ),
    (
        "UPDATE certificates SET calibration_technician_id = installation_technician_id, installation_technician_id = calibration_technician_id WHERE id = $new",
        &[("suspect", "certificate.calibration_technician_id"), ("suspect", "certificate.installation_technician_id")],
    ),
    (
        "UPDATE certificates SET calibration_technician_id = NULL WHERE id = $new",
        &[("suspect", "certificate.calibration_technician_id")],
    ),
    ("UPDATE vehicles SET brand = 'Тoyota' WHERE id = $vehicle", &[("suspect", "vehicle.brand")]),
    ("UPDATE vehicles SET model = model || U&'\\0301' WHERE id = $vehicle", &[("suspect", "vehicle.model")]),
    ("UPDATE vehicles SET model = left(model, -1) WHERE id = $vehicle", &[("suspect", "vehicle.model")]),
    ("UPDATE vehicles SET chassis_number = NULL WHERE id = $vehicle", &[("suspect", "vehicle.chassis_number")]),
    (
        "UPDATE vehicles SET registration_number = 'DXB 1' WHERE id = $vehicle",
        &[("edited", "vehicle.registration_number")],
    ),
    (
        "UPDATE vehicles SET is_new_registration = NOT is_new_registration WHERE id = $vehicle",
        &[("suspect", "vehicle.is_new_registration")],
    ),
    ("DELETE FROM vehicles WHERE id = $vehicle", &[("missing", "vehicle")]),
    ("DELETE FROM certificates WHERE id = $new", &[("missing", "certificate")]),
    (
        "UPDATE vehicles SET certificate_id = (SELECT id FROM certificates c WHERE NOT EXISTS (SELECT FROM vehicles v WHERE v.certificate_id = c.id) ORDER BY id LIMIT 1) WHERE id = $vehicle",
        &[("suspect", "vehicle.certificate_id")],
    ),
    (
        "UPDATE certferry.certificate_status SET certificate_number = 'X' WHERE certificate_id = $old",
        &[("suspect", "status.certificate_number")],
    ),
    (
        "UPDATE certferry.certificate_status SET ecu_number = 'X' WHERE certificate_id = $old",
        &[("suspect", "status.ecu_number")],
    ),
    (
        "UPDATE certferry.certificate_status SET new_vehicle_id = NULL WHERE certificate_id = $old",
        &[("suspect", "status.new_vehicle_id")],
    ),
    (
        "UPDATE certferry.certificate_status SET warnings = '[{\"code\": \"vehicle_missing\", \"message\": \"\"}]' WHERE certificate_id = $old",
        &[("suspect", "status.warnings")],
    ),
    (
        "UPDATE certferry.certificate_status SET evidence = 'damaged' WHERE certificate_id = $old",
        &[("suspect", "status.evidence")],
    ),
];

#[tokio::test]
async fn every_corruption_of_the_destination_is_found_with_its_column() {
    let world = migrated_world().await;
    let whole = whole_ones(&world).await;
    let mut expected = BTreeSet::new();
    for ((old, new, vehicle), (sql, findings)) in whole.iter().zip(CORRUPTIONS) {
        let sql = sql
            .replace("$old", &old.to_string())
            .replace("$new", &new.to_string())
            .replace("$vehicle", &vehicle.to_string());
        world.execute(&sql).await;
        expected.extend(owned(findings.iter().map(|(verdict, field)| (*old, *verdict, *field))));
    }
    assert!(whole.len() > CORRUPTIONS.len(), "{} whole certificates", whole.len());

    // A failed one whose issues somebody changed.
    let failed = world
        .number("SELECT min(certificate_id) FROM certferry.certificate_status WHERE error_code = 'invalid_speed'")
        .await;
    world.execute(&format!("UPDATE certferry.certificate_status SET issues = '[{{\"code\": \"missing_field\", \"message\": \"\"}}]' WHERE certificate_id = {failed}")).await;
    expected.extend(owned([(failed, "wrong_verdict", "status.issues")]));

    let verified = verify(&world, &[]).await;
    assert_eq!(verified.code, Some(3));
    assert_eq!(verified.lines, expected);
    assert!(!verified.holds(), "a certificate and vehicles are lost");
    let all: i64 = verified.document["by_verdict"].as_object().unwrap().values().map(|n| n.as_i64().unwrap()).sum();
    assert_eq!(Some(all), verified.document["verified"].as_i64(), "each certificate has one verdict");

    // What a person has accepted is settled until it moves again.
    let id = whole[9].0.to_string();
    world.succeeds("producer", ["verify", "--accept", &id, "--reason", "measured again"]).await;
    let again = verify(&world, &["--id", &id]).await;
    assert_eq!((again.code, again.document["accepted"].as_i64()), (Some(0), Some(1)), "{}", again.document);
    world
        .execute(&format!("UPDATE certificates SET speed_limit_kmh = speed_limit_kmh + 1 WHERE id = {}", whole[9].1))
        .await;
    assert_eq!(verify(&world, &["--id", &id]).await.code, Some(3), "it moved again");
}

#[tokio::test]
async fn what_was_exchanged_or_is_claimed_twice_is_found_and_so_are_changed_people() {
    let world = migrated_world().await;
    let whole = whole_ones(&world).await;
    // Two certificates whose vehicles were exchanged, and one that another status row claims too.
    let [one, other, claimed, ..] = whole[..] else { unreachable!() };
    world
        .execute(&format!(
            "UPDATE vehicles SET (brand, model, chassis_number) = (x.brand, x.model, x.chassis_number) FROM vehicles x
         WHERE vehicles.id IN ({a}, {b}) AND x.id IN ({a}, {b}) AND x.id <> vehicles.id",
            a = one.2,
            b = other.2
        ))
        .await;
    world.execute(&format!(
        "UPDATE certferry.certificate_status SET new_certificate_id = {}, new_vehicle_id = NULL WHERE certificate_id = {}",
        claimed.1, other.0
    )).await;

    // A customer and a technician that the migration created.
    world.execute(
        "UPDATE customers SET trade_license = 'moved' WHERE id = (SELECT min(new_id) FROM certferry.mapping WHERE entity = 'customer' AND origin = 'created')",
    ).await;
    world.execute(
        "UPDATE technicians SET name = name || ' ' WHERE id = (SELECT min(new_id) FROM certferry.mapping WHERE entity = 'technician' AND origin = 'created')",
    ).await;
    let verified = verify(&world, &[]).await;
    assert_eq!(verified.code, Some(3));
    let said =
        |id: i64, verdict: &str, field: &str| verified.lines.contains(&(id, verdict.to_owned(), field.to_owned()));
    assert!(said(one.0, "suspect", "vehicle.chassis_number"), "{:?}", verified.lines);
    assert!(
        said(other.0, "suspect", "status.new_certificate_id")
            && said(claimed.0, "suspect", "status.new_certificate_id")
    );
    // The certificate that nobody owns any more has the number of a legacy one.
    assert!(said(other.0, "twin", "certificate"), "{:?}", verified.lines);
    let fields: BTreeSet<&str> = verified.lines.iter().map(|line| line.2.as_str()).collect();
    assert!(fields.contains("customer.trade_license") && fields.contains("technician.name"), "{fields:?}");
    assert!(!verified.holds(), "two status rows claim one certificate");
}

#[tokio::test]
async fn what_changed_in_the_source_or_the_rules_is_told_from_what_changed_in_the_destination() {
    let world = migrated_world().await;
    let whole = whole_ones(&world).await;
    let mut whole_ids = whole.iter().copied();
    let mut next = || whole_ids.next().unwrap();
    let mut expected = BTreeSet::new();
    let source = async |sql: &str, old: i64| world.execute_at_source(&sql.replace("$old", &old.to_string())).await;
    for (sql, findings) in [
        ("UPDATE certificates SET speed = '203' WHERE id = $old", &[("stale", "certificate.speed_limit_kmh")][..]),
        ("UPDATE certificates SET speed = 'fast' WHERE id = $old", &[("stale", "certificate.speed_limit_kmh")]),
        (
            "UPDATE certificates SET certificate_number = 'RENAMED-1' WHERE id = $old",
            &[("stale", "certificate.certificate_number")],
        ),
        ("UPDATE certificates SET customer_id = 987654 WHERE id = $old", &[("stale", "certificate.customer_id")]),
        (
            "UPDATE certificates SET vehicle_type = NULL WHERE id = $old",
            &[("stale", "vehicle"), ("stale", "status.warnings")],
        ),
        (
            "UPDATE certificates SET status = 'blocked' WHERE id = $old",
            &[("stale", "certificate.status"), ("stale", "device.is_blocked")],
        ),
        ("DELETE FROM certificates WHERE id = $old", &[("gone", "")]),
    ] {
        let (old, ..) = next();
        source(sql, old).await;
        expected.extend(owned(findings.iter().map(|(verdict, field)| (old, *verdict, *field))));
    }
    // Changed on both sides: to different values, and to the same.
    for (speed, verdict) in [(204, Some("conflict")), (203, None)] {
        let (old, new, _) = next();
        source("UPDATE certificates SET speed = '203' WHERE id = $old", old).await;
        world.execute(&format!("UPDATE certificates SET speed_limit_kmh = {speed} WHERE id = {new}")).await;
        expected.extend(verdict.map(|verdict| (old, verdict.to_owned(), "certificate.speed_limit_kmh".to_owned())));
    }
    // A new row, and a failed one that was mended.
    source("INSERT INTO certificates (id, certificate_number, speed) VALUES (9000001, 'NEW-1', '80')", 0).await;
    expected.extend(owned([(9_000_001, "not_enqueued", "")]));
    let failed = world.number("SELECT min(certificate_id) FROM certferry.certificate_status WHERE error_code = 'invalid_speed' AND jsonb_array_length(issues) = 1").await;
    source("UPDATE certificates SET speed = '80' WHERE id = $old", failed).await;
    expected.extend(owned([(failed, "wrong_verdict", "status.issues")]));
    // A device that somebody gave another ECU number: today's plan is another.
    let (old, new, _) = next();
    world
        .execute(&format!(
            "UPDATE devices SET ecu_number = 'MOVED' WHERE id = (SELECT device_id FROM certificates WHERE id = {new})"
        ))
        .await;
    let verified = verify(&world, &[]).await;
    let moved = |line: &&(i64, String, String)| line.2 == "certificate.device_id" || line.0 == old;
    let rest: BTreeSet<_> = verified.lines.iter().filter(|line| !moved(line)).cloned().collect();
    // Failed certificates of that device have another issue by now.
    let rest: BTreeSet<_> =
        rest.into_iter().filter(|line| expected.contains(line) || line.1 != "wrong_verdict").collect();
    assert_eq!(rest, expected);
    assert!(verified.lines.contains(&(old, "rules_changed".to_owned(), "certificate.device_id".to_owned())));
    assert!(verified.code == Some(3) && verified.holds(), "{}", verified.document);
}

#[tokio::test]
async fn a_verification_that_is_killed_goes_on_and_comes_to_the_same() {
    let world = migrated_world().await;
    world
        .execute(
            "UPDATE certificates SET speed_limit_kmh = speed_limit_kmh - 1 WHERE id % 3 = 0 AND speed_limit_kmh > 1",
        )
        .await;
    let undisturbed = verify(&world, &[]).await;
    assert!(undisturbed.lines.len() > 300);
    let mut killed = world.start("producer", ["verify", "--json"]);
    let run = undisturbed.document["run"].as_i64().unwrap() + 1;
    world.until(&format!("SELECT count(*) FROM certferry.verification_finding WHERE run_id = {run}"), |n| n > 0).await;
    killed.kill().await.unwrap();
    world.execute(&format!("UPDATE certferry.verification_range SET leased_until = now() WHERE run_id = {run}")).await;
    let run = run.to_string();
    let join = ["--join", run.as_str()];
    let (one, other) = tokio::join!(verify(&world, &join), verify(&world, &join));
    for joined in [one, other] {
        assert_eq!((joined.code, &joined.lines), (Some(3), &undisturbed.lines));
        for key in ["verified", "by_verdict", "equations", "findings"] {
            assert_eq!(joined.document[key], undisturbed.document[key], "{key}");
        }
    }
}
