//! What lies on a person's desk is claimed by nobody else while the person is there.

use std::time::Duration;

use certferry_certificate::{OldId, State};
use certferry_store::{Database, Settings, Transaction, claim_at_desk, give_back_at_desk, renew_desk_claim, states};
use certferry_testkit::postgres::{Database as Fresh, Template};

const PATIENCE: Duration = Duration::from_secs(30);

async fn begin(fresh: &Fresh) -> Transaction {
    let settings = Settings {
        url: fresh.url(),
        destination_schema: "public".to_owned(),
        max_connections: 2,
        connect_timeout: PATIENCE,
        statement_timeout: PATIENCE,
        lock_timeout: PATIENCE,
        application_name: "certferry-test",
    };
    let database = Database::connect(&settings).await.expect("the database answers");
    certferry_store::migrate(&database).await.expect("the schema is created");
    database.begin().await.expect("the database answers")
}

async fn claims(transaction: &mut Transaction, desk: &str, orphan_after: Duration) -> bool {
    let claim = claim_at_desk(transaction, OldId(7), "anna@desk", desk, orphan_after).await;
    claim.expect("the database answers").is_some()
}

#[tokio::test]
async fn a_claim_is_one_persons_until_it_is_given_back_or_the_person_is_silent() {
    let fresh = Fresh::fresh(Template::empty()).await.expect("the database answers");
    let mut transaction = begin(&fresh).await;
    assert!(claims(&mut transaction, "one", PATIENCE).await);
    assert!(claims(&mut transaction, "one", PATIENCE).await, "it is its own");
    assert!(!claims(&mut transaction, "two", PATIENCE).await);
    renew_desk_claim(&mut transaction, "one").await.expect("the database answers");
    assert!(!claims(&mut transaction, "two", PATIENCE).await);
    assert!(claims(&mut transaction, "two", Duration::ZERO).await, "a desk that was not seen lately has lost it");
    assert!(!claims(&mut transaction, "one", PATIENCE).await);
    give_back_at_desk(&mut transaction, "one").await.expect("the database answers");
    assert!(!claims(&mut transaction, "one", PATIENCE).await, "nobody gives back what another has");
    give_back_at_desk(&mut transaction, "two").await.expect("the database answers");
    assert!(claims(&mut transaction, "one", PATIENCE).await);
}

#[tokio::test]
async fn states_are_those_of_the_certificates_that_have_a_row() {
    let fresh = Fresh::fresh(Template::empty()).await.expect("the database answers");
    let mut transaction = begin(&fresh).await;
    certferry_store::record_queued(&mut transaction, &[OldId(1), OldId(3)], None).await.expect("they are recorded");
    certferry_store::skip(&mut transaction, &[OldId(3)], "anna", "why").await.expect("it is set aside");
    let found = states(&mut transaction, &[OldId(1), OldId(2), OldId(3)]).await.expect("the database answers");
    assert_eq!((found.get(&OldId(1)), found.get(&OldId(2))), (Some(&State::Queued), None));
    assert_eq!((found.get(&OldId(3)), found.len()), (Some(&State::Skipped), 2));
}
