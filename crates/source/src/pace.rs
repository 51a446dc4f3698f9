//! How fast the legacy database is read, where the configuration sets a limit.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Lets rows through at a bounded rate: whoever has read some, keeps the next one from reading for as long as they
/// should have taken.
#[derive(Debug)]
pub(crate) struct Pace {
    rows_per_second: u32,
    free_at: Mutex<Instant>,
}

impl Pace {
    /// At most so many rows a second; 0 is no limit.
    pub(crate) fn new(rows_per_second: u32) -> Self {
        Self { rows_per_second, free_at: Mutex::new(Instant::now()) }
    }

    /// Waits until `rows` more rows may be read. As the time is taken for granted beforehand, several readers together
    /// keep to the rate too.
    pub(crate) async fn wait_for(&self, rows: usize) {
        if self.rows_per_second == 0 || rows == 0 {
            return;
        }
        let time = Duration::from_secs_f64(
            f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / f64::from(self.rows_per_second),
        );
        let begin = {
            let mut free_at = self.free_at.lock().unwrap_or_else(PoisonError::into_inner);
            let begin = (*free_at).max(Instant::now());
            *free_at = begin + time;
            begin
        };
        tokio::time::sleep_until(begin).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn rows_come_no_faster_than_the_rate() {
        let pace = Pace::new(100);
        let begin = Instant::now();
        for _ in 0..5 {
            futures::join!(pace.wait_for(50), pace.wait_for(50));
        }
        // The last 50 begin when the 450 before them have had their time.
        assert_eq!(begin.elapsed().as_millis(), 4500);
        tokio::time::sleep(Duration::from_mins(1)).await;
        let begin = Instant::now();
        pace.wait_for(100).await;
        pace.wait_for(1).await;
        assert_eq!(begin.elapsed().as_millis(), 1000, "time in which nothing was read is not made up for");
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_waits() {
        let pace = Pace::new(0);
        let begin = Instant::now();
        pace.wait_for(1_000_000).await;
        pace.wait_for(1_000_000).await;
        assert_eq!(begin.elapsed().as_millis(), 0);
    }
}
