//! The parameters that each engine's driver knows, as sqlx 0.9 reads them.

use std::fs::File;
use std::net::IpAddr;

/// A parameter of a URL: its names, of which the first is the usual one, and its values.
#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) names: &'static [&'static str],
    accepts: Accepts,
}

#[derive(Debug)]
enum Accepts {
    Anything,
    Number,
    Port,
    IpAddress,
    /// A file that can be read, or the certificate or key itself.
    Pem,
    /// In any case.
    OneOf(&'static [&'static str]),
    /// In this case.
    Exactly(&'static [&'static str]),
}

const fn parameter(names: &'static [&'static str], accepts: Accepts) -> Parameter {
    Parameter { names, accepts }
}

/// How a connection to PostgreSQL may be secured, the best first. `allow` is left out: the driver never encrypts with it.
pub(super) const POSTGRES_MODES: &[&str] = &["verify-full", "verify-ca", "require", "prefer", "disable"];

/// How a connection to MariaDB or MySQL may be secured, the best first.
pub(super) const MYSQL_MODES: &[&str] = &["VERIFY_IDENTITY", "VERIFY_CA", "REQUIRED", "PREFERRED", "DISABLED"];

pub(super) const MODE: &[&str] = &["sslmode", "ssl-mode"];
pub(super) const POSTGRES_AUTHORITY: &[&str] = &["sslrootcert", "ssl-root-cert", "ssl-ca"];
pub(super) const MYSQL_AUTHORITY: &[&str] = &["ssl-ca", "sslca"];
pub(super) const CERTIFICATE: &[&str] = &["sslcert", "ssl-cert"];
pub(super) const KEY: &[&str] = &["sslkey", "ssl-key"];

/// Every parameter of a `postgres://` URL, but for `options[NAME]`.
pub(super) const POSTGRES: &[Parameter] = &[
    parameter(MODE, Accepts::OneOf(POSTGRES_MODES)),
    parameter(POSTGRES_AUTHORITY, Accepts::Pem),
    parameter(CERTIFICATE, Accepts::Pem),
    parameter(KEY, Accepts::Pem),
    parameter(&["host"], Accepts::Anything),
    parameter(&["hostaddr"], Accepts::IpAddress),
    parameter(&["port"], Accepts::Port),
    parameter(&["dbname"], Accepts::Anything),
    parameter(&["user"], Accepts::Anything),
    parameter(&["password"], Accepts::Anything),
    parameter(&["application_name"], Accepts::Anything),
    parameter(&["options"], Accepts::Anything),
    parameter(&["statement-cache-capacity"], Accepts::Number),
];

/// Every parameter of a `mysql://` URL.
pub(super) const MYSQL: &[Parameter] = &[
    parameter(&["ssl-mode", "sslmode"], Accepts::OneOf(MYSQL_MODES)),
    parameter(MYSQL_AUTHORITY, Accepts::Pem),
    parameter(&["ssl-cert", "sslcert"], Accepts::Pem),
    parameter(&["ssl-key", "sslkey"], Accepts::Pem),
    parameter(&["socket"], Accepts::Anything),
    // Anything else would bend what the source queries have in quotes. The time zone is `dates.timezone`.
    parameter(&["charset"], Accepts::Exactly(&["utf8mb4"])),
    parameter(&["statement-cache-capacity"], Accepts::Number),
];

/// Every parameter of a `sqlite:` URL.
pub(super) const SQLITE: &[Parameter] = &[
    parameter(&["mode"], Accepts::Exactly(&["ro", "rw", "rwc", "memory"])),
    parameter(&["cache"], Accepts::Exactly(&["private", "shared"])),
    parameter(&["immutable"], Accepts::Exactly(&["true", "false", "1", "0"])),
    parameter(&["vfs"], Accepts::Anything),
];

impl Parameter {
    /// What is wrong with a value, without the value: it may be part of a password. A file is named, though.
    pub(super) fn mistake(&self, value: &str) -> Option<String> {
        match self.accepts {
            Accepts::Anything => None,
            Accepts::Number if value.parse::<usize>().is_ok() => None,
            Accepts::Number => Some("is no whole number".to_owned()),
            Accepts::Port if value.parse::<u16>().is_ok() => None,
            Accepts::Port => Some("is no port; accepted is 0 to 65535".to_owned()),
            Accepts::IpAddress if value.parse::<IpAddr>().is_ok() => None,
            Accepts::IpAddress => Some("is no IP address".to_owned()),
            Accepts::Pem => unreadable(value),
            Accepts::OneOf(accepted) if accepted.iter().any(|mode| mode.eq_ignore_ascii_case(value)) => None,
            Accepts::Exactly(accepted) if accepted.contains(&value) => None,
            Accepts::OneOf(accepted) | Accepts::Exactly(accepted) => {
                Some(format!("has a value that is not known; accepted is one of {}", accepted.join(", ")))
            }
        }
    }
}

fn unreadable(value: &str) -> Option<String> {
    let text = value.trim();
    if text.starts_with("-----BEGIN") && text.ends_with("-----") {
        return None;
    }
    let what = match File::open(value).and_then(|file| file.metadata()) {
        Ok(metadata) if metadata.is_dir() => "it is a folder".to_owned(),
        Ok(_) => return None,
        Err(error) => error.to_string(),
    };
    Some(format!("names the file {value}, which cannot be read: {what}"))
}
