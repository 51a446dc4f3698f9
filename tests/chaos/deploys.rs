//! New versions while the old one works.

use super::account::Outcome;
use super::run::Run;
use super::scene::Scene;

pub(super) async fn workers_replaced(run: Run) -> Outcome {
    let world = run.world().await;
    let mut scene = Scene::begin(&run, world, 3).await;
    let mut replaced = 0;
    for step in 1..=8 {
        scene.reaches(run.data.certificates() * step / 10).await;
        scene.start(1);
        let newest = scene.fleet.member(scene.fleet.len() - 1).pid();
        let is_there = format!("SELECT count(*) FROM apalis.workers WHERE id LIKE '%-{newest}-%'");
        scene.world.until(&is_there, |rows| rows > 0).await;
        scene.fleet.stop_oldest().await;
        replaced += 1;
    }
    scene.reaches(run.data.certificates()).await;
    assert_eq!(scene.charged().await, 0, "a deploy charges no attempt");
    let complaints = scene.fleet.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let pause = scene.progress.longest_pause();
    scene.end().await.noting(format!(
        "{replaced} workers told to stop and replaced; every certificate begun once; the longest pause {pause:.2} s"
    ))
}

/// What a migration may do while workers of the version before run, and what our next ones will do.
const EXPANSION: &str = "
ALTER TABLE certferry.certificate_status ADD COLUMN next_version text;
ALTER TABLE certferry.mapping ADD COLUMN next_version timestamptz NOT NULL DEFAULT now();
ALTER TABLE certferry.late_result ADD COLUMN next_version jsonb NOT NULL DEFAULT '{}';
CREATE TABLE certferry.next_version (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text NOT NULL);
CREATE INDEX mapping_next_version ON certferry.mapping (new_id)";

/// That the expansion was a migration of ours, as the next version will have recorded it.
const RECORDED: &str = "
INSERT INTO certferry.schema_migrations (version, description, success, checksum, execution_time)
VALUES (99991231235959, 'next version', true, '\\x00', 1)";

pub(super) async fn schema_expanded(run: Run) -> Outcome {
    let world = run.world().await;
    let mut scene = Scene::begin(&run, world, 3).await;
    scene.reaches(run.data.certificates() / 5).await;
    // As `producer setup` does: one after the other, and again when it and a worker wait for each other.
    for migration in EXPANSION.split(';') {
        while let Err(error) = scene.world.try_to_execute(migration).await {
            let state = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
            assert_eq!(state.as_deref(), Some("40P01"), "{error}");
        }
    }
    scene.world.execute(RECORDED).await;
    scene.reaches(run.data.certificates() / 2).await;
    // Today's programs start on the newer schema as well.
    scene.start(1);
    scene.fleet.stop_oldest().await;
    scene.world.succeeds("producer", ["status"]).await;
    scene.world.succeeds("producer", ["setup"]).await;
    scene.reaches(run.data.certificates()).await;
    assert_eq!(scene.charged().await, 0);
    let complaints = scene.fleet.complaints();
    assert!(complaints.is_empty(), "{complaints:#?}");
    let pause = scene.progress.longest_pause();
    scene.end().await.noting(format!("columns, a table and an index added; the longest pause {pause:.2} s"))
}
