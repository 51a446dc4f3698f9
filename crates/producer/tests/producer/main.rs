//! The commands of the producer, through the real binary on a real server.

mod agreeing;
mod checking;
mod deciding;
mod enqueueing;
mod explaining;
mod interrupting;
mod mapping_files;
mod mistakes;
mod retrying;
mod securing;
mod setting_up;
mod status;
mod terminal;
mod watching;
mod world;
