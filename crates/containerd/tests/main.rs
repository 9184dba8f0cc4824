//! Against a real containerd in namespaces of its own; needs root.

mod archives;
mod attach;
mod containers;
mod exec;
mod pulls;
mod restarts;
mod support;
