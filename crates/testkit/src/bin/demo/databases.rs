//! The two databases of the demo: on private servers, or where the caller says.

use std::path::{Path, absolute};
use std::{env, fs, io};

use anyhow::{Context, Result, bail};
use certferry_testkit::generator::{Contents, Dataset};
use certferry_testkit::mariadb;
use certferry_testkit::postgres::{Server, Settings};

use crate::migration::FOLDER;
use crate::screen::{say, step};

/// Where the demo migrates from and to.
#[derive(Debug)]
pub(crate) struct Databases {
    pub(crate) source: String,
    pub(crate) destination: String,
    /// What is private and goes with the demo; none where the databases were given.
    pub(crate) private: Option<Private>,
}

/// The private servers.
#[derive(Debug)]
pub(crate) struct Private {
    _postgres: Server,
    _mariadb: Option<mariadb::Server>,
}

/// What the private legacy database is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Engine {
    Postgres,
    Mariadb,
    Sqlite,
}

impl Engine {
    /// As `SOURCE` says.
    fn chosen() -> Result<Option<Self>> {
        match env::var("SOURCE").unwrap_or_default().trim() {
            "" => Ok(None),
            "postgres" => Ok(Some(Self::Postgres)),
            "mariadb" | "mysql" => Ok(Some(Self::Mariadb)),
            "sqlite" => Ok(Some(Self::Sqlite)),
            other => bail!("SOURCE is {other:?}; it can be postgres, mariadb, mysql or sqlite"),
        }
    }
}

impl Databases {
    /// Takes the databases that `SOURCE_URL` and `DATABASE_URL` name, or starts private servers where neither is set; then
    /// `SOURCE` may choose what the legacy database is.
    pub(crate) async fn find() -> Result<Self> {
        let given = |name| env::var(name).ok().filter(|value| !value.trim().is_empty());
        let engine = Engine::chosen()?;
        match (given("SOURCE_URL"), given("DATABASE_URL")) {
            (None, None) => Self::private(engine.unwrap_or(Engine::Postgres)).await,
            (Some(_), Some(_)) if engine.is_some() => {
                bail!("SOURCE chooses a private legacy database; leave it out where SOURCE_URL is set")
            }
            (Some(source), Some(destination)) => Self::given(source, destination),
            (Some(_), None) => {
                bail!("SOURCE_URL is set and DATABASE_URL is not; give both, or neither for a private server")
            }
            (None, Some(_)) => {
                bail!("DATABASE_URL is set and SOURCE_URL is not; give both, or neither for a private server")
            }
        }
    }

    async fn private(engine: Engine) -> Result<Self> {
        step("Starting a private PostgreSQL server, which ends with this demo");
        let server = Server::start(Settings::default()).await?;
        let destination = "certferry";
        server.create_database(destination).await?;
        let legacy = "legacy";
        let mut mariadb = None;
        let source = match engine {
            Engine::Postgres => {
                server.create_database(legacy).await?;
                server.url(legacy)
            }
            Engine::Mariadb => {
                step("Starting another private server for the legacy database");
                let server = mariadb.insert(mariadb::Server::start().await?);
                server.address().create_database(legacy).await?;
                server.address().url(legacy)
            }
            Engine::Sqlite => new_file(&Path::new(FOLDER).join("legacy.db"))?,
        };
        let destination = server.url(destination);
        say(&format!("    export SOURCE_URL='{source}'"));
        say(&format!("    export DATABASE_URL='{destination}'"));
        Ok(Self { source, destination, private: Some(Private { _postgres: server, _mariadb: mariadb }) })
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
        Ok(Self { source, destination, private: None })
    }

    /// Makes sure that both databases are empty or hold this very data set, so that nobody's data is touched.
    pub(crate) async fn look(&self, dataset: &Dataset) -> Result<Found> {
        if self.private.is_some() {
            return Ok(Found { source: false, destination: false });
        }
        let source = contents("SOURCE_URL", &self.source, dataset).await?;
        let destination = contents("DATABASE_URL", &self.destination, dataset).await?;
        Ok(Found { source, destination })
    }
}

/// The URL of a SQLite file that is not there: one that an earlier demo left is removed.
fn new_file(path: &Path) -> Result<String> {
    let path = absolute(path)?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("could not create {}", folder.display()))?;
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("could not remove {}", path.display()))
        }
        _ => Ok(format!("sqlite:{}", path.display())),
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
