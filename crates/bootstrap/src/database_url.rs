use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The address of a database. Printing it in any way hides the password; [`DatabaseUrl::expose`] is the only way out.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The URL as it was written, with its password: for connecting only.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
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

const HIDDEN: &str = "***";

/// The text with `***` for the password of every URL in it, be it before an `@` or in a parameter `password=`.
///
/// Errs towards hiding too much: a password may contain `/` or `@` although it should not.
#[must_use]
pub fn hide_passwords(text: &str) -> String {
    text.split_inclusive(char::is_whitespace).map(|word| hide_parameters(&hide_user_password(word))).collect()
}

fn hide_user_password(word: &str) -> String {
    let Some(start) = word.find("://").map(|at| at + 3) else { return word.to_owned() };
    let (scheme, rest) = word.split_at(start);
    match (rest.find(':'), rest.rfind('@')) {
        (Some(colon), Some(at)) if colon < at => format!("{scheme}{}:{HIDDEN}{}", &rest[..colon], &rest[at..]),
        _ => word.to_owned(),
    }
}

fn hide_parameters(word: &str) -> String {
    const NAME: &str = "password=";
    let mut shown = String::with_capacity(word.len());
    let mut rest = word;
    while let Some(at) = rest.to_ascii_lowercase().find(NAME) {
        let (before, value) = rest.split_at(at + NAME.len());
        shown.push_str(before);
        shown.push_str(HIDDEN);
        rest = &value[value.find(|c: char| "&\"'`".contains(c) || c.is_whitespace()).unwrap_or(value.len())..];
    }
    shown + rest
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

    #[test]
    fn hides_passwords_in_the_middle_of_a_sentence() {
        let text = "could not reach `postgres://a:b@c/d` nor mysql://e:f@g/h?password=i today";
        assert_eq!(
            hide_passwords(text),
            "could not reach `postgres://a:***@c/d` nor mysql://e:***@g/h?password=*** today"
        );
    }
}
