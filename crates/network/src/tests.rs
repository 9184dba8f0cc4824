//! The crate on a real kernel: every test is a node of its own, in its own network and mount namespace.

mod balance;
mod cost;
mod host;
mod names;
mod pods;
mod sandboxes;
mod services;
