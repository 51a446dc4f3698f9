use std::fs;

use super::*;

fn found(url: &str) -> String {
    found_with(url, &[])
}

fn found_with(url: &str, environment: &[(&str, &str)]) -> String {
    let variable = |name: &str| environment.iter().find(|(is, _)| *is == name).map(|(_, value)| (*value).to_owned());
    mistakes(url, &variable).join("; ")
}

#[test]
fn what_the_drivers_know_is_accepted() {
    for url in [
        "postgres://app@localhost/new",
        "postgres://app:s3cret@localhost:5432/new?sslmode=disable&application_name=me&statement-cache-capacity=0",
        "postgresql:///new?host=/run/pg&port=5433&user=app&password=s3@cret&dbname=new",
        "postgres://%2Frun%2Fpg/new",
        "postgres://app@old-name/new?host=/run/pg",
        "postgres://app@db/new?sslmode=VERIFY-FULL&options[jit]=off&options[search_path]=a&options=-c%20x%3D1",
        "postgres://app@db/new?ssl-mode=prefer",
        "postgres:///new?hostaddr=127.0.0.1",
        "mysql://app@localhost/old?socket=/run/m&charset=utf8mb4",
        "mysql://app@db/old?socket=/run/m",
        "mariadb://app@db/old?ssl-mode=verify_identity",
        "mysql://app@db/old?sslmode=DISABLED",
        "sqlite:old.db",
        "sqlite:///old.db?mode=ro&cache=private&immutable=1&vfs=unix",
    ] {
        assert_eq!(found(url), "", "{url}");
    }
}

#[test]
fn names_that_no_driver_knows_are_named_with_what_is_accepted() {
    insta::assert_snapshot!(found("postgres://a@localhost/new?sslmod=s3cret"), @"has the unknown parameter sslmod; accepted are sslmode, sslrootcert, sslcert, sslkey, host, hostaddr, port, dbname, user, password, application_name, options, statement-cache-capacity");
    insta::assert_snapshot!(found("mysql://a@localhost/old?ssl_mode=s3cret"), @"has the unknown parameter ssl_mode; accepted are ssl-mode, ssl-ca, ssl-cert, ssl-key, socket, charset, statement-cache-capacity");
    insta::assert_snapshot!(found("sqlite:old.db?pragma=s3cret"), @"has the unknown parameter pragma; accepted are mode, cache, immutable, vfs");
    for (url, says) in [
        ("postgres://a@db/new?SSLMODE=require", "has the unknown parameter SSLMODE; write it sslmode;"),
        ("mysql://a@db/old?Ssl-Mode=REQUIRED", "has the unknown parameter Ssl-Mode; write it ssl-mode;"),
        ("sqlite:old.db?Mode=ro", "has the unknown parameter Mode; write it mode;"),
        ("mysql://a@localhost/old?sslrootcert=/x", "has the unknown parameter sslrootcert;"),
        ("mysql://a@localhost/old?options[jit]=off", "an unknown name"),
        ("postgres://a@localhost/new?options[a'b]=off", "an unknown name"),
        ("postgres://a@localhost/new?sslmode=disable&sslmode=disable", "has the parameter sslmode twice"),
        ("postgres://a@localhost/new?sslmode=disable&ssl-mode=require", "has the parameter sslmode twice"),
        ("mysql://a@localhost/old?sslmode=DISABLED&ssl-mode=REQUIRED", "has the parameter ssl-mode twice"),
        ("sqlite:old.db?mode=ro&mode=rw", "has the parameter mode twice"),
        ("postgres://a@localhost/new#x", "has a '#'"),
        ("postgres://a:1/2@db/new", "has an '@' behind the host"),
    ] {
        let found = found(url);
        assert!(found.contains(says), "{url}: {found}");
    }
}

#[test]
fn values_that_no_driver_takes_are_refused_without_being_shown() {
    for (url, says) in [
        (
            "postgres://a@db/new?sslmode=requires",
            "sslmode, which has a value that is not known; accepted is one of verify-full, verify-ca, require, prefer, disable",
        ),
        // The driver would connect in the clear.
        ("postgres://a@db/new?sslmode=allow", "sslmode, which has a value that is not known"),
        ("postgres://a@db/new?sslmode=", "sslmode, which has a value that is not known"),
        (
            "mysql://a@db/old?ssl-mode=verify-full",
            "ssl-mode, which has a value that is not known; accepted is one of VERIFY_IDENTITY,",
        ),
        ("postgres://a@localhost/new?port=s3cret", "port, which is no port"),
        ("postgres://a@localhost/new?hostaddr=s3cret", "hostaddr, which is no IP address"),
        ("postgres://a@localhost/new?statement-cache-capacity=s3cret", "which is no whole number"),
        (
            "sqlite:old.db?mode=s3cret",
            "mode, which has a value that is not known; accepted is one of ro, rw, rwc, memory",
        ),
        ("sqlite:old.db?immutable=yes", "accepted is one of true, false, 1, 0"),
        ("postgres://a@localhost/new?password=x&s3cret", "an unknown name (in a value, write & as %26)"),
        ("postgres://a:x?s3cret@localhost/new", ""),
    ] {
        let found = found(url);
        assert!(!found.is_empty() && found.contains(says), "{url}: {found}");
        assert!(!found.contains("s3cret") && !found.contains("requires"), "{found}");
    }
}

#[test]
fn another_machine_needs_words_about_security() {
    insta::assert_snapshot!(found("postgres://a@db.example/new"), @"leads to db.example, which is another machine, and does not say how the connection is secured; add the parameter sslmode as verify-full (encrypted, the server's certificate and name verified: the one to take), verify-ca (its certificate only), require (encrypted, but whoever answers is trusted), prefer (encrypted where the server can) or disable (in the clear)");
    insta::assert_snapshot!(found("mysql://a@10.0.0.7/old"), @"leads to 10.0.0.7, which is another machine, and does not say how the connection is secured; add the parameter ssl-mode as VERIFY_IDENTITY (encrypted, the server's certificate and name verified, as verify-full is: the one to take), VERIFY_CA (its certificate only), REQUIRED (encrypted, but whoever answers is trusted), PREFERRED (encrypted where the server can) or DISABLED (in the clear)");
    for (host, is_local) in [
        ("localhost", true),
        ("LocalHost", true),
        ("127.0.0.1", true),
        ("127.8.9.10", true),
        ("[::1]", true),
        ("[::ffff:127.0.0.1]", true),
        ("%2Frun%2Fpg", true),
        ("", true),
        ("128.0.0.1", false),
        ("0.0.0.0", false),
        ("[::]", false),
        ("[fe80::1]", false),
        ("127.0.0.1.example", false),
        ("localhost.example", false),
        ("db", false),
    ] {
        let url = format!("postgres://{}{host}/new", if host.is_empty() { "" } else { "a@" });
        assert_eq!(found(&url).is_empty(), is_local, "{url}: {}", found(&url));
        if !host.starts_with('%') && !host.is_empty() {
            assert_eq!(found(&format!("mysql://a@{host}/old")).is_empty(), is_local, "{host}");
        }
    }
    for (url, is_local) in [
        ("postgres:///new?host=db", false),
        ("postgres://a@localhost/new?host=db", false),
        ("postgres://a@localhost/new?hostaddr=10.0.0.7", false),
        ("postgres://a@db/new?host=localhost", true),
        ("postgres://a@db/new?host=/run/pg&hostaddr=10.0.0.7", true),
        ("mysql:///old", true),
    ] {
        assert_eq!(found(url).is_empty(), is_local, "{url}: {}", found(url));
    }
}

#[test]
fn the_environment_decides_nothing_in_silence() {
    let pg_host = [("PGHOST", "db.example"), ("PGSSLMODE", "disable")];
    assert!(
        found_with("postgres:///new?user=a", &pg_host).contains("db.example (from the environment variable PGHOST)")
    );
    assert_eq!(found_with("postgres:///new?user=a&sslmode=disable", &pg_host), "");
    assert_eq!(found_with("postgres://a@localhost/new", &pg_host), "");
    assert_eq!(found_with("mysql://a@localhost/old", &pg_host), "");
    for (variable, says) in [("PGSSLROOTCERT", "sslrootcert"), ("PGSSLCERT", "sslcert"), ("PGSSLKEY", "sslkey")] {
        let environment = [(variable, "/some/file")];
        let found = found_with("postgres://a@db/new?sslmode=verify-full", &environment);
        assert_eq!(
            found,
            format!(
                "does not say {says}, and the environment variable {variable} would; write the parameter, or unset the \
                 variable"
            )
        );
        assert_eq!(found_with("postgres://a@db/new?sslmode=disable", &environment), "");
        assert_eq!(found_with("postgres:///new?host=/run/pg", &environment), "");
    }
}

#[test]
fn files_are_there_and_of_use() {
    let folder = tempfile::tempdir().unwrap();
    let there = folder.path().join("ca.pem").display().to_string();
    fs::write(&there, "").unwrap();
    for (url, says) in [
        (format!("postgres://a@db/new?sslmode=verify-full&sslrootcert={there}"), ""),
        (format!("mysql://a@db/old?ssl-mode=VERIFY_CA&ssl-ca={there}"), ""),
        (format!("postgres://a@db/new?sslmode=require&sslcert={there}&sslkey={there}"), ""),
        (format!("postgres://a@db/new?sslmode=require&sslcert={there}"), "has one of sslcert and sslkey"),
        (
            "postgres://a@db/new?sslmode=verify-full&sslrootcert=/no/ca.pem".to_owned(),
            "names the file /no/ca.pem, which cannot be read: No such file",
        ),
        (
            "postgres://a@db/new?sslmode=verify-full&sslrootcert=/".to_owned(),
            "names the file /, which cannot be read: it is a folder",
        ),
        // PostgreSQL's own programs verify then; this driver does not.
        (
            format!("postgres://a@db/new?sslmode=require&sslrootcert={there}"),
            "has the parameter sslrootcert, which verifies nothing unless sslmode is verify-full or verify-ca",
        ),
        (format!("postgres://a@localhost/new?sslrootcert={there}"), "verifies nothing unless"),
        (
            format!("mysql://a@db/old?ssl-mode=REQUIRED&ssl-ca={there}"),
            "has the parameter ssl-ca, which verifies nothing unless ssl-mode is VERIFY_IDENTITY or VERIFY_CA",
        ),
    ] {
        let found = found(&url);
        assert!(if says.is_empty() { found.is_empty() } else { found.contains(says) }, "{url}: {found}");
    }
    assert_eq!(found("postgres://a@db/new?sslmode=verify-full&sslrootcert=-----BEGIN CERTIFICATE-----"), "");
}
