use std::pin::pin;

use certferry_bootstrap::Shutdown;

/// Finishes `work` in spite of a first wish to stop, of which it takes note; drops it at the second and returns none.
pub(crate) async fn finish<T>(work: impl Future<Output = T>, shutdown: &Shutdown) -> Option<T> {
    let mut work = pin!(shutdown.at_once().run_until_cancelled(work));
    tokio::select! {
        biased;
        () = shutdown.graceful().cancelled() => {}
        finished = &mut work => return finished,
    }
    tracing::info!("stopping when what is in hand is done; interrupt again to drop it");
    work.await
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    #[tokio::test]
    async fn work_is_finished_after_the_first_signal_and_dropped_after_the_second() {
        let shutdown = Shutdown::default();
        assert_eq!(finish(async { 1 }, &shutdown).await, Some(1));
        shutdown.request();
        assert_eq!(finish(async { 2 }, &shutdown).await, Some(2));
        shutdown.request();
        assert_eq!(finish(pending::<u8>(), &shutdown).await, None);
    }
}
