//! Private servers: they work, they are shared, they come back after a crash, and they go with their owner.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use certferry_testkit::postgres::{Database, Durability, Server, Settings, Template};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use sqlx::{Connection, PgConnection};

type Outcome = Result<(), Box<dyn std::error::Error>>;

async fn setting(url: &str, name: &str) -> Result<String, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    let value = sqlx::query_scalar("SELECT current_setting($1)").bind(name).fetch_one(&mut connection).await?;
    connection.close().await?;
    Ok(value)
}

/// Polls until `gone` holds. The bound is far above what it takes.
fn eventually(what: &str, gone: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !gone() {
        assert!(Instant::now() < deadline, "{what} did not happen in time");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn process_of(directory: &Path) -> Pid {
    let lock = fs::read_to_string(directory.join("data/postmaster.pid")).expect("read the lock file");
    let number = lock.lines().next().expect("a process id").parse().expect("a number");
    Pid::from_raw(number).expect("a process id")
}

fn runs(process: Pid) -> bool {
    test_kill_process(process).is_ok()
}

#[tokio::test]
async fn a_server_works_and_leaves_nothing_behind() -> Outcome {
    let server = Server::start(Settings::default().with("work_mem", "7MB")).await?;
    server.create_database("of one's \"own\"").await?;
    assert_eq!(setting(&server.url("postgres"), "work_mem").await?, "7MB");
    assert_eq!(setting(&server.url("postgres"), "fsync").await?, "off");
    assert_eq!(setting(&server.url("postgres"), "listen_addresses").await?, "");
    let directory = server.address().directory().to_owned();
    let process = process_of(&directory);
    drop(server);
    assert!(!directory.exists());
    assert!(!runs(process));
    Ok(())
}

#[tokio::test]
async fn a_durable_server_keeps_what_it_committed_through_a_crash() -> Outcome {
    let server = Server::start(Settings { durability: Durability::Full, tcp: true, ..Settings::default() }).await?;
    let port = server.tcp_port().unwrap();
    let url = format!("postgres://postgres@127.0.0.1:{port}/postgres");
    assert_eq!(setting(&url, "fsync").await?, "on");
    let mut connection = PgConnection::connect(&url).await?;
    sqlx::raw_sql("CREATE TABLE kept AS SELECT 42 AS number").execute(&mut connection).await?;

    server.stop_immediate().await?;
    assert!(sqlx::raw_sql("SELECT 1").execute(&mut connection).await.is_err());
    assert!(PgConnection::connect(&url).await.is_err());

    server.start_again().await?;
    let mut connection = PgConnection::connect(&url).await?;
    let number: i32 = sqlx::query_scalar("SELECT number FROM kept").fetch_one(&mut connection).await?;
    assert_eq!(number, 42);
    Ok(())
}

#[tokio::test]
async fn a_setting_that_the_server_refuses_is_reported_with_its_log() {
    let refused = Server::start(Settings::default().with("work_mem", "plenty")).await.unwrap_err().to_string();
    assert!(refused.contains("work_mem"), "{refused}");
}

/// A server that is just starting ignores the request to stop; it must be asked again.
#[tokio::test]
async fn a_server_that_is_dropped_while_it_starts_goes_too() -> Outcome {
    let server = Server::start(Settings::default()).await?;
    server.stop_immediate().await?;
    let start = tokio::time::timeout(Duration::ZERO, server.start_again()).await;
    assert!(start.is_err(), "it cannot have started yet");
    let directory = server.address().directory().to_owned();
    drop(server);
    assert!(!directory.exists());
    Ok(())
}

#[tokio::test]
async fn databases_of_one_template_do_not_see_each_other() -> Outcome {
    let template = || Template::sql("notes", ["CREATE TABLE note (words text)", "INSERT INTO note VALUES ('hello')"]);
    let (one, other) = tokio::try_join!(Database::fresh(template()), Database::fresh(template()))?;
    assert_ne!(one.name(), other.name());
    let mut connection = PgConnection::connect(&one.url()).await?;
    sqlx::raw_sql("INSERT INTO note VALUES ('mine')").execute(&mut connection).await?;
    let mut connection = PgConnection::connect(&other.url()).await?;
    let notes: Vec<String> = sqlx::query_scalar("SELECT words FROM note").fetch_all(&mut connection).await?;
    assert_eq!(notes, ["hello"]);
    Ok(())
}

#[tokio::test]
async fn a_template_that_could_not_be_filled_is_made_afresh() -> Outcome {
    let version = rand::random::<u64>();
    let half = Template::filled("half", &version, |url| async move {
        let mut connection = PgConnection::connect(&url).await?;
        sqlx::raw_sql("CREATE TABLE half (); SELECT 1 / 0").execute(&mut connection).await?;
        Ok::<_, sqlx::Error>(())
    });
    let refused = Database::fresh(half).await.unwrap_err();
    assert!(refused.to_string().contains("tmpl_half"), "{refused}");

    // The connection stays open on purpose: it must not stand in the way of copying.
    let whole = Template::filled("half", &version, |url| async move {
        let mut connection = PgConnection::connect(&url).await?;
        sqlx::raw_sql("CREATE TABLE half (number int)").execute(&mut connection).await?;
        std::mem::forget(connection);
        Ok::<_, sqlx::Error>(())
    });
    let mut connection = PgConnection::connect(&Database::fresh(whole).await?.url()).await?;
    sqlx::raw_sql("INSERT INTO half VALUES (1)").execute(&mut connection).await?;
    Ok(())
}

/// Starts `with-postgres` around a command that says where its server is and then waits for its input to end.
fn with_postgres(script: &str) -> (Child, std::path::PathBuf) {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_with-postgres"))
        .args(["sh", "-c", script])
        .env_remove("CERTFERRY_TEST_SERVER")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("start with-postgres");
    let mut line = String::new();
    BufReader::new(owner.stdout.take().expect("its output")).read_line(&mut line).expect("read its output");
    (owner, line.trim().into())
}

#[test]
fn the_server_goes_when_its_owner_is_killed() {
    let (mut owner, directory) = with_postgres("echo $CERTFERRY_TEST_SERVER; cat");
    let process = process_of(&directory);
    assert!(runs(process));
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("the end of the server", || !runs(process));
    eventually("the removal of its directory", || !directory.exists());
}

#[test]
fn the_wrapper_hands_on_the_exit_code_and_clears_up() {
    let (mut owner, directory) = with_postgres("echo $CERTFERRY_TEST_SERVER; cat; exit 7");
    drop(owner.stdin.take());
    assert_eq!(owner.wait().unwrap().code(), Some(7));
    assert!(!directory.exists());
}

#[test]
fn the_wrapper_passes_a_request_to_end_on_to_the_command() {
    let (mut owner, directory) = with_postgres("trap 'exit 9' TERM; echo $CERTFERRY_TEST_SERVER; read -r _");
    // Waiting would close the input, at whose end the command ends by itself.
    let _input = owner.stdin.take();
    kill_process(Pid::from_child(&owner), Signal::TERM).unwrap();
    assert_eq!(owner.wait().unwrap().code(), Some(9));
    assert!(!directory.exists());
}
