//! A database for each test.

use super::{Address, Result, Server};

/// A database of one test's own. It is not dropped: it goes with the server.
#[derive(Debug, Clone)]
pub struct Database {
    name: String,
    server: Address,
}

impl Database {
    /// Makes an empty database on the shared server.
    pub async fn fresh() -> Result<Self> {
        Self::on(&Server::shared().await?).await
    }

    /// Makes an empty database on a server of the caller's choice.
    pub async fn on(server: &Address) -> Result<Self> {
        let name = format!("t_{:016x}", rand::random::<u64>());
        server.create_database(&name).await?;
        Ok(Self { name, server: server.clone() })
    }

    /// The database's URL.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// The database's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
