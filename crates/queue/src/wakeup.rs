//! Learning of new jobs: notifications where they come, the poll interval where they do not.

use std::sync::Arc;
use std::time::Duration;

use certferry_connection::Connections;
use sqlx::postgres::PgListener;
use tokio::sync::Notify;

/// The channel on which apalis-postgres announces new jobs.
const CHANNEL: &str = "apalis::job::insert";

/// Listens for as long as it is polled; whatever goes wrong is tried again every `interval`, for polling goes on
/// meanwhile. Behind a pooler nobody can listen.
pub(crate) async fn listen(connections: Connections, woken: Arc<Notify>, interval: Duration) {
    if connections.are_pooled() {
        return;
    }
    loop {
        if let Some(Err(error)) = connections.until_renewed(forward(&connections, &woken)).await {
            tracing::debug!(%error, "no notifications of new jobs for now, polling instead");
        }
        tokio::time::sleep(interval).await;
    }
}

async fn forward(connections: &Connections, woken: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(&connections.pool()).await?;
    listener.listen(CHANNEL).await?;
    // Jobs may have come while nobody listened.
    woken.notify_one();
    while listener.try_recv().await?.is_some() {
        woken.notify_one();
    }
    Ok(())
}
