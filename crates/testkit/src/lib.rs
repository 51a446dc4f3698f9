//! Private database servers, the reference cases and generated data sets, for tests, the demo and benchmarks only.
//!
//! No binary that is shipped links this crate, and it depends on no other crate of the workspace: a test passes in
//! whatever it needs (a function that applies migrations, say), so that the test kit cannot pull the crate under test in.

pub mod cases;
pub mod generator;
mod installation;
pub mod load;
pub mod mariadb;
pub mod pgbouncer;
pub mod postgres;
pub mod proxy;
pub mod tls;

pub use installation::faketime;
