//! Leases keep what nothing refers to yet from the garbage collector.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use containerd_client::services::v1::{CreateRequest, DeleteRequest};
use jiff::{SignedDuration, Timestamp};
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Code, Request};

use crate::connection::Containerd;
use crate::error::Error;

/// After this a lease of a process that died holds nothing any more.
const EXPIRES: SignedDuration = SignedDuration::from_hours(24);
/// A lease for new containers is used this long.
const RENEW: Duration = Duration::from_secs(3600);

/// The lease under which snapshots of new containers are made, until the container's record refers to them.
pub(crate) struct CreateLease {
    id: Lease,
    since: Instant,
}

/// A lease's id, ready for a request's header.
#[derive(Clone)]
pub(crate) struct Lease(MetadataValue<Ascii>);

impl Lease {
    pub(crate) fn id(&self) -> String {
        self.0.to_str().unwrap_or_default().to_owned()
    }

    /// Puts what the request makes under this lease.
    pub(crate) fn hold<T>(&self, mut request: Request<T>) -> Request<T> {
        request.metadata_mut().insert("containerd-lease", self.0.clone());
        request
    }
}

impl Containerd {
    /// A new lease.
    pub(crate) async fn lease(&self) -> Result<Lease, Error> {
        self.lease_of(format!("berth-{}", unique()), EXPIRES).await
    }

    /// The lease with this id; one that is there already keeps its time.
    pub(crate) async fn lease_of(&self, id: String, expires: SignedDuration) -> Result<Lease, Error> {
        let fail = |message: &str| Error::Rpc { what: "create lease".into(), message: message.into() };
        let lease = Lease(id.parse().map_err(|_| fail("invalid id"))?);
        let expires = (Timestamp::now() + expires).strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let labels = HashMap::from([("containerd.io/gc.expire".to_owned(), expires)]);
        match self.leases().create(self.request(CreateRequest { id, labels })).await {
            Err(status) if status.code() != Code::AlreadyExists => Err(Error::rpc("create lease", status)),
            _ => Ok(lease),
        }
    }

    /// Gives a lease back. `sync` waits until what only it held is gone.
    pub(crate) async fn release(&self, lease: &Lease, sync: bool) {
        let id = lease.id();
        if let Err(status) = self.leases().delete(self.request(DeleteRequest { id, sync })).await {
            tracing::debug!(error = status.message(), "a lease expires by itself");
        }
    }

    /// The lease for new containers; `fresh` when the last one is known to be gone.
    pub(crate) async fn create_lease(&self, fresh: bool) -> Result<Lease, Error> {
        let mut current = self.inner.lease.lock().await;
        if let Some(lease) = current.as_ref().filter(|lease| !fresh && lease.since.elapsed() < RENEW) {
            return Ok(lease.id.clone());
        }
        let id = self.lease().await?;
        *current = Some(CreateLease { id: id.clone(), since: Instant::now() });
        Ok(id)
    }
}

/// A word that no other of this host has.
pub(crate) fn unique() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let now = Timestamp::now().as_nanosecond();
    format!("{}-{now}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}
