//! What a client may do with the containers of a node: logs and commands, streamed over HTTPS.
//!
//! The API server stands on one side, a [`Console`] on the other. It forwards what its clients send as it is, so the
//! streams of a client end here.

mod console;
mod error;
mod logs;
mod peer;
mod request;
mod router;
mod server;
mod streams;
mod tls;

pub use console::{Connection, Console, Exec, LogSource, Session, Size, Target};
pub use error::Error;
pub use peer::API_SERVER;
pub use server::serve;
pub use tls::tls;
