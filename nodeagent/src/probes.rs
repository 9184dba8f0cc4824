//! Probes: whether a container has come up, serves and lives, asked from the node.
//!
//! [`spec`](Probe) says what is asked, [`checks`](ProbeResult) decides what answers mean, `ask` asks once by
//! one of four ways, and [`Prober`] drives one task for each container that has probes.

mod ask;
mod checks;
mod dial;
mod exec;
mod grpc;
mod http;
mod prober;
mod spec;
mod tally;
mod tls;
mod watcher;

#[cfg(test)]
mod tests;

pub(crate) use ask::{Tried, act};
pub use checks::ProbeResult;
pub use exec::{ExecEnd, ExecProbe};
pub use prober::{News, Prober, Reported, Target};
pub use spec::{HttpGet, Probe, ProbeAction, ProbeKind};
pub(crate) use spec::{PortDoc, ProbeDoc};
