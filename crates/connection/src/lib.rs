//! Connections to databases: bounded pools that can be made anew after an outage, and sessions of PostgreSQL that are
//! right behind a pooler too.
//!
//! `docs/adr/0005-through-a-pooler.md` says what changes behind a pooler such as `PgBouncer` in transaction mode.

mod cause;
mod postgres;
mod renewable;
mod security;
mod tls_problem;

pub use cause::Cause;
pub use postgres::{Connections, IDLE, Parameters, Session, Settings, place, quoted};
pub use renewable::{Renewable, Usage};
pub use security::{Security, Verified};
pub use tls_problem::TlsProblem;
