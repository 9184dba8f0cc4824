//! The conformance suite on every store of this crate, and what only one of them can show.

mod crashes;
mod durability;
mod etcd;
mod etcd_admin;
mod etcd_server;
mod every_operation;
mod faults;
mod healing;
mod linearizable;
mod maintenance;
mod random_history;
mod suite;
mod support;
mod watch_bugs;
