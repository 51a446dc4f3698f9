use std::io;
use std::path::Path;

use figment::Figment;
use figment::error::{Actual, Kind, OneOf};

use crate::hide_passwords;

/// A configuration that cannot be used: which key, where it came from, what is accepted. Never shows a password.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    message: String,
    #[source]
    source: Option<io::Error>,
    hint: Option<String>,
}

impl ConfigError {
    pub(super) fn new(message: impl AsRef<str>) -> Self {
        Self { message: hide_passwords(message.as_ref()), source: None, hint: None }
    }

    pub(super) fn several(messages: &[String]) -> Self {
        match messages {
            [message] => Self::new(message),
            messages => Self::new(format!("the configuration has mistakes:\n  - {}", messages.join("\n  - "))),
        }
    }

    pub(super) fn unreadable(path: &Path, source: io::Error) -> Self {
        let message = format!("could not read the configuration file {}", path.display());
        Self { source: Some(source), ..Self::new(message) }
    }

    pub(crate) fn missing_url(key: &str, variable: &str) -> Self {
        let hint = format!("set {key} in the configuration file, or the environment variable {variable}");
        Self { hint: Some(hint), ..Self::new(format!("{key} is not set")) }
    }

    /// What to do about it, where that is not in the message already.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    pub(super) fn from_figment(error: &figment::Error, figment: &Figment) -> Self {
        let mut path = error.path.clone();
        if let Kind::UnknownField(name, _) | Kind::MissingField(std::borrow::Cow::Owned(name)) = &error.kind
            && path.last() != Some(name)
        {
            path.push(name.clone());
        }
        let key = path.join(".");
        let origin = figment.find_metadata(&key).or(error.metadata.as_ref()).map(|metadata| metadata.name.to_string());
        let origin = origin.map(|origin| format!(" (from {origin})")).unwrap_or_default();
        Self::new(match &error.kind {
            Kind::Message(message) => format!("{key}{origin}: {message}"),
            Kind::UnknownField(_, accepted) => {
                format!("unknown key {key}{origin}; accepted here: {}", accepted.join(", "))
            }
            Kind::UnknownVariant(found, accepted) => {
                format!("{key} is `{found}`{origin}; accepted is {}", OneOf(accepted))
            }
            Kind::InvalidType(found, accepted) | Kind::InvalidValue(found, accepted) => {
                format!("{key} is {}{origin}; accepted is {}", shown(found), plain(accepted))
            }
            other => format!("{key}{origin}: {other}"),
        })
    }
}

fn shown(found: &Actual) -> String {
    match found {
        Actual::Unsigned(number) => format!("the number {number}"),
        Actual::Signed(number) => format!("the number {number}"),
        Actual::Float(number) => format!("the number {number}"),
        Actual::Str(text) => format!("the text `{text}`"),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a section".to_owned(),
        other => other.to_string(),
    }
}

/// Serde's word for a type as a person would say it.
fn plain(accepted: &str) -> String {
    match accepted {
        "u16" | "u32" | "u64" | "usize" => "a whole number of 0 or more".to_owned(),
        "a string" | "string" => "text".to_owned(),
        "a sequence" => "a list such as [\"one\", \"two\"]".to_owned(),
        "a duration" => "a duration such as \"500ms\", \"10s\" or \"5m\"".to_owned(),
        section if section.starts_with("struct ") => "a section with keys of its own".to_owned(),
        other => other.to_owned(),
    }
}
