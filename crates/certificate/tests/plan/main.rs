//! What becomes of one certificate: the rules one by one, and what holds whatever comes.

mod doubt;
mod properties;
mod rules;
mod sample;
