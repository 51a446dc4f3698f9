//! No text about people is in a log above debug, nor in what the operator sees of the last failure.

use std::collections::BTreeSet;

use serde_json::Value;
use sqlx::{Connection, PgConnection, Row};

use crate::world::{World, ended};

/// What the destination refuses, quoting what it was given in its message, in its detail, or both.
pub(crate) const REFUSALS: &str = "
    CREATE UNIQUE INDEX customers_of_one_licence ON customers (trade_license);
    CREATE FUNCTION refuse_customer() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.phone LIKE '%9' THEN
            RAISE EXCEPTION 'customer % (%) must not be called on %', NEW.name, NEW.email, NEW.phone
                USING ERRCODE = '23514', DETAIL = format('Key (trade_license)=(%s)', NEW.trade_license);
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON customers FOR EACH ROW EXECUTE FUNCTION refuse_customer();
    CREATE FUNCTION refuse_vehicle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.registration_number LIKE '%3' THEN
            RAISE EXCEPTION 'no vehicle with the plate % of chassis %', NEW.registration_number, NEW.chassis_number
                USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON vehicles FOR EACH ROW EXECUTE FUNCTION refuse_vehicle();
    CREATE FUNCTION refuse_remarks() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.remarks IS NOT NULL AND NEW.id % 2 = 0 THEN
            RAISE EXCEPTION 'remark refused: %', NEW.remarks USING ERRCODE = '40001';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON certificates FOR EACH ROW EXECUTE FUNCTION refuse_remarks();
";

/// Every text about people of the legacy database. Shorter ones stand in other words too.
pub(crate) async fn texts_about_people(world: &World) -> BTreeSet<String> {
    let query = "
        SELECT name FROM customers UNION SELECT email FROM customers UNION SELECT phone FROM customers
        UNION SELECT trade_license FROM customers UNION SELECT name FROM technicians UNION SELECT phone FROM technicians
        UNION SELECT vehicle_registration_number FROM certificates UNION SELECT vehicle_chassis_number FROM certificates
        UNION SELECT remarks FROM certificates";
    let mut connection = PgConnection::connect(&world.source.url()).await.unwrap();
    let rows = sqlx::query(query).fetch_all(&mut connection).await.unwrap();
    let texts = rows.iter().filter_map(|row| row.get::<Option<String>, _>(0)).map(|text| text.trim().to_owned());
    texts.filter(|text| text.chars().count() >= 5).collect()
}

/// The lines above debug of whatever the processes wrote to standard error.
pub(crate) async fn migrate(world: &World) -> String {
    let mut log = String::new();
    for (binary, arguments) in [
        ("producer", &["enqueue"][..]),
        ("worker", &["--drain"]),
        ("producer", &["retry"]),
        ("worker", &["--drain"]),
        ("producer", &["status"]),
        ("reporter", &[]),
    ] {
        let output = ended(world.start(binary, arguments)).await;
        let written = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{binary}: {written}");
        log.push_str(&written);
    }
    log.lines().filter(|line| !line.contains("DEBUG")).collect::<Vec<_>>().join("\n")
}

pub(crate) fn leaked<'a>(texts: &'a BTreeSet<String>, log: &str) -> Vec<&'a String> {
    texts.iter().filter(|text| log.contains(text.as_str())).collect()
}

#[tokio::test]
async fn no_text_about_people_is_in_the_log_nor_in_the_last_failure() {
    for (level, refusals) in [("info", ""), ("debug", REFUSALS)] {
        let mut world = World::with_cases().await;
        world.execute(refusals).await;
        for (key, value) in [
            ("log.level", level),
            ("worker.max_attempts", "2"),
            ("worker.backoff_base", "1ms"),
            ("breaker.failure_rate", "1"),
        ] {
            world.set(key, value);
        }
        let texts = texts_about_people(&world).await;
        assert!(texts.len() > 2000, "{}", texts.len());
        let log = migrate(&world).await;
        assert!(log.contains("INFO"), "something is logged: {log}");
        assert_eq!(leaked(&texts, &log), Vec::<&String>::new(), "at level {level}");

        // Each failure is the last one at some time.
        let rows =
            world.rows("SELECT DISTINCT error_message FROM certferry.certificate_status WHERE state = 'failed'").await;
        let messages: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(messages.iter().any(|message| message.contains("must not be called on …")), !refusals.is_empty());
        let status: Value = serde_json::from_str(&world.succeeds("producer", ["status", "--json"]).await).unwrap();
        assert!(status["last_failed"]["message"].is_string());
        assert_eq!(leaked(&texts, &messages.join("\n")), Vec::<&String>::new(), "at level {level}");
        let warnings = world.rows("SELECT DISTINCT warnings::text FROM certferry.certificate_status").await;
        let warnings: Vec<String> =
            warnings.iter().map(|row| row.get::<Option<String>, _>(0).unwrap_or_default()).collect();
        assert_eq!(leaked(&texts, &warnings.join("\n")), Vec::<&String>::new(), "at level {level}");
    }
}
