//! How many certificates were finished, and when.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::world::World;

const FINISHED: &str = "SELECT count(*) FROM certferry.certificate_status WHERE state <> 'queued'";

/// Between two looks.
const INTERVAL: Duration = Duration::from_millis(40);

type Sample = (Instant, i64);

/// Looks at the status table all the time, past any proxy, and goes on when the server comes back.
pub(crate) struct Progress {
    samples: Arc<Mutex<Vec<Sample>>>,
    finished: watch::Receiver<i64>,
    watching: JoinHandle<()>,
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Progress {
    pub(crate) fn of(world: &World) -> Self {
        let samples = Arc::new(Mutex::new(vec![(Instant::now(), 0)]));
        let (finished, receiver) = watch::channel(0);
        let watching = tokio::spawn(look(world.destination.url(), samples.clone(), finished));
        Self { samples, finished: receiver, watching }
    }

    /// Returns when so many are finished, however long it takes.
    pub(crate) async fn reaches(&self, number: i64) {
        self.finished.clone().wait_for(|finished| *finished >= number).await.unwrap();
    }

    /// How many were finished when it was last possible to look.
    pub(crate) fn finished(&self) -> i64 {
        *self.finished.borrow()
    }

    /// When the count last grew.
    pub(crate) fn last_growth(&self) -> Instant {
        let samples = self.samples.lock().unwrap();
        let last = samples.last().unwrap().1;
        samples.iter().find(|(_, number)| *number == last).unwrap().0
    }

    /// Seconds from a moment until more were finished than at that moment.
    pub(crate) fn seconds_until_growth(&self, since: Instant) -> Option<f64> {
        let samples = self.samples.lock().unwrap();
        let before = samples.iter().rev().find(|(at, _)| *at <= since)?.1;
        let (at, _) = samples.iter().find(|(at, number)| *at > since && *number > before)?;
        Some((*at - since).as_secs_f64())
    }

    /// The longest time within which nothing was finished, in seconds, between the first certificate and the last.
    pub(crate) fn longest_pause(&self) -> f64 {
        let samples = self.samples.lock().unwrap();
        let mut longest = Duration::ZERO;
        let mut growth: Option<Sample> = None;
        for (at, number) in samples.iter().copied().filter(|(_, number)| *number > 0) {
            match growth {
                Some((_, before)) if before == number => {}
                _ => {
                    longest = longest.max(growth.map_or(Duration::ZERO, |(since, _)| at - since));
                    growth = Some((at, number));
                }
            }
        }
        longest.as_secs_f64()
    }

    /// How many were finished at a moment.
    pub(crate) fn finished_at(&self, moment: Instant) -> i64 {
        let samples = self.samples.lock().unwrap();
        samples.iter().rev().find(|(at, _)| *at <= moment).map_or(0, |(_, number)| *number)
    }

    /// Certificates a second between two numbers of finished certificates.
    pub(crate) fn rate_between(&self, from: i64, to: i64) -> f64 {
        let samples = self.samples.lock().unwrap();
        let first = |number| samples.iter().find(|(_, finished)| *finished >= number);
        match (first(from), first(to)) {
            (Some((begin, from)), Some((end, to))) if end > begin => {
                #[expect(clippy::cast_precision_loss, reason = "a rate")]
                let number = (to - from) as f64;
                number / (*end - *begin).as_secs_f64()
            }
            _ => 0.0,
        }
    }
}

async fn look(url: String, samples: Arc<Mutex<Vec<Sample>>>, finished: watch::Sender<i64>) {
    let mut connection = None;
    loop {
        if connection.is_none() {
            connection = PgConnection::connect(&url).await.ok();
        }
        if let Some(open) = connection.as_mut() {
            match sqlx::query_scalar(FINISHED).fetch_one(open).await {
                Ok(number) => {
                    samples.lock().unwrap().push((Instant::now(), number));
                    finished.send_replace(number);
                }
                // The server is away; that is what some scenarios are about.
                Err(_) => connection = None,
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}
