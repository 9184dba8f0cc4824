//! Namespaces that outlive their processes, because they are bound to files.

mod inside;
mod sandbox;
mod sysctl;

pub use inside::inside;
pub use sandbox::Sandbox;

pub(crate) use inside::on_thread;
pub(crate) use sysctl::ensure as ensure_sysctl;
