//! The two databases of the demo: on a private server, or where the caller says.

use std::env;

use anyhow::{Context, Result, bail};
use certferry_testkit::generator::{Contents, Dataset};
use certferry_testkit::postgres::{Server, Settings};

use crate::screen::{say, step};

/// Where the demo migrates from and to.
#[derive(Debug)]
pub(crate) struct Databases {
    pub(crate) source: String,
    pub(crate) destination: String,
    /// The private server that both are on, unless they were given.
    pub(crate) server: Option<Server>,
}

impl Databases {
    /// Takes the databases that `SOURCE_URL` and `DATABASE_URL` name, or starts a private server where neither is set.
    pub(crate) async fn find() -> Result<Self> {
        let given = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
        match (given("SOURCE_URL"), given("DATABASE_URL")) {
            (None, None) => Self::private().await,
            (Some(source), Some(destination)) => Self::given(source, destination),
            (Some(_), None) => {
                bail!("SOURCE_URL is set and DATABASE_URL is not; give both, or neither for a private server")
            }
            (None, Some(_)) => {
                bail!("DATABASE_URL is set and SOURCE_URL is not; give both, or neither for a private server")
            }
        }
    }

    async fn private() -> Result<Self> {
        step("Starting a private PostgreSQL server, which ends with this demo");
        let server = Server::start(Settings::default()).await?;
        let (source, destination) = ("legacy", "certferry");
        server.create_database(source).await?;
        server.create_database(destination).await?;
        let (source, destination) = (server.url(source), server.url(destination));
        say(&format!("    export SOURCE_URL='{source}'"));
        say(&format!("    export DATABASE_URL='{destination}'"));
        Ok(Self { source, destination, server: Some(server) })
    }

    fn given(source: String, destination: String) -> Result<Self> {
        for (name, url) in [("SOURCE_URL", &source), ("DATABASE_URL", &destination)] {
            if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
                bail!("{name} is not a postgres:// URL, and the demo can fill PostgreSQL databases only");
            }
        }
        if source == destination {
            bail!("SOURCE_URL and DATABASE_URL name the same database; the demo needs two, both of them empty");
        }
        step("Using the servers that SOURCE_URL and DATABASE_URL name");
        Ok(Self { source, destination, server: None })
    }

    /// Makes sure that both databases are empty or hold this very data set, so that nobody's data is touched.
    pub(crate) async fn look(&self, dataset: &Dataset) -> Result<Found> {
        let source = contents("SOURCE_URL", &self.source, dataset).await?;
        let destination = contents("DATABASE_URL", &self.destination, dataset).await?;
        Ok(Found { source, destination })
    }
}

/// Which of the databases hold the data set from an earlier demo.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) source: bool,
    pub(crate) destination: bool,
}

async fn contents(name: &str, url: &str, dataset: &Dataset) -> Result<bool> {
    match dataset.contents(url).await.with_context(|| format!("could not use the database of {name}"))? {
        Contents::Nothing => Ok(false),
        Contents::ThisDataset => Ok(true),
        Contents::SomethingElse(table) => bail!(
            "the database of {name} holds something that is not this demo's, in the table {table}, and was left as it \
             is; give the demo an empty database (CREATE DATABASE certferry_demo)"
        ),
    }
}
