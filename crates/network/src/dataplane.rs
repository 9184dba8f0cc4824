//! How traffic to services finds their endpoints.

mod layout;
mod nftables;
mod script;
#[cfg(test)]
mod tests;

use async_trait::async_trait;

use crate::{Error, Services};

pub use nftables::Nftables;

/// Leads connections to services to their endpoints.
///
/// Connections that exist are not touched by a change: they keep the endpoint they have.
#[async_trait]
pub trait Dataplane: Send + Sync {
    /// Makes the node treat connections as these services say. Atomic: at no moment is a service that stays
    /// reachable by the old or the new state unreachable. Idempotent; after an error the next call brings
    /// everything right.
    async fn apply(&self, desired: &Services) -> Result<(), Error>;

    /// Removes all that [`Dataplane::apply`] made. Idempotent.
    async fn remove(&self) -> Result<(), Error>;
}
