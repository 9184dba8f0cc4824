//! Control groups of pods, as kubelet lays them out: `PREFIX/kubepods/pod<uid>` for guaranteed pods, below
//! `burstable` or `besteffort` for the others. Version 1 and version 2.

mod error;
mod hierarchies;
mod removal;
mod settings;
mod tree;

pub use error::CgroupError;
pub use hierarchies::Hierarchies;
pub use settings::{NodeResources, weight_of};
pub use tree::Cgroups;
