//! The PostgreSQL reader on a real server.

mod legacy;
mod reading;
mod shapes;
mod trouble;
