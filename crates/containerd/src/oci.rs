//! The OCI runtime specification of a container (opencontainers/runtime-spec, 1.0), with the defaults of
//! container runtimes. Decides only: what it needs of the host comes in [`Host`].

mod capabilities;
mod devices;
mod host;
mod linux;
mod mounts;
mod process;
mod seccomp;

use serde_json::{Value, json};

pub(crate) use host::Host;

use crate::error::Error;
use crate::image::ImageConfig;
use crate::rootfs::Identity;
use crate::spec::{ContainerSpec, Namespace};

/// containerd's type of a specification.
pub(crate) const SPEC: &str = "types.containerd.io/opencontainers/runtime-spec/1/Spec";
/// containerd's type of a process in it.
pub(crate) const PROCESS: &str = "types.containerd.io/opencontainers/runtime-spec/1/Process";
/// Containers of one group share a shim.
const GROUP: &str = "io.containerd.runc.v2.group";

/// The specification.
///
/// # Errors
/// When there is nothing to run, when a profile cannot be read, when a capability is unknown.
pub(crate) fn build(
    spec: &ContainerSpec,
    image: &ImageConfig,
    user: &Identity,
    host: &Host,
) -> Result<Value, Error> {
    let mut document = json!({
        "ociVersion": "1.0.2",
        "process": process::build(spec, image, user, host)?,
        "root": { "path": "rootfs", "readonly": spec.security.read_only },
        "mounts": mounts::build(spec),
        "linux": linux::build(spec, host)?,
    });
    if let (Some(hostname), Namespace::New) = (&spec.hostname, &spec.namespaces.uts) {
        document["hostname"] = json!(hostname);
    }
    if !spec.group.is_empty() {
        document["annotations"] = json!({ GROUP: spec.group });
    }
    Ok(document)
}

#[cfg(test)]
mod tests;
