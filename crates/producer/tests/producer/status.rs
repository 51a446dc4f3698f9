use serde_json::json;

use crate::world::World;

#[tokio::test]
async fn the_document_of_a_migration_under_way() {
    let world = World::with_certificates(10).await;
    world.run("enqueue").good();
    world
        .execute(
            "UPDATE certferry.certificate_status SET state = 'migrated', new_certificate_id = certificate_id, worker = 'w',
                started_at = now() - interval '10 seconds', finished_at = now()
             WHERE certificate_id <= 6;
             UPDATE certferry.certificate_status SET state = 'failed', error_kind = 'mapping', error_code = 'missing_device',
                error_message = 'no device ECU7', issues = '[{}]', started_at = now(), finished_at = now()
             WHERE certificate_id IN (7, 8)",
        )
        .await;
    let document = world.run("status --json").json();
    let expected = json!({
        "total": 10, "queued": 2, "migrated": 6, "failed": 2, "skipped": 0, "by_code": {"missing_device": 2},
        "success_rate": 0.75, "paused": false, "workers": 0,
    });
    for (key, value) in expected.as_object().expect("an object") {
        assert_eq!(&document[key], value, "{key}");
    }
    assert_eq!(document["last_failed"]["certificate_id"], 8);
    assert_eq!(document["last_failed"]["code"], "missing_device");
    let rate = document["rate_per_second"].as_f64().expect("a rate");
    // Eight within the ten seconds since the first began, and however long the binary took.
    assert!(rate > 0.1 && rate <= 0.8, "{rate}");
    assert!(document["eta_seconds"].is_null(), "nobody works on the rest: {document}");

    let ended = world.run("status");
    let text = ended.good();
    assert!(text.contains("migrated                  6   60.0%"), "{text}");
    assert!(text.contains("missing_device         2  add the device to the new system"), "{text}");
    assert!(text.contains("last failed: certificate 8 at "), "{text}");
}

#[tokio::test]
async fn nothing_enqueued_is_a_status_too() {
    let world = World::ready().await;
    let document = world.run("status --json").json();
    assert_eq!((&document["total"], &document["last_failed"]), (&json!(0), &json!(null)));
    assert_eq!(world.run("status").good(), "no certificate was ever enqueued; no worker is alive");
}
