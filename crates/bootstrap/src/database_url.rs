mod check;
mod parameters;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::hide_passwords;

/// The address of a database. Printing it in any way hides the password; [`DatabaseUrl::expose`] is the only way out.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The URL as it was written, with its password: for connecting only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Everything that is wrong with its parameters and with how its connection is secured; shows no password.
    pub(crate) fn mistakes(&self, environment: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
        check::mistakes(&self.0, environment)
    }

    /// What stands before the first colon, such as `postgres`.
    #[must_use]
    pub fn scheme(&self) -> &str {
        self.0.split_once(':').map_or("", |(scheme, _)| scheme)
    }
}

impl From<String> for DatabaseUrl {
    fn from(url: String) -> Self {
        Self(url.trim().to_owned())
    }
}

impl From<&str> for DatabaseUrl {
    fn from(url: &str) -> Self {
        Self::from(url.to_owned())
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Text that is no URL may be anything, a bare password too.
        let is_url = self.0.contains("://") || self.scheme() == "sqlite";
        f.write_str(&if is_url { hide_passwords(&self.0) } else { "(hidden)".to_owned() })
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for DatabaseUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for DatabaseUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_everything_but_the_password() {
        for (written, shown) in [
            ("postgres://app:s3cret@db.example:5432/new", "postgres://app:***@db.example:5432/new"),
            ("postgres://app:s3/c@r:et@db/new", "postgres://app:***@db/new"),
            ("postgres://app@db:5432/new", "postgres://app@db:5432/new"),
            ("postgres:///new?host=/run/pg&user=app", "postgres:///new?host=/run/pg&user=app"),
            ("postgres:///new?password=s3cret&user=app", "postgres:///new?password=***&user=app"),
            ("postgres:///new?user=app&PASSWORD=s3cret", "postgres:///new?user=app&PASSWORD=***"),
            ("sqlite:legacy.db", "sqlite:legacy.db"),
            ("s3cret", "(hidden)"),
            ("app:s3cret@db/new", "(hidden)"),
        ] {
            let url = DatabaseUrl::from(written);
            assert_eq!(url.to_string(), shown);
            assert_eq!(format!("{url:?}"), format!("\"{shown}\""));
            assert_eq!(url.expose(), written);
        }
    }
}
