//! A legacy database, a destination and the binary.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use certferry_testkit::load::LEGACY_SCHEMA;
use certferry_testkit::postgres::{Database, Template};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;

pub(crate) const PRODUCER: &str = env!("CARGO_BIN_EXE_producer");

pub(crate) struct World {
    pub(crate) database: String,
    pub(crate) source: String,
    folder: TempDir,
}

/// How a run of the binary ended.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl World {
    /// An empty destination database and an empty legacy one with the reference schema.
    pub(crate) async fn untouched() -> Self {
        let database = Database::fresh(Template::empty()).await.expect("a database").url();
        let source = Database::fresh(Template::sql("legacy", [LEGACY_SCHEMA])).await.expect("a database").url();
        Self { database, source, folder: tempfile::tempdir().expect("a folder") }
    }

    /// After `producer setup --reference-destination`.
    pub(crate) async fn ready() -> Self {
        let template = Template::filled("ready", &PRODUCER, |url| async move {
            let mut setup = Command::new(PRODUCER);
            let setup = setup.args(["setup", "--reference-destination"]).env("DATABASE_URL", url);
            let ended = Ended::of(setup.output()?);
            if ended.code == Some(0) { Ok(()) } else { Err(std::io::Error::other(ended.stderr)) }
        });
        let database = Database::fresh(template).await.expect("a database").url();
        Self { database, ..Self::untouched().await }
    }

    /// The same, with so many legacy certificates: ids from 1, and ECU numbers `ECU1`, `ECU2`, … with spaces around.
    pub(crate) async fn with_certificates(certificates: i64) -> Self {
        let world = Self::ready().await;
        let insert = format!(
            "INSERT INTO certificates (id, ecu_number) SELECT n, ' ECU' || n || ' ' FROM generate_series(1, {certificates}) AS n"
        );
        execute(&world.source, &insert).await;
        world
    }

    /// The binary, in an environment of its own.
    pub(crate) fn producer<S: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = S>) -> Command {
        let mut command = Command::new(PRODUCER);
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("DATABASE_URL", &self.database)
            .env("SOURCE_URL", &self.source)
            .env("CERTFERRY__SOURCE__PAGE_SIZE", "1000")
            .env("CERTFERRY__DATABASE__CONNECT_TIMEOUT", "2s")
            // Nothing here may end only because the server gave a statement up.
            .env("CERTFERRY__DATABASE__STATEMENT_TIMEOUT", "1h")
            .stdin(Stdio::null());
        command
    }

    /// Runs the binary with the arguments of one line to its end.
    pub(crate) fn run(&self, arguments: &str) -> Ended {
        self.run_with(arguments, &[])
    }

    /// The same, with more in its environment.
    pub(crate) fn run_with(&self, arguments: &str, environment: &[(&str, &str)]) -> Ended {
        let mut command = self.producer(arguments.split_whitespace());
        Ended::of(command.envs(environment.iter().copied()).output().expect("the binary runs"))
    }

    /// Starts the binary without waiting for it.
    pub(crate) fn start(&self, arguments: &str) -> Child {
        let mut command = self.producer(arguments.split_whitespace());
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs")
    }

    /// Writes a file into the working directory of the binary.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(&path, text).expect("a file");
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Does something to the destination's database.
    pub(crate) async fn execute(&self, sql: &str) {
        execute(&self.database, sql).await;
    }

    /// A number from the destination's database.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        self.number_of(sql).await
    }

    /// A number from the destination's database, by a query that was put together.
    pub(crate) async fn number_of(&self, sql: &str) -> i64 {
        let mut connection = PgConnection::connect(&self.database).await.expect("a connection");
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(&mut connection).await.expect(sql)
    }

    /// Does something to the legacy database.
    pub(crate) async fn execute_at_source(&self, sql: &str) {
        execute(&self.source, sql).await;
    }

    /// Status rows and jobs.
    pub(crate) async fn rows_and_jobs(&self) -> (i64, i64) {
        let rows = self.number("SELECT count(*) FROM certferry.certificate_status WHERE state = 'queued'").await;
        let jobs = self
            .number(
                "SELECT count(*) FROM apalis.jobs JOIN certferry.certificate_status
                 ON convert_from(job, 'UTF8')::jsonb = jsonb_build_object('certificate_id', certificate_id)",
            )
            .await;
        let all_jobs = self.number("SELECT count(*) FROM apalis.jobs").await;
        assert_eq!(jobs, all_jobs, "every job has a status row");
        (rows, jobs)
    }

    /// Everything Certferry keeps, in one text, to compare before with after.
    pub(crate) async fn state(&self) -> String {
        let mut connection = PgConnection::connect(&self.database).await.expect("a connection");
        let state = "SELECT (SELECT coalesce(jsonb_agg(s ORDER BY certificate_id), '[]') FROM certferry.certificate_status s)::text
                         || (SELECT coalesce(jsonb_agg(m ORDER BY entity, old_id), '[]') FROM certferry.mapping m)::text
                         || (SELECT coalesce(jsonb_agg(j ORDER BY id), '[]') FROM apalis.jobs j)::text";
        sqlx::query_scalar(state).fetch_one(&mut connection).await.expect("the state")
    }
}

pub(crate) async fn execute(url: &str, sql: &str) {
    let mut connection = PgConnection::connect(url).await.expect("a connection");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.expect("the statements run");
}

impl Ended {
    pub(crate) fn of(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// What it printed, when it ended well.
    #[track_caller]
    pub(crate) fn good(&self) -> &str {
        assert_eq!(self.code, Some(0), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        self.stdout.trim_end()
    }

    /// Its one document, when it ended well.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.good()).expect("one JSON document")
    }

    /// What it complained of, when it ended with `code`: no panic, no backtrace, nothing on standard output.
    #[track_caller]
    pub(crate) fn bad(&self, code: i32) -> &str {
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.stdout, self.stderr);
        assert_eq!(self.stdout, "");
        assert!(!self.stderr.contains("panick") && !self.stderr.contains("backtrace"), "{}", self.stderr);
        assert!(self.stderr.contains("error: "), "{}", self.stderr);
        self.stderr.trim_end()
    }
}
