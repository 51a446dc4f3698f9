use std::fs;

use super::*;

fn load(file: Option<&str>, environment: &[(&str, &str)]) -> Result<Config, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("certferry.toml");
    if let Some(text) = file {
        fs::write(&path, text).unwrap();
    }
    let environment = environment.iter().map(|(name, value)| (name.into(), value.into()));
    Config::from_file_and_environment(file.map(|_| path.as_path()), environment)
        .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "DIR"))
}

fn mistake(file: &str) -> String {
    load(Some(file), &[]).unwrap_err()
}

#[test]
fn the_defaults_are_complete_and_valid() {
    let config = load(None, &[]).unwrap();
    assert_eq!(config.worker.batch_size, 500);
    assert_eq!(config.database.url, None);
    let policy = config.policy();
    assert_eq!(policy.timezone, chrono_tz::Asia::Dubai);
    assert_eq!(policy.statuses.get("Null & Void"), Some(Status::Nullified));
    assert_eq!(policy.statuses.get("on hold"), None);
}

#[test]
fn a_worker_listens_where_it_is_told_and_else_nowhere() {
    let listens = |file| load(Some(file), &[]).unwrap().worker.listen.map(|listen| listen.to_string());
    assert_eq!(listens(""), None);
    assert_eq!(listens("[worker]\nlisten = 9464").as_deref(), Some("127.0.0.1:9464"));
    assert_eq!(listens("[worker]\nlisten = '0.0.0.0:9464'").as_deref(), Some("0.0.0.0:9464"));
    let set = |value| load(None, &[("CERTFERRY__WORKER__LISTEN", value)]).map(|config| config.worker.listen);
    assert_eq!(set("9464").unwrap().unwrap().to_string(), "127.0.0.1:9464");
    assert_eq!(set("").unwrap(), None);
    let refused = set("70000").unwrap_err();
    assert!(refused.contains("CERTFERRY__WORKER__LISTEN") && refused.contains("0.0.0.0:9464"), "{refused}");
}

#[test]
fn every_default_key_is_explained() {
    let lines: Vec<_> = DEFAULTS.lines().collect();
    for (at, line) in lines.iter().enumerate() {
        if line.contains(" = ") && !line.starts_with('#') {
            let block: Vec<_> = lines[..at].iter().rev().take_while(|line| !line.is_empty()).collect();
            let section_is_explained = block.iter().any(|line| line.starts_with('['));
            assert!(section_is_explained || block.iter().any(|line| line.starts_with('#')), "no comment above {line}");
        }
    }
}

#[test]
fn the_stronger_layer_wins() {
    let file = "[database]\nurl = 'postgres://localhost/file'\n[worker]\nbatch_size = 7";
    let long = ("CERTFERRY__DATABASE__URL", "postgres://localhost/long");
    let short = ("DATABASE_URL", "postgres://localhost/short");
    let url = |environment: &[(&str, &str)]| load(Some(file), environment).unwrap().database.url.unwrap().to_string();
    assert_eq!(url(&[]), "postgres://localhost/file");
    assert_eq!(url(&[short]), "postgres://localhost/short");
    assert_eq!(url(&[long, short]), "postgres://localhost/long");
    assert_eq!(url(&[("DATABASE_URL", "")]), "postgres://localhost/file");
    let config = load(Some(file), &[("CERTFERRY__WORKER__MAX_ATTEMPTS", "9")]).unwrap();
    assert_eq!((config.worker.batch_size, config.worker.max_attempts, config.worker.concurrency), (7, 9, 4));
    let flags = [Layer::single("--batch-size".to_owned(), "worker.batch_size", 8).unwrap()];
    let environment = [("CERTFERRY__WORKER__BATCH_SIZE".into(), "9".into())];
    assert_eq!(Config::from_parts(None, environment, flags).unwrap().worker.batch_size, 8);
}

#[test]
fn a_list_replaces_the_default_list() {
    let config = load(Some("[status]\nblocked = ['blocked', 'On Hold']"), &[]).unwrap();
    assert_eq!(config.policy().statuses.get("on hold"), Some(Status::Blocked));
    let config = load(None, &[("CERTFERRY__STATUS__ACTIVE", r#"["live"]"#)]).unwrap();
    assert_eq!(config.policy().statuses.get("valid"), None);
    assert_eq!(config.policy().statuses.get("LIVE"), Some(Status::Active));
}

#[test]
fn unknown_keys_are_refused_wherever_they_come_from() {
    insta::assert_snapshot!(mistake("[worker]\nbatchsize = 3"), @"unknown key worker.batchsize (from DIR/certferry.toml); accepted here: concurrency, batch_size, max_attempts, backoff_base, backoff_max, max_crashes, orphan_after, shutdown_grace, poll_interval, batch_timeout, lock_patience, max_memory, listen");
    insta::assert_snapshot!(mistake("[wroker]\nbatch_size = 3"), @"unknown key wroker (from DIR/certferry.toml); accepted here: database, source, destination, customers, technicians, dates, status, vehicle, worker, breaker, report, verify, log");
    insta::assert_snapshot!(load(None, &[("CERTFERRY__WORKER__BATCHSIZE", "3")]).unwrap_err(), @"unknown key worker.batchsize (from the environment variable CERTFERRY__WORKER__BATCHSIZE); accepted here: concurrency, batch_size, max_attempts, backoff_base, backoff_max, max_crashes, orphan_after, shutdown_grace, poll_interval, batch_timeout, lock_patience, max_memory, listen");
    insta::assert_snapshot!(load(None, &[("CERTFERRY__WROKER__BATCH_SIZE", "3")]).unwrap_err(), @"unknown key wroker (from the environment variable CERTFERRY__WROKER__BATCH_SIZE); accepted here: database, source, destination, customers, technicians, dates, status, vehicle, worker, breaker, report, verify, log");
    insta::assert_snapshot!(load(None, &[("CERTFERRY__", "3")]).unwrap_err(), @"the environment variable CERTFERRY__ names no key; accepted is CERTFERRY__SECTION__KEY");
}

#[test]
fn values_of_the_wrong_form_are_named_with_what_is_accepted() {
    insta::assert_snapshot!(mistake("[worker]\nbatch_size = 'many'"), @"worker.batch_size is the text `many` (from DIR/certferry.toml); accepted is a whole number of 0 or more");
    insta::assert_snapshot!(mistake("[worker]\nbatch_size = -1"), @"worker.batch_size is the number -1 (from DIR/certferry.toml); accepted is a whole number of 0 or more");
    insta::assert_snapshot!(mistake("[worker]\nbackoff_base = 'soon'"), @r#"worker.backoff_base is the text `soon` (from DIR/certferry.toml); accepted is a duration such as "500ms", "10s" or "5m""#);
    insta::assert_snapshot!(mistake("[worker]\nbackoff_base = 3"), @r#"worker.backoff_base is the number 3 (from DIR/certferry.toml); accepted is a duration such as "500ms", "10s" or "5m""#);
    insta::assert_snapshot!(mistake("[status]\nactive = 'live'"), @r#"status.active is the text `live` (from DIR/certferry.toml); accepted is a list such as ["one", "two"]"#);
    insta::assert_snapshot!(mistake("[dates]\ntimezone = 'Asia/Dubay'"), @"dates.timezone (from DIR/certferry.toml): `Asia/Dubay` is not a time zone; accepted is an IANA name such as `Asia/Dubai`");
    insta::assert_snapshot!(mistake("[customers]\non_missing = 'ignore'"), @"customers.on_missing is `ignore` (from DIR/certferry.toml); accepted is `create` or `fail`");
    insta::assert_snapshot!(mistake("[log]\nlevel = 'loud'"), @"log.level is `loud` (from DIR/certferry.toml); accepted is one of `error`, `warn`, `info`, `debug`, `trace`");
    insta::assert_snapshot!(load(None, &[("CERTFERRY__DATABASE__MAX_CONNECTIONS", "ten")]).unwrap_err(), @"database.max_connections is the text `ten` (from the environment variable CERTFERRY__DATABASE__MAX_CONNECTIONS); accepted is a whole number of 0 or more");
}

#[test]
fn values_out_of_range_are_all_named() {
    insta::assert_snapshot!(mistake("[worker]\nbatch_size = 0"), @"worker.batch_size (from DIR/certferry.toml) is 0; accepted is 1 to 10000");
    let file = "[worker]\nconcurrency = 65\nbackoff_base = '0s'\nbackoff_max = '0s'\n[destination]\nschema = 'apalis'\n\
                [source]\npage_size = 0\nurl = 'oracle://x'\n[vehicle]\nbrands = ['']\n[report]\noutput = ''";
    insta::assert_snapshot!(load(Some(file), &[("CERTFERRY__WORKER__MAX_ATTEMPTS", "0")]).unwrap_err(), @r#"
    the configuration has mistakes:
      - source.url (from DIR/certferry.toml) is `oracle://x`; accepted is a URL with one of the schemes postgres, postgresql, mysql, mariadb, sqlite
      - source.page_size (from DIR/certferry.toml) is 0; accepted is 1 to 100000
      - worker.concurrency (from DIR/certferry.toml) is 65; accepted is 1 to 64
      - worker.max_attempts (from the environment variable CERTFERRY__WORKER__MAX_ATTEMPTS) is 0; accepted is 1 to 100
      - worker.backoff_base (from DIR/certferry.toml) is 0s; accepted is 1ms to 24h
      - worker.backoff_max (from DIR/certferry.toml) is 0s; accepted is 1ms to 24h
      - destination.schema (from DIR/certferry.toml) is `apalis`, which cannot hold the destination; name the schema of its tables
      - vehicle.brands (from DIR/certferry.toml) has an empty name; remove it
      - report.output (from DIR/certferry.toml) is empty; accepted is the path of a file
    "#);
    insta::assert_snapshot!(mistake("[worker]\nbackoff_base = '2s'\nbackoff_max = '1s'"), @"worker.backoff_max (from DIR/certferry.toml) is shorter than worker.backoff_base; accepted is at least as long");
    insta::assert_snapshot!(mistake("[status]\nblocked = ['VOID ', '']"), @r#"
    the configuration has mistakes:
      - status.blocked (from DIR/certferry.toml) has `void`, which stands under status.nullified too; keep one of them
      - status.blocked (from DIR/certferry.toml) has an empty word; remove it
    "#);
}

#[test]
fn source_queries_are_text_of_several_lines() {
    let file = "[source]\ncustomers = '''\nSELECT a || '=' AS name\nFROM clients'''\nmax_rows_per_second = 500";
    let config = load(Some(file), &[("CERTFERRY__SOURCE__TECHNICIANS", "SELECT 1 AS id")]).unwrap();
    assert_eq!(config.source.customers.as_deref(), Some("SELECT a || '=' AS name\nFROM clients"));
    assert_eq!(config.source.technicians.as_deref(), Some("SELECT 1 AS id"));
    assert_eq!((config.source.certificates.as_ref(), config.source.max_rows_per_second), (None, 500));
    assert_eq!(load(Some(&config.to_toml()), &[]).unwrap().source, config.source);
}

#[test]
fn a_file_that_cannot_be_used_is_named() {
    let missing = Config::from_file_and_environment(Some(Path::new("no/such/file.toml")), []).unwrap_err();
    insta::assert_snapshot!(crate::exit::render(&missing.into()), @r#"
    error: could not read the configuration file no/such/file.toml
      caused by: No such file or directory (os error 2)
    "#);
    insta::assert_snapshot!(mistake("[worker]\nbatch_size = = 3"), @"DIR/certferry.toml is not valid TOML: line 2, column 14: extra `=`, expected nothing");
}

#[test]
fn no_mistake_shows_a_password() {
    let secret = "postgres://app:s3cret@db/new";
    let bad_port = "postgres://app:s3cret/x@db/new";
    for file in [
        format!("database = '{secret}'"),
        format!("[database]\nurl = '{secret}"),
        format!("[database]\nurl = ['{secret}']"),
        format!("[database]\nurl = '{bad_port}'"),
        format!("[database]\nurl = '{}'", secret.replace("postgres", "mysql")),
        "[database]\nurl = 's3cret'".to_owned(),
        format!("[log]\nlevel = '{secret}'"),
        format!("[dates]\ntimezone = '{secret}'"),
        format!("[worker]\nbatch_size = '{secret}'"),
        format!("[destination]\nurl = '{secret}'"),
    ] {
        let message = mistake(&file);
        assert!(!message.contains("s3cret"), "{message}");
    }
    let error = load(None, &[("CERTFERRY__DATABASE", secret)]).unwrap_err();
    insta::assert_snapshot!(error, @"database is the text `postgres://app:***@db/new` (from the environment variable CERTFERRY__DATABASE); accepted is a section with keys of its own");
    insta::assert_snapshot!(load(None, &[("DATABASE_URL", bad_port)]).unwrap_err(), @"database.url (from the environment variable DATABASE_URL) is not a valid URL: invalid port number; in a user or password, write @ : / ? # % percent-encoded");
    insta::assert_snapshot!(load(None, &[("SOURCE_URL", "legacy.db")]).unwrap_err(), @"source.url (from the environment variable SOURCE_URL) is `(hidden)`; accepted is a URL with one of the schemes postgres, postgresql, mysql, mariadb, sqlite");
}

#[test]
fn a_password_inside_a_source_query_is_not_shown() {
    let file = "[source]\ncertificates = \"SELECT * FROM dblink('host=old password=s3cret user=me', $$SELECT 1$$) AS c\"\n\
                customers = '''SELECT * FROM dblink('password = ''s3 cret'' host=old')'''";
    let config = load(Some(file), &[]).unwrap();
    assert!(config.source.certificates.as_ref().unwrap().contains("s3cret"), "the database gets it all the same");
    let shown = config.to_toml();
    assert!(!shown.contains("s3") && !shown.contains("cret'") && shown.contains("password=*** user=me"), "{shown}");
}

#[test]
fn the_effective_values_are_a_configuration_without_secrets() {
    let environment =
        [("DATABASE_URL", "postgres://app:s3cret@localhost/new?password=s3cret"), ("SOURCE_URL", "sqlite:a.db")];
    let config = load(None, &environment).unwrap();
    let shown = config.to_toml();
    assert!(!shown.contains("s3cret") && !format!("{config:?}").contains("s3cret"), "{shown}");
    let again = load(Some(&shown), &[]).unwrap();
    assert_eq!(again.to_toml(), shown);
    assert!(shown.contains("url = \"postgres://app:***@localhost/new?password=***\""), "{shown}");
    assert!(shown.contains("backoff_max = \"5m\""), "{shown}");
}
