//! The server, and a fresh destination for each run.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use certferry_testkit::generator::Dataset;
use certferry_testkit::postgres::{Durability, Server, Settings};
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::machine;
use crate::options::Options;
use crate::program;

/// The database of each run: dropped and made again before the next.
pub(crate) const RUN: &str = "run";

/// Everything is drawn from this.
const SEED: u64 = 2025;

/// The server and where things are.
#[derive(Debug)]
pub(crate) struct Arena {
    pub(crate) server: Server,
    pub(crate) binaries: PathBuf,
    pub(crate) folder: PathBuf,
    /// The settings that are not stock.
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) has_statements: bool,
}

/// A data set that is loaded: its legacy database, and a template of the destination before the migration.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) dataset: Dataset,
    pub(crate) source: String,
    pub(crate) template: String,
    pub(crate) mappings: PathBuf,
    /// How many certificates will fail.
    pub(crate) failing: u64,
}

impl Prepared {
    pub(crate) fn certificates(&self) -> u64 {
        self.dataset.certificates
    }
}

impl Arena {
    /// Starts the server: durable, stock settings but for memory, reached by TCP as servers are.
    pub(crate) async fn start(options: &Options) -> Result<Self> {
        let mebibytes = (machine::memory() / 4).clamp(128 << 20, 4 << 30) >> 20;
        let settings = vec![("shared_buffers", format!("{mebibytes}MB")), ("max_wal_size", "4GB".to_owned())];
        let start = |statements: bool| {
            let base = Settings { durability: Durability::Full, tcp: true, ..Settings::default() };
            let set = settings.iter().fold(base, |all, (name, value)| all.with(name, value));
            Server::start(if statements { set.with("shared_preload_libraries", "pg_stat_statements") } else { set })
        };
        let (server, has_statements) = match start(true).await {
            Ok(server) => (server, true),
            // An installation without contrib.
            Err(_) => (start(false).await?, false),
        };
        let arena = Self {
            server,
            binaries: options.binaries.clone(),
            folder: options.folder.clone(),
            settings,
            has_statements,
        };
        if has_statements {
            arena.execute("postgres", &["CREATE EXTENSION pg_stat_statements"]).await?;
        }
        Ok(arena)
    }

    /// Where the server listens.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.server.tcp_port().unwrap_or_default()).into()
    }

    /// The URL of a database at the server's address, or at that of a proxy before it.
    pub(crate) fn url(&self, database: &str, address: Option<SocketAddr>) -> String {
        format!("postgres://postgres@{}/{database}", address.unwrap_or_else(|| self.address()))
    }

    /// A connection beside what is measured.
    pub(crate) async fn connect(&self, database: &str) -> Result<PgConnection> {
        let connection = PgConnection::connect(&self.server.url(database)).await;
        connection.with_context(|| format!("could not connect to the database {database}"))
    }

    pub(crate) async fn execute(&self, database: &str, statements: &[&str]) -> Result<()> {
        let mut connection = self.connect(database).await?;
        for statement in statements {
            let done = sqlx::raw_sql(AssertSqlSafe((*statement).to_owned())).execute(&mut connection).await;
            done.with_context(|| format!("could not run {statement}"))?;
        }
        connection.close().await.context("could not leave a database")
    }

    /// Makes a database as a copy of another, with the server's own work done before it is used.
    pub(crate) async fn copy(&self, from: &str, to: &str) -> Result<()> {
        let drop = format!("DROP DATABASE IF EXISTS {to} WITH (FORCE)");
        let create = format!("CREATE DATABASE {to} TEMPLATE {from}");
        self.execute("postgres", &[&drop, &create, "CHECKPOINT"]).await
    }

    /// The destination of a run, as it is before a migration.
    pub(crate) async fn fresh(&self, prepared: &Prepared) -> Result<()> {
        self.copy(&prepared.template, RUN).await
    }

    /// Loads the data set of this size with 5 % that cannot be migrated, unless it is loaded.
    pub(crate) async fn prepare(&self, certificates: u64) -> Result<Prepared> {
        self.load(Dataset::benchmark(SEED, certificates), "").await
    }

    /// The same without any that cannot be migrated.
    pub(crate) async fn prepare_good(&self, certificates: u64) -> Result<Prepared> {
        self.load(Dataset { bad_share: 0.0, ..Dataset::benchmark(SEED, certificates) }, "_good").await
    }

    async fn load(&self, dataset: Dataset, suffix: &str) -> Result<Prepared> {
        let name = format!("{}{suffix}", dataset.certificates);
        let mappings = self.folder.join(format!("mappings_{name}"));
        let prepared = Prepared {
            source: format!("legacy_{name}"),
            template: format!("ready_{name}"),
            failing: dataset.faults(),
            mappings,
            dataset,
        };
        if self.exists(&prepared.template).await? {
            return Ok(prepared);
        }
        eprintln!("    loading {} certificates", dataset.certificates);
        self.server.create_database(&prepared.source).await?;
        dataset.load_source(&self.server.url(&prepared.source)).await?;
        dataset.write_mappings(&prepared.mappings)?;
        self.server.create_database(&prepared.template).await?;
        self.producer(&prepared, &["setup", "--reference-destination"]).await?;
        dataset.load_destination(&self.server.url(&prepared.template)).await?;
        let folder = prepared.mappings.display().to_string();
        self.producer(&prepared, &["import-mappings", &folder]).await?;
        self.execute(&prepared.source, &["VACUUM ANALYZE"]).await?;
        self.execute(&prepared.template, &["VACUUM ANALYZE"]).await?;
        Ok(prepared)
    }

    async fn exists(&self, database: &str) -> Result<bool> {
        let mut connection = self.connect("postgres").await?;
        let exists = sqlx::query_scalar("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)").bind(database);
        Ok(exists.fetch_one(&mut connection).await?)
    }

    /// Runs the producer on a template.
    async fn producer(&self, prepared: &Prepared, arguments: &[&str]) -> Result<()> {
        let mut command = self.certferry("producer", &prepared.source, &prepared.template, None);
        command.args(arguments);
        program::run("producer", command, &self.log("producer")).await.map(drop)
    }

    /// One of Certferry's programs, as configured by default.
    pub(crate) fn certferry(
        &self,
        name: &str,
        source: &str,
        destination: &str,
        address: Option<SocketAddr>,
    ) -> tokio::process::Command {
        let mut command = program::command(&self.binaries.join(name), &self.folder);
        command.env("SOURCE_URL", self.url(source, address)).env("DATABASE_URL", self.url(destination, address));
        command
    }

    /// Where a program's words go.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        Path::new(&self.folder).join(format!("{name}.log"))
    }
}
