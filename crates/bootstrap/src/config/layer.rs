//! Where values come from: each layer is a figment provider with a name that an error can show, each environment
//! variable and each flag a layer of its own.

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};
use serde::Serialize;

use super::ConfigError;

const PREFIX: &str = "CERTFERRY__";

/// Variables accepted for a key, weaker than the `CERTFERRY__` form.
const SHORT_FORMS: [(&str, &str); 2] = [("DATABASE_URL", "database.url"), ("SOURCE_URL", "source.url")];

/// Values with one origin.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    origin: String,
    values: Dict,
}

impl Layer {
    /// A TOML text. What it says about a mistake names line and column but quotes nothing: there may be a password.
    pub(super) fn from_toml(origin: &str, text: &str) -> Result<Self, ConfigError> {
        let table = text.parse::<toml::Table>().map_err(|error| {
            let before = &text[..error.span().map_or(0, |span| span.start.min(text.len()))];
            let line = before.matches('\n').count() + 1;
            let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
            let reason = error.message().trim().replace('\n', ", ");
            ConfigError::new(format!("{origin} is not valid TOML: line {line}, column {column}: {reason}"))
        })?;
        Ok(Self { origin: origin.to_owned(), values: serialized(&table)? })
    }

    pub(super) fn from_file(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|error| ConfigError::unreadable(path, error))?;
        Self::from_toml(&path.display().to_string(), &text)
    }

    /// One value at a key such as `worker.batch_size`.
    pub(crate) fn single(origin: String, key: &str, value: impl Serialize) -> Result<Self, ConfigError> {
        let value = Value::serialize(value).map_err(|error| ConfigError::new(error.to_string()))?;
        let values = key.rsplit('.').fold(value, |inner, name| Dict::from([(name.to_owned(), inner)]).into());
        Ok(Self { origin, values: values.into_dict().unwrap_or_default() })
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.origin.clone())
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// The layers of an environment, the weaker first. An empty variable counts as not set.
pub(super) fn from_environment(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<Layer>, ConfigError> {
    let mut short = Vec::new();
    let mut long = Vec::new();
    for (name, value) in environment {
        let Some(name) = name.to_str() else { continue };
        let short_form = SHORT_FORMS.iter().find(|(variable, _)| *variable == name);
        if value.is_empty() || (short_form.is_none() && !name.starts_with(PREFIX)) {
            continue;
        }
        let origin = format!("the environment variable {name}");
        let value = value.to_str().ok_or_else(|| ConfigError::new(format!("{origin} is not valid UTF-8")))?;
        if let Some((_, key)) = short_form {
            short.push(Layer::single(origin, key, value)?);
        } else {
            let key = name[PREFIX.len()..].to_lowercase().replace("__", ".");
            if key.split('.').any(str::is_empty) {
                return Err(ConfigError::new(format!("{origin} names no key; accepted is {PREFIX}SECTION__KEY")));
            }
            long.push(Layer::single(origin, &key, parsed(value))?);
        }
    }
    // By name, so that what an error shows first does not depend on the environment's order.
    long.sort_by(|left: &Layer, right| left.origin.cmp(&right.origin));
    Ok(short.into_iter().chain(long).collect())
}

/// A variable's value as it would be written in the file, or else as text without quotes.
fn parsed(value: &str) -> toml::Value {
    let literal = format!("value = {value}").parse::<toml::Table>().ok();
    match literal.and_then(|mut table| if table.len() == 1 { table.remove("value") } else { None }) {
        Some(
            literal @ (toml::Value::Integer(_)
            | toml::Value::Boolean(_)
            | toml::Value::Float(_)
            | toml::Value::String(_)
            | toml::Value::Array(_)),
        ) => literal,
        _ => toml::Value::String(value.to_owned()),
    }
}

fn serialized(table: &toml::Table) -> Result<Dict, ConfigError> {
    let value = Value::serialize(table).map_err(|error| ConfigError::new(error.to_string()))?;
    Ok(value.into_dict().unwrap_or_default())
}
