//! What becomes of one certificate: the rules one by one, and what holds whatever comes.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod properties;
mod rules;
mod sample;
