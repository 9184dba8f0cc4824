//! End to end: the real binary, driven by the real kubectl (1.20 or newer), as a user drives it.

mod api;
mod bad_input;
mod cli;
mod containers;
mod crash;
mod deployment;
mod harness;
mod host;
mod kill_loop;
mod load;
mod store_files;
mod structure;
mod user;
