use crate::world::World;

const OURS: &str = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('apalis', 'certferry')";

#[tokio::test]
async fn a_database_that_is_no_destination_is_left_alone() {
    let world = World::untouched().await;
    let ended = world.run("setup");
    let expected =
        "error: the destination (schema public) lacks users, customers, technicians, devices, certificates, vehicles";
    assert_eq!(ended.bad(1).lines().next(), Some(expected));
    assert!(ended.stderr.contains("hint: "), "{}", ended.stderr);
    assert_eq!(world.number(OURS).await, 0);
}

#[tokio::test]
async fn setting_up_may_be_repeated_and_run_at_once() {
    let world = World::untouched().await;
    let document = world.run("setup --reference-destination --json").json();
    let uniqueness = [
        "certificate numbers are unique by index certificates_certificate_number_key",
        "trade licences are unique by index customers_trade_license_key",
    ];
    let expected = serde_json::json!({
        "ready": true, "reference_destination_created": true, "uniqueness": uniqueness, "accepted": [],
    });
    assert_eq!(document, expected);
    assert_eq!(world.number(OURS).await, 2);
    let before = world.state().await;
    let many: Vec<_> = (0..3).map(|_| world.start("setup")).collect();
    for child in many {
        assert!(child.wait_with_output().expect("it ends").status.success());
    }
    let again = world.run("setup --reference-destination");
    assert!(again.good().contains("the destination's tables are there\n"), "{}", again.stdout);
    assert_eq!(world.state().await, before);
}

#[tokio::test]
async fn what_the_destination_lacks_is_named() {
    let world = World::ready().await;
    world.execute("ALTER TABLE certificates DROP COLUMN remarks; DROP TABLE vehicles").await;
    let message = world.run("setup").bad(1).to_owned();
    assert!(
        message.starts_with("error: the destination (schema public) lacks certificates.remarks, vehicles\n"),
        "{message}"
    );
}

#[tokio::test]
async fn a_part_of_a_destination_is_not_made_whole() {
    let world = World::untouched().await;
    world.execute("CREATE TABLE devices (id bigint)").await;
    let message = world.run("setup --reference-destination").bad(1).to_owned();
    assert!(message.contains("relation \"devices\" already exists"), "{message}");
    assert!(message.contains("hint: they are created all together"), "{message}");
    assert_eq!(world.number("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").await, 1);
    assert_eq!(world.number(OURS).await, 0);
}

#[tokio::test]
async fn a_schema_that_is_not_there_is_created_with_the_reference_tables_and_no_other() {
    let world = World::untouched().await;
    let elsewhere = [("CERTFERRY__DESTINATION__SCHEMA", "New System")];
    let ended = world.run_with("setup --reference-destination", &elsewhere);
    assert!(ended.good().contains("the destination's tables were created\n"), "{}", ended.stdout);
    let tables_in = |schema: &str| format!("SELECT count(*) FROM pg_tables WHERE schemaname = '{schema}'");
    assert_eq!(world.number_of(&tables_in("New System")).await, 6);
    assert_eq!(world.number_of(&tables_in("public")).await, 0);
    world.run_with("setup --reference-destination", &elsewhere).good();
}
