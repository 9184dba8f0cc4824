//! The only door to the API: every component writes and reads through [`Client`], in process or over HTTPS.
//!
//! [`RemoteSource`] follows kinds over a client, for components in a process of their own. [`events`] tells users
//! what a component did and why.

mod backoff;
mod client;
mod error;
pub mod events;
mod frames;
mod pages;
mod remote;
#[cfg(test)]
mod remote_tests;
#[cfg(test)]
mod testing;
mod uri;

pub use client::{Client, ListParams, authority, server};
pub use error::Error;
pub use object::PatchType;
pub use remote::RemoteSource;
