//! Setting certificates aside, cancelling runs, and looking at one certificate.

use serde_json::json;

use crate::world::World;

/// Ten certificates: 1 and 2 failed, 3 migrated, the others queued.
async fn world() -> World {
    let world = World::with_certificates(10).await;
    world.run("enqueue").good();
    world
        .execute(
            "UPDATE certferry.certificate_status SET state = 'failed', error_kind = 'mapping', error_code = 'missing_device',
                error_message = 'none', finished_at = now(), ecu_number = 'ECU' || certificate_id, worker = 'w', attempts = 1,
                issues = '[{\"kind\": \"mapping\", \"code\": \"missing_device\", \"field\": \"ecu_number\", \"message\": \"none\", \"raw\": \"x\"}]'
             WHERE certificate_id <= 2;
             UPDATE certferry.certificate_status SET state = 'migrated', new_certificate_id = 1, finished_at = now()
             WHERE certificate_id = 3;
             DELETE FROM apalis.jobs WHERE idempotency_key::bigint <= 3",
        )
        .await;
    world
}

#[tokio::test]
async fn queued_and_failed_certificates_are_set_aside_with_who_and_why() {
    for (arguments, selected, ineligible) in [
        ("--state queued", 7, json!({})),
        ("--state failed", 2, json!({})),
        ("--id 1 --id 3 --id 4 --id 99", 2, json!({"migrated": 1})),
        ("--code missing_device", 2, json!({})),
        ("--run 1", 9, json!({"migrated": 1})),
        ("--run 2", 0, json!({})),
        // The source knows the devices of certificates that were never tried.
        ("--ecu ECU1 --ecu ECU5", 2, json!({})),
        ("--ecu ECU5 --id 6", 0, json!({})),
        ("--state migrated", 0, json!({"migrated": 1})),
    ] {
        let world = world().await;
        let before = world.state().await;
        let dry = world.run(&format!("skip {arguments} --reason sold --dry-run --json")).json();
        assert_eq!(
            (&dry["selected"], &dry["skipped"], &dry["ineligible"], &dry["dry_run"]),
            (&json!(selected), &json!(selected), &ineligible, &json!(true)),
            "{arguments}"
        );
        assert_eq!(world.state().await, before, "{arguments}");
        let done = world.run(&format!("skip {arguments} --reason sold --json")).json();
        assert_eq!((&done["selected"], &done["skipped"]), (&json!(selected), &json!(selected)), "{arguments}");
        let skipped = "SELECT count(*) FROM certferry.certificate_status
                       WHERE state = 'skipped' AND reason = 'sold' AND worker LIKE '%@%' AND issues = '[]'
                         AND error_code IS NULL AND finished_at IS NOT NULL";
        assert_eq!(world.number(skipped).await, selected, "{arguments}");
        let again = world.run(&format!("skip {arguments} --reason again --json")).json();
        assert_eq!(again["skipped"], 0, "{arguments}: pressed twice");
        let (rows, jobs) = world.rows_and_jobs().await;
        assert_eq!(rows, jobs, "{arguments}");
        let status = world.run("status --json").json();
        assert_eq!((&status["total"], &status["skipped"]), (&json!(10), &json!(selected)), "{arguments}");
    }
}

#[tokio::test]
async fn nothing_is_set_aside_without_a_reason_or_a_filter() {
    let world = world().await;
    world.run("skip --reason why").bad(2);
    world.run("skip --id 4").bad(2);
    world.run("skip --kind mapping --code invalid_date --reason why").bad(2);
}

#[tokio::test]
async fn what_is_still_queued_of_a_run_is_cancelled() {
    let world = world().await;
    world.run("retry --id 1").good();
    let dry = world.run("cancel --run 1 --dry-run --json").json();
    assert_eq!((&dry["selected"], &dry["samples"]), (&json!(7), &json!([4, 5, 6, 7, 8, 9, 10])));
    let done = world.run("cancel --run 1 --json").json();
    assert_eq!((&done["selected"], &done["skipped"]), (&json!(7), &json!(7)));
    assert_eq!(world.run("cancel --run 1 --json").json()["skipped"], 0, "pressed twice");
    assert_eq!(world.rows_and_jobs().await, (1, 1), "the other run goes on");
    let reasons = "SELECT count(*) FROM certferry.certificate_status WHERE reason = 'run 1 was cancelled'";
    assert_eq!(world.number(reasons).await, 7);
    let runs = world.run("runs --json").json();
    assert_eq!((&runs[1]["outcome"], &runs[0]["outcome"]), (&json!("cancelled"), &json!("running")));
    assert_eq!(runs[1]["skipped"], 7);
    assert!(world.run("cancel --run 9").bad(1).contains("there is no run 9"));
    assert!(world.run("status --run 9").bad(1).contains("there is no run 9"));
    let of_run = world.run("status --run 1 --json").json();
    assert_eq!((&of_run["total"], &of_run["skipped"], &of_run["failed"]), (&json!(10), &json!(7), &json!(2)));
}

#[tokio::test]
async fn a_run_that_selects_nothing_says_so() {
    let world = World::ready().await;
    assert_eq!(world.run("runs").good(), "there was no run yet; `producer enqueue` begins the first one");
    world.run("enqueue").good();
    let runs = world.run("runs --json").json();
    assert_eq!((&runs[0]["outcome"], &runs[0]["selected"]), (&json!("nothing_selected"), &json!(0)));
    assert!(world.run("runs").good().ends_with("nothing selected"));
}

#[tokio::test]
async fn everything_about_one_certificate_is_shown() {
    let world = world().await;
    world.run("retry --id 1").good();
    world.run("skip --id 1 --reason sold").good();
    let shown = world.run("show 1 --json").json();
    assert_eq!((&shown["certificate_id"], &shown["state"], &shown["run"]), (&json!(1), &json!("skipped"), &json!(2)));
    let attempts: Vec<_> = shown["attempts"].as_array().expect("an array").iter().map(|a| &a["outcome"]).collect();
    assert_eq!(attempts, ["failed", "skipped"]);
    assert_eq!(shown["attempts"][0]["issues"][0]["raw"], "x");
    assert_eq!((&shown["attempts"][0]["run"], &shown["attempts"][1]["run"]), (&json!(1), &json!(2)));
    assert_eq!((&shown["source"]["ecu_number"], &shown["plan"]), (&json!(" ECU1 "), &json!(null)));
    assert!(!shown["plan_issues"].as_array().expect("an array").is_empty());
    let text = world.run("show 1").good().to_owned();
    assert!(text.contains("because: sold") && text.contains("what became of it"), "{text}");

    world.execute_at_source("INSERT INTO certificates (id, ecu_number) VALUES (11, 'E')").await;
    let never = world.run("show 11 --json").json();
    assert_eq!((&never["state"], &never["attempts"]), (&json!(null), &json!([])));
    assert!(world.run("show 12").bad(1).contains("neither the status table nor the source has certificate 12"));
    // What is recorded is shown also while the source is away.
    let away = world.run_with("show 1 --json", &[("SOURCE_URL", "postgres://nobody@127.0.0.1:1/nothing")]).json();
    assert_eq!((&away["state"], &away["source"]), (&json!("skipped"), &json!(null)));
    assert!(away["source_error"].is_string());
}

#[tokio::test]
async fn an_imported_mapping_keeps_what_became_of_the_certificate_before() {
    let world = world().await;
    world.run("skip --id 2 --reason sold").good();
    world.file("m/certificates_mappings.json", r#"{"1": 901, "2": 902, "5": 905}"#);
    world.run("import-mappings m").good();
    let outcomes = |id: i64| {
        let shown = world.run(&format!("show {id} --json")).json();
        let attempts = shown["attempts"].as_array().expect("an array").clone();
        attempts.iter().map(|attempt| attempt["outcome"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(outcomes(1), ["failed", "migrated"]);
    assert_eq!(outcomes(2), ["failed", "skipped", "migrated"]);
    assert_eq!(outcomes(5), ["migrated"]);
    let runs = world.run("runs --json").json();
    assert_eq!((&runs[0]["adds_up"], &runs[0]["migrated"]), (&json!(true), &json!(4)));
}

/// Who may use the status table may use what an upgrade adds, too; what a role was given of another table stays as it is.
#[tokio::test]
async fn rights_on_the_status_table_are_rights_on_new_tables() {
    let world = world().await;
    let role = format!("app_{}", std::process::id());
    world
        .execute(&format!(
            "CREATE ROLE {role};
             GRANT SELECT, INSERT, UPDATE ON certferry.certificate_status TO {role};
             GRANT SELECT ON certferry.history TO {role}"
        ))
        .await;
    world.run("setup").good();
    let lacking = format!(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'certferry'::regnamespace AND relkind = 'r'
             AND relname <> 'history' AND NOT (
                 has_table_privilege('{role}', oid, 'SELECT') AND has_table_privilege('{role}', oid, 'INSERT')
                 AND has_table_privilege('{role}', oid, 'UPDATE')
             )"
    );
    assert_eq!(world.number_of(&lacking).await, 0);
    let too_much = format!(
        "SELECT has_table_privilege('{role}', 'certferry.history', 'INSERT, UPDATE, DELETE')::int::bigint
             + has_table_privilege('{role}', 'certferry.run', 'DELETE')::int::bigint"
    );
    assert_eq!(world.number_of(&too_much).await, 0);
    world.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}")).await;
}
