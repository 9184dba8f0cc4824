//! The node agent: takes on the pods of a node, runs them through a [`Runtime`], and reports what it observes.
//!
//! [`plan`] and [`report`] decide, purely; a [`Runtime`] observes and performs; [`run_fake`] drives many nodes
//! that run nothing.

mod agent;
mod block;
mod census;
mod console;
mod container_runtime;
mod containers;
mod facts;
mod fake;
mod known;
mod measures;
mod neighbours;
mod node;
mod notes;
mod observed;
mod overlap;
mod plan;
mod pod;
mod probes;
mod pull_secrets;
mod registrar;
mod report;
mod resolv;
mod restart;
mod run;
mod run_node;
mod runtime;
mod services;
mod status;
mod troubles;
mod verdict;

pub mod cgroups;
pub mod pod_config;
pub mod suite;
pub mod volumes;

#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod world;

pub use container_runtime::ImageCollection;
pub use facts::{Disk, FactsError, FactsOptions, Finding, Measured, Pressures, conditions, measure, observe};
pub use fake::{Delays, FakeRuntime};
pub use node::{LEASE_NAMESPACE, LEASE_SECONDS, NodeFacts};
pub use observed::{
    ContainerState, Failing, Image, ImageState, Observed, ObservedContainer, Sandbox, SandboxState, Trouble,
};
pub use plan::{Effect, Plan, has_left, plan, plan_gone};
pub use pod::{Container, Deletion, FAKE_PREFIX, Pod, PullPolicy, Restart, Spec};
pub use probes::{
    ExecEnd, ExecProbe, HttpGet, News, Probe, ProbeAction, ProbeKind, ProbeResult, Prober, Reported, Target,
};
pub use report::{Host, report, status};
pub use run::{FakeOptions, MissingKind, run_fake};
pub use run_node::{NodeError, NodeOptions, engine, host_name, reset_node, route_to, run_node};
pub use runtime::{Held, Runtime, RuntimeError};
pub use status::{Condition, ContainerStatus, Ip, Phase, Running, State, Status, Terminated, Waiting};
