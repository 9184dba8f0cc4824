//! The node agent: takes on the pods of a node, runs them through a [`Runtime`], and reports what it observes.
//!
//! [`plan`] and [`report`] decide, purely; a [`Runtime`] observes and performs; [`run_fake`] drives many nodes
//! that run nothing.

mod agent;
mod containers;
mod fake;
mod node;
mod observed;
mod plan;
mod pod;
mod registrar;
mod report;
mod restart;
mod run;
mod runtime;
mod status;
mod verdict;

pub mod suite;

#[cfg(test)]
mod run_tests;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod world;

pub use fake::{Delays, FakeRuntime};
pub use node::{LEASE_NAMESPACE, LEASE_SECONDS, NodeFacts};
pub use observed::{ContainerState, Image, ImageState, Observed, ObservedContainer, Sandbox, SandboxState};
pub use plan::{Effect, Plan, has_left, plan, plan_gone};
pub use pod::{Container, Deletion, FAKE_PREFIX, Pod, Restart, Spec};
pub use report::{Host, report, status};
pub use run::{FakeOptions, MissingKind, run_fake};
pub use runtime::{Runtime, RuntimeError};
pub use status::{Condition, ContainerStatus, Ip, Phase, Running, State, Status, Terminated, Waiting};
