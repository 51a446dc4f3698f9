//! Machines whose clocks are wrong.

use certferry_testkit::faketime;

use super::account::Outcome;
use super::run::Run;
use super::scene::Scene;

/// Moments in the status table that nobody's clock but the server's can have made.
const OUT_OF_TIME: &str = "
SELECT count(*) FROM certferry.certificate_status
WHERE NOT (enqueued_at <= started_at AND started_at <= finished_at AND finished_at <= now()
           AND enqueued_at > now() - interval '30 min')";

pub(super) async fn clocks_wrong(run: Run) -> Outcome {
    let Some(library) = faketime() else {
        return Outcome::left_out("libfaketime is not here; scripts/ensure-faketime gets it on Debian");
    };
    let library = library.to_str().unwrap().to_owned();
    let mut world = run.world().await;
    world.set("worker.orphan_after", "1s");
    let mut enqueue = world.command("producer", ["enqueue"]);
    enqueue.envs(shifted(&library, "+1h"));
    crate::world::succeeded(enqueue.output().await.unwrap());
    let mut scene = Scene::empty(&run, world).await;
    for shift in ["+1h", "-1h"] {
        scene.fleet.add(&scene.world, &shifted(&library, shift));
    }
    // The two alone first, so that they have to agree with each other.
    scene.reaches(run.data.certificates() / 3).await;
    let hours = [0, 1].map(|which| hour_of_first_line(&scene.fleet.member(which).log()));
    assert_eq!((hours[0] - hours[1]).rem_euclid(24), 2, "the clocks are not wrong: {hours:?}");
    scene.start(1);
    // And one dies, which the others must notice by the server's clock alone.
    scene.reaches(run.data.certificates() / 2).await;
    scene.fleet.kill(0).await;
    scene.fleet.add(&scene.world, &shifted(&library, "+1h"));
    scene.reaches(run.data.certificates()).await;
    assert_eq!(scene.world.number(OUT_OF_TIME).await, 0, "a wrong clock got into the status table");
    scene.end().await.noting("so was that of the producer; one worker killed; no moment in the status table is wrong")
}

fn shifted<'a>(library: &'a str, shift: &'a str) -> [(&'a str, &'a str); 3] {
    [("LD_PRELOAD", library), ("FAKETIME", shift), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")]
}

/// The hour of the moment with which a log begins: `2026-11-22T15:04:05.678Z …`.
fn hour_of_first_line(log: &str) -> i32 {
    let (_, time) = log.split_once('T').unwrap();
    time[..2].parse().unwrap()
}
