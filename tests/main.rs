//! End to end: the real binary, driven by the real kubectl (1.20 or newer), as a user drives it.
//!
//! `BERTH_TEST_STORE=etcd` runs them on etcd.

mod api;
mod bad_input;
mod cli;
mod clients;
mod containers;
mod crash;
mod deployment;
mod etcd;
#[path = "../crates/store/tests/etcd_admin.rs"]
mod etcd_admin;
#[path = "../crates/store/tests/etcd_server.rs"]
#[allow(dead_code, reason = "the store's tests do more to an etcd than these")]
mod etcd_server;
mod every_kind;
#[path = "../apiserver/tests/fixtures.rs"]
mod fixtures;
mod harness;
mod host;
mod install;
mod kill_loop;
mod load;
mod neighbour;
mod process;
mod store_files;
mod structure;
mod terminal;
mod user;
mod verbs;
