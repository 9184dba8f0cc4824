//! Images, containers and tasks by containerd's API.
//!
//! Knows nothing of pods: the node agent says what a container is made of, and finds it again by its labels.

mod archive;
mod attach;
mod connection;
mod container;
mod content;
mod error;
mod events;
mod exec;
mod fifo;
mod found;
mod hosts;
mod image;
mod import;
mod layout;
mod lease;
mod log;
mod oci;
mod pull;
mod reference;
mod registry;
mod root;
mod rootfs;
mod spec;
pub mod testing;
mod unpack;

pub use attach::{AttachSpec, Attached};
pub use connection::{Containerd, Options};
pub use error::Error;
pub use events::Event;
pub use exec::{Exec, ExecSpec, Process, Stdin};
pub use found::{Found, TaskState};
pub use image::{Image, ImageConfig};
pub use import::Imported;
pub use pull::{Progress, Pulled};
pub use reference::{InvalidReference, canonical, registry_of};
pub use registry::{Credentials, Registries};
pub use spec::{ContainerSpec, Mount, Namespace, Namespaces, Resources, Seccomp, Security, User};
