//! A destination that makes something else of what it is given: triggers that drop rows or change values.

use sqlx::Row;

use crate::world::World;

/// A trigger before or instead of an insert into a table, whose body is `body`.
fn trigger(table: &str, when: &str, body: &str) -> String {
    format!(
        "CREATE FUNCTION meddle_with_{table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
         CREATE TRIGGER meddle {when} INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION meddle_with_{table}();"
    )
}

/// State, code and field of certificates, and whether the message of the first issue or warning has the words.
async fn outcome(world: &World, id: i64, words: &str) -> (String, Option<String>, Option<String>, bool) {
    let sql = format!(
        "SELECT state, error_code, issues #>> '{{0,field}}',
                coalesce(error_message, warnings #>> '{{0,message}}') LIKE '%{words}%'
         FROM certferry.certificate_status WHERE certificate_id = {id}"
    );
    let row = &world.rows(&sql).await[0];
    (row.get(0), row.get(1), row.get(2), row.get::<Option<bool>, _>(3).unwrap_or_default())
}

fn refused(field: Option<&str>) -> (String, Option<String>, Option<String>, bool) {
    ("failed".to_owned(), Some("constraint_violation".to_owned()), field.map(str::to_owned), true)
}

#[tokio::test]
async fn a_vehicle_that_is_dropped_or_changed_is_a_warning() {
    for (body, words) in [
        ("RETURN NULL;", "a trigger or rule of the destination dropped the row of vehicles"),
        ("NEW.model = 'OTHER'; RETURN NEW;", "changed the value of vehicles.model"),
    ] {
        let world = World::with_cases().await;
        world.execute(&trigger("vehicles", "BEFORE", body)).await;
        world.succeeds("producer", ["enqueue"]).await;
        world.drain(1).await;
        assert_eq!(world.number("SELECT count(*) FROM vehicles").await, 0);
        assert_eq!(world.number("SELECT count(*) FROM certificates").await, 1631);
        let with_warning = |warning: &str| {
            format!(
                "SELECT count(*) FROM certferry.certificate_status
                 WHERE state = 'migrated' AND new_vehicle_id IS NULL AND warnings::text LIKE '%{warning}%'"
            )
        };
        let refused = world.number(&with_warning("vehicle_not_created")).await;
        assert_eq!(refused + world.number(&with_warning("vehicle_missing")).await, 1631);
        // Of the others the texts are no texts.
        assert!(refused - world.number(&with_warning(words)).await < 5, "{words}");
    }
}

#[tokio::test]
async fn certificates_that_are_dropped_or_changed_fail_alone() {
    let world = World::with_cases().await;
    world.execute_at_source("UPDATE certificates SET certificate_number = 'N' || id WHERE id IN (1, 3, 6)").await;
    let body = "IF NEW.certificate_number = 'N1' THEN RETURN NULL; END IF;
                IF NEW.certificate_number = 'N3' THEN NEW.speed_limit_kmh = NEW.speed_limit_kmh - 1; END IF;
                IF NEW.certificate_number = 'N6' THEN NEW.certificate_number = 'M6'; END IF;
                RETURN NEW;";
    world.execute(&trigger("certificates", "BEFORE", body)).await;
    world.succeeds("producer", ["enqueue"]).await;
    world.drain(1).await;
    assert_eq!(outcome(&world, 1, "dropped the row of certificates").await, refused(None));
    assert_eq!(outcome(&world, 3, "changed the value of certificates.speed_limit_kmh").await, refused(Some("speed")));
    let changed = outcome(&world, 6, "changed the value of certificates.certificate_number").await;
    assert_eq!(changed, refused(Some("certificate_number")));
    assert_eq!(world.number("SELECT count(*) FROM certificates").await, 1631 - 3);
    assert_eq!(
        world.number("SELECT count(*) FROM certferry.certificate_status WHERE error_code = 'unexpected'").await,
        0
    );
}

#[tokio::test]
async fn a_customer_or_technician_that_is_dropped_or_changed_costs_only_who_needs_it() {
    let (customers, technicians) = ("customers", "technicians");
    for (table, body, words, field, written) in [
        (customers, "RETURN NULL;", "dropped the row of customers", None, 4),
        (customers, "NEW.name = upper(NEW.name) || '!'; RETURN NEW;", "customers.name", Some("customer.name"), 4),
        (technicians, "RETURN NULL;", "dropped the row of technicians", None, 2),
        (technicians, "NEW.name = NEW.name || '!'; RETURN NEW;", "technicians.name", Some("technician.name"), 2),
    ] {
        let world = World::with_cases().await;
        world.execute(&trigger(table, "BEFORE", body)).await;
        let before = world.number(&format!("SELECT count(*) FROM {table}")).await;
        let ids = [1, 2, 3, 5, 6].map(|id| format!("--id={id}"));
        world.succeeds("producer", std::iter::once("enqueue").chain(ids.iter().map(String::as_str))).await;
        world.drain(1).await;
        // 2 creates a customer and technicians, 1 and 3 create technicians, 5 and 6 nobody.
        assert_eq!(outcome(&world, 2, words).await, refused(field), "{words}");
        assert_eq!(world.number("SELECT count(*) FROM certificates").await, written, "{words}");
        assert_eq!(world.number(&format!("SELECT count(*) FROM {table}")).await, before);
        let left_behind =
            "SELECT count(*) FROM certferry.mapping WHERE new_id = 0 OR entity = 'customer' AND old_id = 1031";
        assert_eq!(world.number(left_behind).await, 0);
    }
}

#[tokio::test]
async fn a_view_whose_trigger_gives_no_id_is_no_silent_success() {
    let world = World::with_cases().await;
    world
        .execute(
            "ALTER TABLE certificates RENAME TO document;
             CREATE VIEW certificates AS SELECT * FROM document",
        )
        .await;
    world.execute(&trigger("certificates", "INSTEAD OF", "RETURN NEW;")).await;
    world.succeeds("producer", ["setup", "--accept-changes"]).await;
    world.succeeds("producer", ["enqueue", "--id", "1"]).await;
    world.drain(1).await;
    assert_eq!(outcome(&world, 1, "gave no id for the row of certificates").await, refused(None));
    assert_eq!(world.number("SELECT count(*) FROM document").await, 0);
}

#[tokio::test]
async fn a_blocked_certificate_whose_device_cannot_be_blocked_fails() {
    let meddle = |body: &str| {
        format!(
            "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$;
             CREATE TRIGGER meddle BEFORE UPDATE ON devices FOR EACH ROW EXECUTE FUNCTION meddle();"
        )
    };
    for meddling in [
        meddle("RETURN NULL;"),
        meddle("NEW.is_blocked = FALSE; RETURN NEW;"),
        "CREATE RULE meddle AS ON UPDATE TO devices DO INSTEAD NOTHING".to_owned(),
    ] {
        let world = World::with_cases().await;
        world.execute(&meddling).await;
        world.succeeds("producer", ["enqueue"]).await;
        world.drain(1).await;
        let unblocked = "SELECT count(*) FROM certificates JOIN devices ON devices.id = device_id
                         WHERE status = 'blocked' AND NOT is_blocked";
        assert_eq!(world.number(unblocked).await, 0, "{meddling}");
        let failed = "SELECT count(*) FROM certferry.certificate_status
                      WHERE error_code = 'constraint_violation' AND issues #>> '{0,field}' = 'ecu_number'
                          AND error_message LIKE '%does not let the device be blocked%'";
        assert!(world.number(failed).await > 0, "{meddling}");
        let stuck = "SELECT count(*) FROM certferry.certificate_status WHERE state = 'queued'";
        assert_eq!(world.number(stuck).await, 0, "{meddling}");
    }
}
