//! Where the source is, in the user's URL and in messages.

use sqlx::postgres::PgConnectOptions;

use crate::Error;

/// The options of a URL.
pub(super) fn options(url: &str) -> Result<PgConnectOptions, Error> {
    let (_, rest) = url.split_once("://").unwrap_or_default();
    let after_host = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    if after_host.contains('@') {
        // Taken literally, the rest of the password would become the database's name and be shown as such.
        let reason = "it has an '@' behind the host: in a user or password write '/' as %2F, '?' as %3F, '#' as %23 and \
                      '@' as %40";
        return Err(Error::Url { reason: reason.to_owned() });
    }
    certferry_connection::Settings::options_of(url).map_err(|error| match error {
        sqlx::Error::Configuration(reason) => Error::Url { reason: reason.to_string() },
        other => Error::Url { reason: other.to_string() },
    })
}

/// The URL again, without its password.
pub(super) fn without_password(options: &PgConnectOptions) -> String {
    let user = options.get_username();
    let database = options.get_database().unwrap_or(user);
    match options.get_socket() {
        Some(socket) => format!("postgres://{user}@/{database}?host={}", socket.display()),
        None => format!("postgres://{user}@{}:{}/{database}", options.get_host(), options.get_port()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str) -> Result<String, String> {
        options(url).map(|options| without_password(&options)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_location_has_no_password() {
        assert_eq!(shown("postgres://me:sesame@db:5433/legacy").as_deref(), Ok("postgres://me@db:5433/legacy"));
        assert_eq!(
            shown("postgres:///legacy?host=/run/pg&user=me&password=sesame").as_deref(),
            Ok("postgres://me@/legacy?host=/run/pg")
        );
    }

    #[test]
    fn a_password_that_spoils_the_url_is_not_shown() {
        for password in ["ses/ame", "1/2", "a?b", "a#b", "5432/x@y", "x@y/1"] {
            let error = shown(&format!("postgres://me:{password}@db/legacy")).expect_err(password);
            assert!(error.starts_with("the source URL cannot be used: "), "{error}");
            assert!(!error.contains(password), "{error}");
        }
    }

    #[test]
    fn a_wrong_url_is_explained() {
        assert_eq!(
            shown("postgres://me:sesame@db:port/legacy"),
            Err("the source URL cannot be used: invalid port number".to_owned())
        );
    }
}
