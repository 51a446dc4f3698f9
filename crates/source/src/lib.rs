//! Reads the legacy database, and only ever reads it.
//!
//! A [`Source`] answers with ids page by page and with legacy records by id. How the legacy tables look is said by three
//! SQL queries ([`Settings`]), which the reader of each engine wraps; their columns are read leniently, as text, so that
//! types of another shape work too. What the values mean is decided elsewhere: here ` 80 km/h ` stays what it is.

mod check;
mod entity;
mod error;
mod failure;
mod key;
mod mysql;
mod pace;
mod postgres;
mod query;
mod reader;
mod record;
mod selection;
mod source;
mod sqlite;
mod text;
mod timezone;
mod unaddressable;

pub use certferry_connection::{Security, Usage, Verified};
pub use check::{Problem, QueryCheck};
pub use entity::Entity;
pub use error::{Class, Error};
pub use query::Settings;
pub use reader::{About, Column, Identity};
pub use selection::{Page, Selection};
pub use source::{SMALL_ROW, Source};
pub use unaddressable::{Repeated, Unaddressable};
