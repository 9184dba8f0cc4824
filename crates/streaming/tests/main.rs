//! The node's server as its clients meet it: real TLS, real HTTP, real WebSockets, over a console of the test's own.

mod admission;
mod commands;
mod fake;
mod forward;
mod node;
mod older;
mod reading;
mod spdy;
