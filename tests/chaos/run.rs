//! What one run of a scenario works with.

use std::time::Duration;

use certferry_testkit::cases;
use certferry_testkit::generator::Dataset;
use certferry_testkit::postgres::{Address, Server};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::world::World;

/// Whose certificates are migrated.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Data {
    /// The 2,000 of `tests/cases`, with what is expected of each.
    Cases,
    /// Made up; each number is there once, so that what becomes of each does not depend on the order.
    Generated(Dataset),
}

impl Data {
    pub(crate) fn generated(seed: u64, certificates: u64) -> Self {
        Self::Generated(Dataset { unique_numbers: true, ..Dataset::messy(seed, certificates) })
    }

    pub(crate) fn certificates(&self) -> i64 {
        match self {
            Self::Cases => 2000,
            Self::Generated(dataset) => i64::try_from(dataset.certificates).unwrap(),
        }
    }
}

/// Has workers count as dead, and servers as away, a tenth as soon as they do by default.
pub(crate) fn impatient(world: &mut World) {
    world.set("worker.orphan_after", "3s");
    world.set("database.connect_timeout", "1s");
    world.set("source.connect_timeout", "1s");
}

/// One run of a scenario.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) data: Data,
    pub(crate) seed: u64,
    /// Every random choice comes from here.
    pub(crate) random: StdRng,
}

impl Run {
    /// The seed is that of `CHAOS_SEED`, or any.
    pub(crate) fn new(data: Data) -> Self {
        let seed = match std::env::var("CHAOS_SEED") {
            Ok(seed) if !seed.is_empty() => seed.parse().expect("CHAOS_SEED is a number"),
            _ => rand::random_range(0..1_000_000),
        };
        Self::with_seed(data, seed)
    }

    pub(crate) fn with_seed(data: Data, seed: u64) -> Self {
        Self { data, seed, random: StdRng::seed_from_u64(seed) }
    }

    /// The databases on the shared server.
    pub(crate) async fn world(&self) -> World {
        let shared = Server::shared().await.unwrap();
        self.world_on(&shared, &shared).await
    }

    /// The databases on these servers.
    pub(crate) async fn world_on(&self, source: &Address, destination: &Address) -> World {
        let mut world = match self.data {
            Data::Cases => World::with_unprepared_cases_on(source, destination).await.prepared(&cases::folder()).await,
            Data::Generated(dataset) => World::with_dataset_on(dataset, source, destination).await,
        };
        let (batch_size, rows_per_second) = match self.data {
            Data::Cases => ("20", "250"),
            Data::Generated(_) => ("200", "800"),
        };
        world.set("worker.batch_size", batch_size);
        world.set("worker.concurrency", "2");
        world.set("worker.poll_interval", "100ms");
        // A steady flow, however fast the machine is, leaves time to do harm and makes rates comparable.
        world.set("source.max_rows_per_second", rows_per_second);
        world
    }

    /// How long something stays away: longer than it takes to count an [impatient](impatient) worker as dead.
    pub(crate) fn absence(&self) -> Duration {
        match self.data {
            Data::Cases => Duration::from_millis(3500),
            Data::Generated(_) => Duration::from_secs(10),
        }
    }

    /// A share of all certificates, as a number of them: some 5 % around `share`, by chance.
    pub(crate) fn about(&mut self, share: f64) -> i64 {
        let deviation = self.random.random_range(-0.05..0.05);
        #[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "a share, roughly")]
        let number = (self.data.certificates() as f64 * (share + deviation)) as i64;
        number
    }
}
