//! The job of a certificate that a person looks at: taken, left alone, and given back uncharged.

use std::time::Duration;

use certferry_certificate::OldId;
use certferry_queue::Taken;

use crate::world::World;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_job_is_one_desks_and_goes_back_as_it_was() {
    let world = World::with_cases().await;
    world.succeeds("producer", ["enqueue", "--limit", "2"]).await;
    let mut connection = world.connection().await;
    let ids = world.rows("SELECT certificate_id FROM certferry.certificate_status ORDER BY 1").await;
    let id = OldId(sqlx::Row::get(&ids[0], 0));
    for desk in ["one", "two"] {
        certferry_queue::renew_desk(&mut connection, desk).await.unwrap();
    }
    let taken = async |desk: &str, orphan_after| {
        let mut connection = world.connection().await;
        certferry_queue::take(&mut connection, desk, id, orphan_after).await.unwrap()
    };
    assert_eq!(taken("one", PATIENCE).await, Taken::Ours);
    assert_eq!(taken("one", PATIENCE).await, Taken::Ours);
    assert_eq!(taken("two", PATIENCE).await, Taken::Others);
    assert_eq!(taken("two", Duration::ZERO).await, Taken::Ours, "a desk that was not seen lately has lost it");
    assert_eq!(certferry_queue::take(&mut connection, "one", OldId(i64::MIN), PATIENCE).await.unwrap(), Taken::Nobody);

    // What a dead desk has goes back when workers look for orphans, and is none.
    let orphans = certferry_queue::rescue(&mut connection, Duration::ZERO).await.unwrap();
    assert!(orphans.is_empty(), "{orphans:?}");
    let unclaimed = "SELECT count(*) FROM apalis.jobs WHERE status = 'Pending' AND attempts = 0 AND priority = 0";
    assert_eq!(world.number(unclaimed).await, 2);

    assert_eq!(taken("one", PATIENCE).await, Taken::Ours);
    certferry_queue::give_back(&mut connection, "one").await.unwrap();
    assert_eq!(world.number(unclaimed).await, 2);
    for desk in ["one", "two"] {
        certferry_queue::close_desk(&mut connection, desk).await.unwrap();
    }
    assert_eq!(world.number("SELECT count(*) FROM apalis.workers").await, 0);
}
