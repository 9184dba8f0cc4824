//! The conformance suite on every store of this crate, and what only the embedded one can show.

mod crashes;
mod durability;
mod every_operation;
mod faults;
mod healing;
mod linearizable;
mod maintenance;
mod random_history;
mod suite;
mod support;
mod watch_bugs;
