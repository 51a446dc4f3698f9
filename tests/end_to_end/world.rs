//! A world of one test's own: a legacy database, a destination, and the binaries.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use certferry_testkit::generator::Dataset;
use certferry_testkit::postgres::{Address, Database, Server, Template};
use certferry_testkit::{cases, load};
use rustix::process::{Pid, Signal, kill_process};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// Nothing here takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_mins(2);

pub(crate) struct World {
    pub(crate) source: Database,
    pub(crate) destination: Database,
    pub(crate) folder: TempDir,
    environment: Vec<(String, String)>,
}

impl World {
    /// The cases, set up and with their mappings imported, nothing enqueued.
    pub(crate) async fn with_cases() -> Self {
        Self::with_unprepared_cases().await.prepared(&cases::folder()).await
    }

    /// The cases in both databases, and nothing of Certferry's.
    pub(crate) async fn with_unprepared_cases() -> Self {
        let shared = Server::shared().await.unwrap();
        Self::with_unprepared_cases_on(&shared, &shared).await
    }

    /// The same, on these servers of the source and of the destination.
    pub(crate) async fn with_unprepared_cases_on(source: &Address, destination: &Address) -> Self {
        let legacy = Template::filled("cases_source", &1, |url| async move { cases::load_source(&url).await });
        let new = Template::filled("cases_destination", &1, |url| async move { cases::load_destination(&url).await });
        Self::on((source, legacy), (destination, new)).await
    }

    /// A generated data set, set up and with its mappings imported, on these servers of the source and of the destination.
    pub(crate) async fn with_dataset_on(dataset: Dataset, source: &Address, destination: &Address) -> Self {
        let version = format!("{dataset:?}");
        let legacy =
            Template::filled("generated_source", &version, move |url| async move { dataset.load_source(&url).await });
        let new = Template::filled("generated_destination", &version, move |url| async move {
            dataset.load_destination(&url).await
        });
        let world = Self::on((source, legacy), (destination, new)).await;
        let mappings = world.folder.path().join("mappings");
        dataset.write_mappings(&mappings).unwrap();
        world.prepared(&mappings).await
    }

    /// Sets up what Certferry needs and imports the mappings of a folder.
    pub(crate) async fn prepared(self, mappings: &Path) -> Self {
        self.succeeds("producer", ["setup"]).await;
        self.succeeds("producer", [OsStr::new("import-mappings"), mappings.as_os_str()]).await;
        self
    }

    /// The reference schemas, set up, and what the statements put into them. The same statements make the same world.
    pub(crate) async fn with(name: &str, legacy: &'static str, destination: &'static str) -> Self {
        let legacy_name = format!("{name}_source");
        let source = Template::sql(&legacy_name, [load::LEGACY_SCHEMA, legacy]);
        let destination = Template::filled(&format!("{name}_destination"), &destination, move |url| async move {
            load::destination_schema(&url).await?;
            let setup = Command::new(binary_path("producer")).arg("setup").env("DATABASE_URL", &url).output().await?;
            succeeded(setup);
            let mut connection = PgConnection::connect(&url).await?;
            sqlx::raw_sql(destination).execute(&mut connection).await?;
            connection.close().await?;
            anyhow::Ok(())
        });
        Self::of(source, destination).await
    }

    /// Two databases without a table.
    pub(crate) async fn empty() -> Self {
        Self::of(Template::empty(), Template::empty()).await
    }

    async fn of(source: Template, destination: Template) -> Self {
        let shared = Server::shared().await.unwrap();
        Self::on((&shared, source), (&shared, destination)).await
    }

    async fn on(source: (&Address, Template), destination: (&Address, Template)) -> Self {
        Self {
            source: Database::on(source.0, source.1).await.unwrap(),
            destination: Database::on(destination.0, destination.1).await.unwrap(),
            folder: tempfile::tempdir().unwrap(),
            environment: Vec::new(),
        }
    }

    /// Sets a key of the configuration for every process started from now on.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        let variable = format!("CERTFERRY__{}", key.to_uppercase().replace('.', "__"));
        self.environment.push((variable, value.to_owned()));
    }

    /// Sets a variable of the environment for every process started from now on.
    pub(crate) fn set_variable(&mut self, name: &str, value: &str) {
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    /// A process of the world, not yet started; it dies with its handle.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, binary: &str, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(binary_path(binary));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("DATABASE_URL", self.destination.url())
            .env("SOURCE_URL", self.source.url())
            .envs(self.environment.clone())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    pub(crate) fn start<S: AsRef<OsStr>>(&self, binary: &str, arguments: impl IntoIterator<Item = S>) -> Child {
        self.command(binary, arguments).spawn().unwrap()
    }

    pub(crate) async fn runs<S: AsRef<OsStr>>(&self, binary: &str, arguments: impl IntoIterator<Item = S>) -> Output {
        ended(self.start(binary, arguments)).await
    }

    /// Runs a command that must succeed; returns its standard output.
    pub(crate) async fn succeeds<S: AsRef<OsStr>>(
        &self,
        binary: &str,
        arguments: impl IntoIterator<Item = S>,
    ) -> String {
        succeeded(self.runs(binary, arguments).await)
    }

    /// Runs workers side by side until nothing is left.
    pub(crate) async fn drain(&self, workers: usize) {
        let children: Vec<Child> = (0..workers).map(|_| self.start("worker", ["--drain"])).collect();
        for child in children {
            succeeded(ended(child).await);
        }
    }

    pub(crate) async fn connection(&self) -> PgConnection {
        PgConnection::connect(&self.destination.url()).await.unwrap()
    }

    /// The rows of a query of the destination's database.
    pub(crate) async fn rows(&self, sql: &str) -> Vec<PgRow> {
        let mut connection = self.connection().await;
        sqlx::query(AssertSqlSafe(sql.to_owned())).fetch_all(&mut connection).await.unwrap()
    }

    /// The one number of a query of the destination's database.
    pub(crate) async fn number(&self, sql: &str) -> i64 {
        let mut connection = self.connection().await;
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.unwrap()
    }

    /// Runs statements in the destination's database.
    pub(crate) async fn execute(&self, sql: &str) {
        execute(&self.destination, sql).await;
    }

    /// Runs statements in the destination's database, all or none; they may be refused.
    pub(crate) async fn try_to_execute(&self, sql: &str) -> Result<(), sqlx::Error> {
        let mut connection = self.connection().await;
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.map(drop)
    }

    /// Runs statements in the legacy database.
    pub(crate) async fn execute_at_source(&self, sql: &str) {
        execute(&self.source, sql).await;
    }

    /// Waits until a query of the destination's database gives the number.
    pub(crate) async fn until(&self, sql: &str, enough: impl Fn(i64) -> bool) {
        let waiting = async {
            let mut connection = self.connection().await;
            loop {
                let number: i64 =
                    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.unwrap();
                if enough(number) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("waited in vain for {sql}"));
    }
}

async fn execute(database: &Database, sql: &str) {
    let mut connection = PgConnection::connect(&database.url()).await.unwrap();
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
}

/// Where cargo puts the binaries: beside the folder of the test's own executable.
pub(crate) fn binary_path(name: &str) -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push(name);
    assert!(path.exists(), "{} is not built; run the tests with `make test`", path.display());
    path
}

pub(crate) async fn ended(child: Child) -> Output {
    tokio::time::timeout(PATIENCE, child.wait_with_output()).await.expect("the process hangs").unwrap()
}

pub(crate) fn succeeded(output: Output) -> String {
    assert!(output.status.success(), "{}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id().expect("it runs")).unwrap();
    kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
}
