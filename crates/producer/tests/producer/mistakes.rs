//! Bad input: each a message that says what, where and what to do; nothing half done, no password shown.

use std::fs;

use crate::world::{World, execute};

const SECRET: &str = "s3same";

#[tokio::test]
async fn an_address_that_leads_nowhere() {
    let world = World::ready().await;
    for (variable, url, code) in [
        ("DATABASE_URL", "postgres://me:s3same@127.0.0.1:1/new", 1),
        ("DATABASE_URL", "postgres://me:s3same@no-such-host.invalid/new?sslmode=disable", 1),
        ("DATABASE_URL", "postgres://me:s3same@host:port/new", 2),
        ("DATABASE_URL", "mysql://me:s3same@host/new", 2),
        ("DATABASE_URL", "s3same", 2),
        ("DATABASE_URL", "", 2),
        ("SOURCE_URL", "postgres://me:s3same@127.0.0.1:1/old", 1),
        ("SOURCE_URL", "postgres://me:s3same/x@host/old", 2),
        ("SOURCE_URL", "oracle://me:s3same@host/old", 2),
        ("SOURCE_URL", "", 2),
    ] {
        let ended = world.run_with("enqueue", &[(variable, url), ("CERTFERRY__SOURCE__CONNECT_TIMEOUT", "1s")]);
        let message = ended.bad(code);
        assert!(!message.contains(SECRET), "{message}");
        assert!(message.contains("hint: ") || code == 2, "{variable}={url}: {message}");
    }
    assert_eq!(world.rows_and_jobs().await, (0, 0));
}

#[tokio::test]
async fn parameters_that_no_driver_knows_are_refused_before_any_connection() {
    let world = World::ready().await;
    let with = |url: &str, parameter: &str| format!("{url}{}{parameter}", if url.contains('?') { '&' } else { '?' });
    for (variable, url, says) in [
        (
            "DATABASE_URL",
            with(&world.database, "sslmod=s3same"),
            "database.url (from the environment variable DATABASE_URL) has the unknown parameter sslmod;",
        ),
        (
            "SOURCE_URL",
            with(&world.source, "SSLMODE=s3same"),
            "source.url (from the environment variable SOURCE_URL) has the unknown parameter SSLMODE; write it sslmode;",
        ),
        (
            "DATABASE_URL",
            with(&world.database, "sslmode=s3same"),
            "has the parameter sslmode, which has a value that is not known",
        ),
        (
            "SOURCE_URL",
            "mysql://me:s3same@localhost/old?ssl_mode=s3same".to_owned(),
            "has the unknown parameter ssl_mode;",
        ),
        ("SOURCE_URL", "sqlite:old.db?key=s3same".to_owned(), "has the unknown parameter key;"),
        ("SOURCE_URL", "mysql://me:s3same@db.example/old".to_owned(), "leads to db.example, which is another machine"),
        ("DATABASE_URL", "postgres://me:s3same@db.example/new".to_owned(), "add the parameter sslmode as verify-full"),
    ] {
        for command in ["check", "enqueue", "setup", "status --check-config"] {
            let ended = world.run_with(command, &[(variable, &url)]);
            let message = ended.bad(2);
            assert!(message.contains(says) && !message.contains(SECRET), "{command} {url}: {message}");
        }
    }
}

#[tokio::test]
async fn a_database_that_is_not_set_up() {
    let world = World::untouched().await;
    world.file("in/user_mappings.json", "{\"1\": 2}");
    for command in ["enqueue", "enqueue --dry-run", "retry", "status", "import-mappings in", "export-mappings out"] {
        let ended = world.run(command);
        assert!(ended.bad(1).contains("hint: run `producer setup` first"), "{command}: {}", ended.stderr);
    }
    let entries: Vec<_> = fs::read_dir(world.path("out")).expect("a folder").collect();
    assert!(entries.is_empty(), "{entries:?}");
}

#[tokio::test]
async fn a_source_that_lacks_something() {
    let world = World::with_certificates(3).await;
    execute(&world.source, "ALTER TABLE certificates RENAME COLUMN ecu_number TO unit").await;
    let message = world.run("enqueue").bad(1).to_owned();
    assert!(message.contains("column \"ecu_number\" does not exist"), "{message}");
    assert!(message.contains("hint: source.certificates must return the columns id, certificate_number"), "{message}");
    execute(&world.source, "DROP TABLE certificates").await;
    let message = world.run("enqueue").bad(1).to_owned();
    assert!(message.contains("relation \"certificates\" does not exist"), "{message}");
    assert_eq!(world.rows_and_jobs().await, (0, 0));
}

#[tokio::test]
async fn mapping_files_with_mistakes() {
    let world = World::ready().await;
    let before = world.state().await;
    world.file("dir/customer_mappings.json", "{\"1\": 2}");
    for (text, reason) in [
        ("[1, 2]", "invalid type: sequence, expected a JSON object such as {\"12\": 34} at line 1"),
        ("{\"1\": 2,\n\"two\": 3}", "the old id `two` is not a whole number at line 2"),
        ("{\"1\": 2,\n\n\"3\": \"x\"}", "the new id of `3`, \"x\", is not a whole number at line 3"),
        ("{\"1\": 9223372036854775808}", "the new id of `1`, 9223372036854775808, is out of range of BIGINT at line 1"),
        ("{\"1\": 2, \"1\": 3}", "it has the id 1 twice, as 2 and as 3"),
        ("{\"1\": 2", "EOF while parsing an object at line 1"),
        ("", "EOF while parsing a value at line 1"),
    ] {
        world.file("dir/user_mappings.json", text);
        let message = world.run("import-mappings dir").bad(2).to_owned();
        assert!(message.starts_with(&format!("error: dir/user_mappings.json: {reason}")), "{message}");
        assert!(message.contains("hint: a mapping file is one JSON object"), "{message}");
        assert_eq!(world.state().await, before, "{text}");
    }
    world.file("dir/technicians_mapping.json", "7");
    let message = world.run("import-mappings dir").bad(2).to_owned();
    assert!(
        message.contains("dir/user_mappings.json: ") && message.contains("dir/technicians_mapping.json: "),
        "{message}"
    );
}

#[tokio::test]
async fn mapping_files_that_are_not_there() {
    let world = World::ready().await;
    let message = world.run("import-mappings nowhere").bad(2).to_owned();
    assert!(message.starts_with("error: there is no folder nowhere\nhint: "), "{message}");
    fs::create_dir(world.path("empty")).expect("a folder");
    let message = world.run("import-mappings empty").bad(2).to_owned();
    assert!(
        message.starts_with("error: there is no mapping file in empty\nhint: they are named user_map"),
        "{message}"
    );
    let message = world.run("import-mappings --users nowhere.json").bad(2).to_owned();
    assert!(message.starts_with("error: nowhere.json: No such file or directory"), "{message}");
}

#[tokio::test]
async fn ids_files_with_mistakes() {
    let world = World::with_certificates(10).await;
    let before = world.state().await;
    world.file("ids.txt", "1\n2\n\nthree\n4\n");
    let message = world.run("enqueue --ids-file ids.txt").bad(2).to_owned();
    assert!(
        message.starts_with("error: ids.txt:4: `three` is not a certificate id\nhint: write one id a line"),
        "{message}"
    );
    let message = world.run("enqueue --ids-file nowhere.txt").bad(2).to_owned();
    assert!(message.starts_with("error: could not read the ids file nowhere.txt"), "{message}");
    assert_eq!(world.state().await, before);
}

#[tokio::test]
async fn a_folder_that_cannot_be_written() {
    let world = World::ready().await;
    world.file("occupied", "a file");
    let message = world.run("export-mappings occupied").bad(1).to_owned();
    assert!(message.starts_with("error: could not write mapping files to occupied\n"), "{message}");
    assert!(message.contains("hint: name another folder"), "{message}");
    let message = world.run("export-mappings /proc/nowhere").bad(1).to_owned();
    assert!(message.starts_with("error: could not write mapping files to /proc/nowhere\n"), "{message}");
}

#[tokio::test]
async fn configuration_with_mistakes() {
    let world = World::ready().await;
    world.file("certferry.toml", "[sorce]\nurl = 'postgres://me:s3same@host/old'");
    for command in ["setup", "enqueue", "status", "--check-config"] {
        let message = world.run(command).bad(2).to_owned();
        assert!(message.contains("sorce") && !message.contains(SECRET), "{message}");
    }
    let message = world.run("status --config nowhere.toml").bad(2).to_owned();
    assert!(message.contains("nowhere.toml"), "{message}");
}

#[tokio::test]
async fn wrong_usage_ends_with_2() {
    let world = World::untouched().await;
    for arguments in [
        "",
        "no-such-command",
        "enqueue --limit none",
        "retry --code no_such_code",
        "retry --kind mapping --code invalid_date",
    ] {
        let ended = world.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{arguments}: {}", ended.stderr);
    }
}

#[tokio::test]
async fn the_configuration_in_effect_needs_no_command() {
    let world = World::untouched().await;
    let url = "postgres://me:s3same@host/new?sslmode=disable";
    for arguments in ["--check-config", "enqueue --check-config"] {
        let ended = world.run_with(arguments, &[("DATABASE_URL", url)]);
        assert!(ended.good().contains("page_size = 1000"), "{}", ended.stdout);
        assert!(!ended.stdout.contains(SECRET) && ended.stderr.is_empty(), "{}", ended.stderr);
    }
    assert!(world.folder().read_dir().expect("a folder").next().is_none());
}
