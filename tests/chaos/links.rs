//! Networks that break, slow down, fall silent or lose the other end.

use std::net::Ipv4Addr;
use std::time::Duration;

use certferry_testkit::postgres::{Server, Settings};
use certferry_testkit::proxy::Proxy;
use rand::RngExt;

use super::account::Outcome;
use super::outages::Recoveries;
use super::run::{Run, impatient};
use super::scene::Scene;
use crate::world::World;

/// A world whose processes reach each of its databases through a proxy.
struct Far {
    _server: Server,
    destination: Proxy,
    source: Proxy,
}

impl Far {
    async fn world(run: &Run) -> (Self, World) {
        let server = Server::start(Settings { tcp: true, ..Settings::default() }).await.unwrap();
        let mut world = run.world_on(server.address(), server.address()).await;
        let upstream = (Ipv4Addr::LOCALHOST, server.tcp_port().unwrap()).into();
        let destination = Proxy::start(upstream, Duration::ZERO).await.unwrap();
        let source = Proxy::start(upstream, Duration::ZERO).await.unwrap();
        for (key, proxy, database) in
            [("database", &destination, &world.destination), ("source", &source, &world.source)]
                .map(|(key, proxy, database)| (key, proxy.address(), database.name().to_owned()))
        {
            world.set(&format!("{key}.url"), &format!("postgres://postgres@{proxy}/{database}"));
            // What does not answer is given up after this.
            world.set(&format!("{key}.statement_timeout"), "2s");
        }
        impatient(&mut world);
        (Self { _server: server, destination, source }, world)
    }

    async fn scene(run: &Run) -> (Self, Scene) {
        let (far, world) = Self::world(run).await;
        let scene = Scene::begin(run, world, 3).await;
        (far, scene)
    }

    /// The one way and then the other, each in its time.
    fn ways(&self) -> [&Proxy; 2] {
        [&self.destination, &self.source]
    }
}

/// Takes each way away for a while, once.
async fn taken_away(mut run: Run, take: impl Fn(&Proxy), bring_back: impl Fn(&Proxy)) -> Outcome {
    let (far, mut scene) = Far::scene(&run).await;
    let mut recoveries = Recoveries::default();
    // No lease hangs on the source, so it need not be away for as long.
    let absences = [run.absence(), run.absence() / 2];
    for ((time, way), absence) in (0..).zip(far.ways()).zip(absences) {
        let enough = run.about(0.25) + run.data.certificates() * time * 3 / 10;
        scene.reaches(enough).await;
        recoveries.goes(&scene);
        take(way);
        tokio::time::sleep(absence).await;
        scene.fleet.assert_all_run();
        bring_back(way);
        recoveries.comes_back(&mut scene).await;
    }
    recoveries.end(&run, scene).await
}

pub(super) async fn links_cut(run: Run) -> Outcome {
    taken_away(run, Proxy::cut, Proxy::restore).await
}

pub(super) async fn links_black(run: Run) -> Outcome {
    taken_away(run, Proxy::blackhole, Proxy::restore).await
}

pub(super) async fn links_half_open(run: Run) -> Outcome {
    let lose = |way: &Proxy| {
        way.blackhole();
        way.lose_server();
    };
    taken_away(run, lose, Proxy::restore).await
}

pub(super) async fn links_delayed(mut run: Run) -> Outcome {
    let (far, mut world) = Far::world(&run).await;
    world.set("worker.batch_size", "100");
    let mut scene = Scene::begin(&run, world, 3).await;
    let mut slowest = Duration::ZERO;
    for tenth in 2..=5 {
        scene.reaches(run.data.certificates() * tenth / 10).await;
        for way in far.ways() {
            let latency = Duration::from_millis(run.random.random_range(0..=200));
            slowest = slowest.max(latency);
            way.set_latency(latency);
        }
    }
    for way in far.ways() {
        way.set_latency(Duration::ZERO);
    }
    assert_eq!(scene.charged().await, 0);
    scene.end().await.noting(format!("a round trip took up to {} ms", slowest.as_millis()))
}
