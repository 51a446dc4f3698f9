//! The one HTTP server of a process, and a client that asks it: small, without TLS, and bounded in every way.

mod ask;
mod server;

pub use ask::{Answer, AskError, ask};
pub use server::Server;
