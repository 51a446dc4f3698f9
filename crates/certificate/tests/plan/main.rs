//! What becomes of one certificate: the rules one by one, and what holds whatever comes.

mod properties;
mod rules;
mod sample;
