//! Where the source is, in the user's URL and in messages.

use std::str::FromStr;

use sqlx::mysql::MySqlConnectOptions;

use crate::Error;

/// The options of a URL.
pub(super) fn options(url: &str) -> Result<MySqlConnectOptions, Error> {
    let (_, rest) = url.split_once("://").ok_or_else(|| Error::Url { reason: "it has no ://".to_owned() })?;
    let after_host = rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]);
    if after_host.contains('@') {
        // Taken literally, the rest of the password would become the database's name and be shown as such.
        let reason = "it has an '@' behind the host: in a user or password write '/' as %2F, '?' as %3F, '#' as %23 and \
                      '@' as %40";
        return Err(Error::Url { reason: reason.to_owned() });
    }
    let options = MySqlConnectOptions::from_str(&format!("mysql://{rest}")).map_err(|error| match error {
        sqlx::Error::Configuration(reason) => Error::Url { reason: reason.to_string() },
        other => Error::Url { reason: other.to_string() },
    })?;
    if options.get_database().is_none() {
        return Err(Error::Url { reason: "it names no database".to_owned() });
    }
    Ok(options)
}

/// The URL again, without its password.
pub(super) fn without_password(options: &MySqlConnectOptions) -> String {
    let user = options.get_username();
    let database = options.get_database().unwrap_or_default();
    match options.get_socket() {
        Some(socket) => format!("mysql://{user}@localhost/{database}?socket={}", socket.display()),
        None => format!("mysql://{user}@{}:{}/{database}", options.get_host(), options.get_port()),
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
        assert_eq!(shown("mysql://me:sesame@db:3307/legacy").as_deref(), Ok("mysql://me@db:3307/legacy"));
        assert_eq!(
            shown("mariadb://me:sesame@localhost/legacy?socket=/run/m/s").as_deref(),
            Ok("mysql://me@localhost/legacy?socket=/run/m/s")
        );
    }

    #[test]
    fn a_wrong_url_is_explained_without_its_password() {
        for password in ["ses/ame", "1/2", "a?b", "a#b"] {
            let error = shown(&format!("mysql://me:{password}@db/legacy")).expect_err(password);
            assert!(error.starts_with("the source URL cannot be used: "), "{error}");
            assert!(!error.contains(password), "{error}");
        }
        assert_eq!(
            shown("mysql://me:sesame@db"),
            Err("the source URL cannot be used: it names no database".to_owned())
        );
        assert_eq!(
            shown("mysql://me:sesame@db:port/legacy"),
            Err("the source URL cannot be used: invalid port number".to_owned())
        );
    }
}
