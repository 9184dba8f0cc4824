//! The command line's verbs that are kubectl's, with kubectl's flags and output.
//!
//! Resources are what the server's discovery says, tables are the server's own: so every verb works with any
//! conformant server and with custom resources. [`Verb`] is what the command line offers, [`run`] does it.

mod api_resources;
mod apply;
mod columns;
mod containers;
mod cp;
mod create;
mod delete;
mod describe;
mod error;
mod exec;
mod generate;
mod get;
mod jsonpath;
mod logs;
mod manifest;
mod merge;
mod output;
mod pods;
mod port_forward;
mod proxy;
mod remote;
mod resource;
mod rollout;
mod run;
mod scale;
mod session;
mod set;
mod table;
mod verb;
mod version;
mod wait;

pub use error::Error;
pub use session::Global;
pub use verb::{Verb, run};
