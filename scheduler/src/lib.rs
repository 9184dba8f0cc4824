//! The scheduler: decides on which node a pod runs, exactly over all nodes, and says why where it cannot.
//!
//! [`schedule`] is a library without I/O over a [`Fleet`]; [`run`] drives it against an API server.

mod amount;
mod class;
mod columns;
mod driver;
mod filter;
mod fleet;
mod measures;
mod needs;
mod neighbours;
mod node;
mod nodeset;
mod plugin;
mod pod;
mod queue;
mod reasons;
mod run;
mod schedule;
mod score;
mod selector;
mod terms;
mod writer;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod run_tests;
#[cfg(test)]
#[path = "../../nodeagent/src/world.rs"]
#[allow(dead_code, reason = "shared with the node agent's tests")]
mod world;

pub use amount::{Amounts, CPU, EPHEMERAL_STORAGE, MEMORY, PODS};
pub use fleet::Fleet;
pub use needs::{
    HostPort, Namespaces, Needs, NodeTerm, PodMatch, PodTerm, Spread, Taint, TaintEffect, Toleration, Weight,
};
pub use node::{NamespaceView, NodeView};
pub use plugin::{PLUGINS, Plugin, PluginRow};
pub use pod::{PodView, Told};
pub use reasons::{Reasons, Refusal};
pub use run::{MissingKind, Options, run};
pub use schedule::{Decision, schedule};
pub use score::{Profile, Strategy};
pub use selector::{Labels, Operator, Requirement, Selector};
