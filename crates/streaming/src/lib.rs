//! What a client may do with the containers of a node: logs and commands, streamed over HTTPS.
//!
//! The API server stands on one side, a [`Console`] on the other.

mod console;

pub use console::{Connection, Console, Exec, LogSource, Session, Size, Target};
