use std::fmt::Write;
use std::fs;
use std::os::unix::fs::PermissionsExt;

use certferry_testkit::cases;
use serde_json::json;

use crate::world::World;

const FILES: [&str; 4] =
    ["user_mappings.json", "customer_mappings.json", "technicians_mapping.json", "certificates_mappings.json"];

#[tokio::test]
async fn importing_is_idempotent_and_counts_what_leads_nowhere() {
    let world = World::ready().await;
    world.execute("INSERT INTO users (id, name) VALUES (7000, 'a'), (7001, 'b')").await;
    let import = format!("import-mappings {} --json", cases::folder().display());
    let first = world.run(&import).json();
    let users = &first["files"][0];
    let entries = users["entries"].as_u64().expect("a number");
    assert_eq!((&users["entity"], &users["added"]), (&json!("user"), &json!(entries)));
    assert_eq!(users["not_in_destination"], json!(entries - 2));
    assert_eq!(first["files"].as_array().map(Vec::len), Some(3));
    let before = world.state().await;
    let second = world.run(&import).json();
    assert_eq!((&second["files"][0]["added"], &second["files"][0]["already_known"]), (&json!(0), &json!(entries)));
    assert_eq!(world.state().await, before);
    let people = world.run(&format!("import-mappings {}", cases::folder().display()));
    let line = format!(
        "user mappings: {entries} in the file, 0 added, {entries} already known, {} lead to ids that the destination \
         does not have",
        entries - 2
    );
    assert_eq!(people.good().lines().next(), Some(line.as_str()));
}

#[tokio::test]
async fn what_is_exported_is_what_was_imported_and_can_be_imported_elsewhere() {
    let world = World::ready().await;
    for (name, text) in
        FILES.iter().zip(["{\"3\": 30, \"-1\": \"10\"}", "{}", "{\"5\": 50}", "{\"9\": 90, \"-8\": 80}"])
    {
        world.file(&format!("in/{name}"), text);
    }
    world.run("import-mappings in").good();
    let exported = world.run("export-mappings new/out --json").json();
    assert_eq!(exported["files"][0], json!({"entity": "user", "file": "new/out/user_mappings.json", "entries": 2}));
    let read = |name: &str| fs::read_to_string(world.path(name)).expect(name);
    assert_eq!(read("new/out/user_mappings.json"), "{\n\"-1\": 10,\n\"3\": 30\n}\n");
    assert_eq!(read("new/out/certificates_mappings.json"), "{\n\"-8\": 80,\n\"9\": 90\n}\n");
    assert_eq!(read("new/out/customer_mappings.json"), "{\n}\n");
    assert_eq!(fs::read_dir(world.path("new/out")).expect("a folder").count(), 4);
    for name in FILES {
        let rights = fs::metadata(world.path(&format!("new/out/{name}"))).expect(name).permissions().mode();
        assert_eq!(rights & 0o777, 0o600, "a new file is for its owner alone");
    }

    let elsewhere = World::ready().await;
    let import = format!("import-mappings {}", world.path("new/out").display());
    elsewhere.run(&import).good();
    elsewhere.run("export-mappings out").good();
    for name in FILES {
        let copy = fs::read_to_string(elsewhere.path(&format!("out/{name}"))).expect(name);
        assert_eq!(copy, read(&format!("new/out/{name}")), "{name}");
    }
    // Again over what is there, and to itself nothing is new.
    world.run("export-mappings new/out").good();
    assert_eq!(world.run("import-mappings new/out --json").json()["files"][3]["added"], 0);
}

#[tokio::test]
async fn imported_certificates_count_as_migrated() {
    let world = World::with_certificates(6).await;
    world.run("enqueue --id 1 --id 2 --id 3 --id 4").good();
    world
        .execute(
            "UPDATE certferry.certificate_status SET state = 'failed', error_kind = 'mapping', error_code = 'missing_device',
                error_message = 'none', issues = '[{}]', started_at = now(), finished_at = now() WHERE certificate_id = 2;
             UPDATE certferry.certificate_status SET state = 'migrated', new_certificate_id = 300, finished_at = now(),
                worker = 'w' WHERE certificate_id = 3;
             DELETE FROM apalis.jobs WHERE idempotency_key IN ('2', '3');
             INSERT INTO users (id, name) VALUES (1, 'u');
             INSERT INTO customers (id, name) VALUES (1, 'c');
             INSERT INTO devices (id, ecu_number) VALUES (1, 'ECU1');
             INSERT INTO certificates (id, certificate_number, device_id, customer_id, user_id, speed_limit_kmh, status, issued_at)
             VALUES (100, 'C-1', 1, 1, 1, 80, 'active', now());
             INSERT INTO vehicles (id, certificate_id, brand, model) VALUES (1000, 100, 'TATA', 'TATA')",
        )
        .await;
    let file = world.file("done.json", "{\"1\": 100, \"2\": 200, \"3\": 300, \"5\": \"500\"}");
    let document = world.run(&format!("import-mappings --certificates {} --json", file.display())).json();
    let expected = json!({
        "entity": "certificate", "file": file, "entries": 4, "added": 3, "already_known": 1, "not_in_destination": 3,
    });
    assert_eq!((&document["files"][0], &document["jobs_removed"]), (&expected, &json!(1)));
    let migrated = "SELECT count(*) FROM certferry.certificate_status
                    WHERE state = 'migrated' AND new_certificate_id = certificate_id * 100";
    assert_eq!(world.number(migrated).await, 4);
    let known = "SELECT count(*) FROM certferry.certificate_status WHERE certificate_id = 1 AND new_vehicle_id = 1000
                 AND certificate_number = 'C-1' AND ecu_number = 'ECU1' AND worker = 'imported'";
    assert_eq!(world.number(known).await, 1);
    assert_eq!(world.number("SELECT count(*) FROM certferry.certificate_status WHERE worker = 'w'").await, 1);
    assert_eq!(world.rows_and_jobs().await, (1, 1));
    assert_eq!(world.run("enqueue").good(), "selected 6, enqueued 1, already known 5");
}

#[tokio::test]
async fn a_contradiction_is_refused_by_name_and_with_everything_else() {
    let world = World::ready().await;
    world.file("first/user_mappings.json", "{\"1\": 10, \"2\": 20}");
    world.file("first/certificates_mappings.json", "{\"7\": 70}");
    world.run("import-mappings first").good();
    let before = world.state().await;

    world.file("second/customer_mappings.json", "{\"5\": 50}");
    world.file("second/user_mappings.json", "{\"1\": 10, \"2\": 21, \"3\": 30}");
    world.file("second/certificates_mappings.json", "{\"7\": 71, \"8\": 80}");
    let ended = world.run("import-mappings second");
    let expected = "error: the files contradict what is recorded:\n\
                    user 2 is recorded as 20, the file says 21\n\
                    certificate 7 is recorded as 70, the file says 71\n";
    assert!(ended.bad(1).starts_with(expected), "{}", ended.stderr);
    assert_eq!(world.state().await, before);
}

#[tokio::test]
async fn many_contradictions_are_counted() {
    let world = World::ready().await;
    let file = |new_id: i64| {
        let entries: Vec<_> = (1..=25_000).map(|old_id| format!("\"{old_id}\": {}", old_id + new_id)).collect();
        world.file("users.json", &format!("{{{}}}", entries.join(",")))
    };
    let import = format!("import-mappings --users {} --json", file(0).display());
    assert_eq!(world.run(&import).json()["files"][0]["added"], 25_000);
    file(1);
    let message = world.run(&import).bad(1).to_owned();
    assert!(message.contains("\nuser 1 is recorded as 1, the file says 2\n"), "{message}");
    assert!(message.contains("\nand 24990 more\n"), "{message}");
}

#[tokio::test]
async fn large_files_are_taken_in_parts() {
    let world = World::ready().await;
    for name in ["customer_mappings.json", "certificates_mappings.json"] {
        let mut text = String::from("{\"0\": 1");
        for old_id in 1..120_000 {
            write!(text, ",\n\"{old_id}\": \"{}\"", old_id + 1).expect("memory takes it");
        }
        world.file(&format!("large/{name}"), &(text + "}"));
    }
    let document = world.run("import-mappings large --json").json();
    assert_eq!((&document["files"][0]["added"], &document["files"][1]["added"]), (&json!(120_000), &json!(120_000)));
    assert_eq!(world.number("SELECT count(*) FROM certferry.mapping WHERE new_id = old_id + 1").await, 120_000);
    world.run("export-mappings out").good();
    let lines = fs::read_to_string(world.path("out/certificates_mappings.json")).expect("a file").lines().count();
    assert_eq!(lines, 120_002);
}
