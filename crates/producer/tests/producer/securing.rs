//! TLS with real servers, whose certificates are of a private authority.

use std::path::Path;

use certferry_testkit::tls::{Certificate, Files};
use certferry_testkit::{mariadb, postgres};
use serde_json::{Value, json};

use crate::world::World;

/// The URL of a server on the loopback address, for which its certificate may be. It is not called localhost: a machine
/// without /etc/hosts knows no such name.
fn postgres_url(server: &postgres::Server, mode: &str, authority: Option<&Path>) -> String {
    let authority = authority.map(|path| format!("&sslrootcert={}", path.display())).unwrap_or_default();
    format!("postgres://postgres@127.0.0.1:{}/postgres?sslmode={mode}{authority}", server.tcp_port().expect("a port"))
}

fn mariadb_url(server: &mariadb::Server, mode: &str, authority: Option<&Path>) -> String {
    let authority = authority.map(|path| format!("&ssl-ca={}", path.display())).unwrap_or_default();
    let port = server.tcp_port().expect("a port");
    format!("mysql://root@127.0.0.1:{port}/mysql?ssl-mode={mode}{authority}")
}

/// What `check` says of both databases.
fn checked(world: &World, database: &str, source: &str) -> (Value, String) {
    let environment = [("DATABASE_URL", database), ("SOURCE_URL", source)];
    let ended = world.run_with("check --json", &environment);
    let document = serde_json::from_str(&ended.stdout).unwrap_or_else(|_| panic!("no document: {}", ended.stderr));
    (document, world.run_with("check", &environment).stdout)
}

#[tokio::test]
async fn check_says_how_both_connections_are_secured() {
    let world = World::untouched().await;
    let files = Files::make(Certificate::Right).expect("certificates");
    let database = postgres::Server::start(files.postgres()).await.expect("a server");
    let ca = files.authority();
    for (mode, authority, verified, sentence) in [
        ("verify-full", Some(&*ca), "certificate_and_name", "server's certificate and name verified"),
        ("verify-ca", Some(&*ca), "certificate", "server's certificate verified, whatever its name"),
        ("require", None, "nothing", "server not verified"),
        ("prefer", None, "nothing", "server not verified"),
    ] {
        let url = postgres_url(&database, mode, authority);
        let (document, text) = checked(&world, &url, &url);
        for of in ["destination", "source"] {
            let security = &document[of]["security"];
            assert_eq!(
                (&security["encrypted"], &security["verified"], &security["mode"], &security["protocol"]),
                (&json!(true), &json!(verified), &json!(mode), &json!("TLSv1.3")),
                "{document}"
            );
            let line = format!("{of} connection: encrypted with TLSv1.3, {sentence} ({mode})");
            assert!(text.contains(&line), "no {line:?} in {text}");
        }
    }
    let url = postgres_url(&database, "disable", None);
    let (document, text) = checked(&world, &url, &url);
    for of in ["destination", "source"] {
        assert_eq!(
            document[of]["security"],
            json!({"encrypted": false, "protocol": null, "verified": "nothing", "mode": "disable"})
        );
        assert!(text.contains(&format!("{of} connection: not encrypted (disable)")), "{text}");
    }
}

#[tokio::test]
async fn a_certificate_that_cannot_be_trusted_is_refused_with_the_reason() {
    let world = World::untouched().await;
    let other = Files::make(Certificate::Right).expect("certificates");
    for (certificate, says, hint) in [
        (Certificate::Right, "is of an authority that is not trusted", "name the file of its authority's certificate"),
        (Certificate::WrongName, "is for another name: ", "write the host in the URL as its certificate has it"),
        (Certificate::Expired, "has expired: ", "renew the certificate at the server"),
    ] {
        let files = Files::make(certificate).expect("certificates");
        let trusted = if certificate == Certificate::Right { other.authority() } else { files.authority() };
        let database = postgres::Server::start(files.postgres()).await.expect("a server");
        let url = postgres_url(&database, "verify-full", Some(&trusted));
        let environment = [("DATABASE_URL", url.as_str()), ("SOURCE_URL", url.as_str())];
        let ended = world.run_with("check --json", &environment);
        let document: Value = serde_json::from_str(&ended.stdout).expect("a document");
        let problems: Vec<_> = document["problems"].as_array().expect("a list").iter().map(Value::to_string).collect();
        assert_eq!(problems.len(), 2, "{problems:?}");
        for problem in problems {
            assert!(
                problem.contains(&format!("the server's certificate {says}")) && problem.contains(hint),
                "{problem}"
            );
        }
        let message = world.run_with("setup", &environment).bad(1).to_owned();
        assert!(message.contains(says), "{message}");
        // Whoever does not ask for it does not learn of it, and `check` says that too.
        let url = postgres_url(&database, "require", None);
        let (document, _) = checked(&world, &url, &url);
        assert_eq!(document["destination"]["security"]["verified"], "nothing");
        assert_eq!(document["source"]["security"]["verified"], "nothing");
    }
}

#[tokio::test]
async fn mariadb_is_verified_and_refused_likewise() {
    let world = World::untouched().await;
    for (certificate, says) in [
        (Certificate::Right, None),
        (Certificate::WrongName, Some("is for another name: ")),
        (Certificate::Expired, Some("has expired: ")),
    ] {
        let files = Files::make(certificate).expect("certificates");
        let source = mariadb::Server::start_with_tls(&files).await.expect("a server");
        let verifying = mariadb_url(&source, "VERIFY_IDENTITY", Some(&files.authority()));
        let (document, _) = checked(&world, &world.database, &verifying);
        match says {
            None => assert_eq!(document["source"]["security"]["verified"], "certificate_and_name", "{document}"),
            Some(says) => assert!(document["problems"].to_string().contains(says), "{document}"),
        }
        let (document, text) = checked(&world, &world.database, &mariadb_url(&source, "REQUIRED", None));
        let security = &document["source"]["security"];
        assert_eq!((&security["encrypted"], &security["verified"]), (&json!(true), &json!("nothing")), "{document}");
        assert!(text.contains("source connection: encrypted with TLSv1.3, server not verified (REQUIRED)"), "{text}");
        let (document, _) = checked(&world, &world.database, &mariadb_url(&source, "DISABLED", None));
        assert_eq!(document["source"]["security"]["encrypted"], false, "{document}");
    }
}

#[tokio::test]
async fn a_server_without_tls_is_refused_where_it_was_asked_for() {
    let world = World::untouched().await;
    let database =
        postgres::Server::start(postgres::Settings { tcp: true, ..Default::default() }).await.expect("a server");
    let message =
        world.run_with("setup", &[("DATABASE_URL", &postgres_url(&database, "require", None))]).bad(1).to_owned();
    assert!(message.contains("the server does not offer TLS"), "{message}");
    assert!(message.contains("hint: switch TLS on at the server"), "{message}");
    // Neither can the environment of PostgreSQL's own programs decide it.
    let unsaid = format!("postgres://postgres@127.0.0.1:{}/postgres", database.tcp_port().expect("a port"));
    let ended = world.run_with("check --json", &[("DATABASE_URL", &unsaid), ("PGSSLMODE", "verify-full")]);
    let document: Value = serde_json::from_str(&ended.stdout).expect("a document");
    assert_eq!(document["destination"]["security"]["mode"], "prefer", "{document}");
}
