//! Images, containers and tasks by containerd's API.
//!
//! Knows nothing of pods: the node agent says what a container is made of, and finds it again by its labels.

mod spec;

pub use spec::{ContainerSpec, Mount, Namespace, Namespaces, Resources, Seccomp, Security, User};
