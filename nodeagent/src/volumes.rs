//! A pod's volumes on disk: `PODDIR/volumes/PLUGIN/NAME`, as kubelet lays them out.
//!
//! [`prepare`] makes them, [`refresh`] shows what changed in their sources, [`remove`] takes all of a pod's
//! directory away.

mod empty_dir;
mod error;
mod host_path;
mod kind;
mod mounts;
mod payload;
mod projected;
mod remove;
mod set_up;
mod sub_path;
#[cfg(test)]
pub(crate) mod testing;
mod write;

pub use error::VolumeError;
pub use kind::{is_read_only, location, plugin};
pub use mounts::mount_tmpfs;
pub use remove::remove;
pub use set_up::{prepare, refresh};
pub use sub_path::bind_sub_path;
