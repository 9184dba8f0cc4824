//! Leader election on a Lease of `coordination.k8s.io`, with upstream's fields and timings.
//!
//! [`Elector`] decides, [`lead`] acts. Whoever loses stops working and tries again; it never exits.

use std::future::Future;
use std::time::Duration;

use client::{Client, Error};
use kinds::{Kind, Kinds};
use object::{Key, PatchType, Time, Value, format_micro_time};
use serde_json::json;
use tokio::time::Instant;

use crate::measures::{self, LeaseName};

/// How long a lease holds that its leader does not renew.
pub const LEASE_DURATION: Duration = Duration::from_secs(15);
/// How long a leader tries to renew before it steps down.
pub const RENEW_DEADLINE: Duration = Duration::from_secs(10);
/// How often the lease is looked at.
pub const RETRY_PERIOD: Duration = Duration::from_secs(2);

/// What to do about the lease.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// There is none: create this one, and lead where that succeeds.
    Create(Value),
    /// It is ours, released or expired: merge this into the lease read, and lead where that succeeds.
    Update(Value),
    /// Another one holds it.
    Wait,
}

/// Decides about one lease. Expiry is counted from when a change of the lease was first seen, by the own clock,
/// so that clocks need not agree.
#[derive(Debug)]
pub struct Elector {
    identity: String,
    namespace: String,
    name: String,
    /// The lease's `spec` as last seen to change, and when.
    observed: Option<(Value, Time)>,
}

impl Elector {
    /// A candidate of this identity for the lease of this name.
    pub fn new(namespace: &str, name: &str, identity: &str) -> Self {
        Self { identity: identity.into(), namespace: namespace.into(), name: name.into(), observed: None }
    }

    /// What to do, given the lease as it is.
    pub fn decide(&mut self, lease: Option<&Value>, now: Time) -> Step {
        let Some(lease) = lease else { return Step::Create(self.lease(now)) };
        let spec = &lease["spec"];
        self.observe(spec, now);
        match spec["holderIdentity"].as_str().unwrap_or_default() {
            holder if holder == self.identity => Step::Update(self.renewed(now)),
            "" => Step::Update(self.taken(spec, now)),
            _ if self.expired(spec, now) => Step::Update(self.taken(spec, now)),
            _ => Step::Wait,
        }
    }

    /// What gives the lease back at once, for an orderly end.
    pub fn release(&self, now: Time) -> Value {
        let time = format_micro_time(now);
        json!({"spec": {"holderIdentity": "", "leaseDurationSeconds": 1, "acquireTime": time, "renewTime": time}})
    }

    fn observe(&mut self, spec: &Value, now: Time) {
        if self.observed.as_ref().is_none_or(|(seen, _)| seen != spec) {
            self.observed = Some((spec.clone(), now));
        }
    }

    fn expired(&self, spec: &Value, now: Time) -> bool {
        let holds = spec["leaseDurationSeconds"].as_i64().unwrap_or(0);
        self.observed.as_ref().is_none_or(|(_, since)| now.as_second() - since.as_second() > holds)
    }

    fn renewed(&self, now: Time) -> Value {
        json!({"spec": {
            "leaseDurationSeconds": LEASE_DURATION.as_secs(),
            "renewTime": format_micro_time(now),
        }})
    }

    fn taken(&self, old: &Value, now: Time) -> Value {
        let transitions = old["leaseTransitions"].as_i64().unwrap_or(0) + 1;
        json!({"spec": {
            "holderIdentity": self.identity,
            "leaseDurationSeconds": LEASE_DURATION.as_secs(),
            "acquireTime": format_micro_time(now),
            "renewTime": format_micro_time(now),
            "leaseTransitions": transitions,
        }})
    }

    fn lease(&self, now: Time) -> Value {
        let mut lease = self.taken(&json!({"leaseTransitions": -1}), now);
        lease["apiVersion"] = "coordination.k8s.io/v1".into();
        lease["kind"] = "Lease".into();
        lease["metadata"] = json!({"namespace": self.namespace, "name": self.name});
        lease
    }
}

/// Who does a component's work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Leadership {
    /// This process: there is no other.
    #[default]
    Held,
    /// Whoever holds this lease.
    Lease {
        /// Namespace of the lease.
        namespace: String,
        /// Name of the lease.
        name: String,
        /// Who we are; no two candidates may have the same.
        identity: String,
    },
}

/// Runs a term whenever we lead, until `shutdown`. A term ends by being dropped.
pub async fn lead<F: Future<Output = ()>>(
    client: &Client,
    kinds: &Kinds,
    leadership: &Leadership,
    term: impl Fn() -> F,
    shutdown: impl Future<Output = ()>,
) {
    let work = async {
        match leadership {
            Leadership::Held => term().await,
            Leadership::Lease { namespace, name, identity } => {
                let Some(kind) = kinds.kind("coordination.k8s.io", "Lease") else {
                    return tracing::error!("there is no kind Lease: nobody can lead");
                };
                let elector = Elector::new(namespace, name, identity);
                Candidate { client, kind, key: Key::new(namespace.as_str(), name.as_str()), elector }
                    .stand(term)
                    .await;
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = shutdown => {}
    }
    if let Leadership::Lease { namespace, name, identity } = leadership {
        release(client, kinds, &Key::new(namespace.as_str(), name.as_str()), identity).await;
    }
}

/// Gives the lease back where it is ours.
async fn release(client: &Client, kinds: &Kinds, key: &Key, identity: &str) {
    let Some(kind) = kinds.kind("coordination.k8s.io", "Lease") else { return };
    let Ok(lease) = client.get(kind, key).await else { return };
    if lease["spec"]["holderIdentity"] == identity {
        let patch = Elector::new(&key.namespace, &key.name, identity).release(Time::now());
        let _given_back_or_expires =
            client.patch(kind, key, None, PatchType::Merge, &as_read(&lease, patch)).await;
    }
}

/// A patch of a lease that fails where it changed since it was read.
fn as_read(lease: &Value, mut patch: Value) -> Value {
    patch["metadata"]["resourceVersion"] = lease["metadata"]["resourceVersion"].clone();
    patch
}

struct Candidate<'a> {
    client: &'a Client,
    kind: &'a Kind,
    key: Key,
    elector: Elector,
}

impl Candidate<'_> {
    /// Stands for election for ever.
    async fn stand<F: Future<Output = ()>>(mut self, term: impl Fn() -> F) {
        loop {
            while !self.try_once().await {
                tokio::time::sleep(RETRY_PERIOD).await;
            }
            tracing::info!(lease = %self.key, "leading");
            let leads = measures::LEADS.get_or_create(&LeaseName { name: self.key.name.clone() }).clone();
            leads.set(1);
            tokio::select! {
                () = term() => {}
                () = self.renew() => {}
            }
            leads.set(0);
            tracing::warn!(lease = %self.key, "not leading any more");
        }
    }

    /// Renews until that has failed for too long, or another one holds the lease.
    async fn renew(&mut self) {
        let mut renewed = Instant::now();
        loop {
            tokio::time::sleep(RETRY_PERIOD).await;
            let left = RENEW_DEADLINE.saturating_sub(renewed.elapsed());
            match tokio::time::timeout(left, self.try_once()).await {
                Ok(true) => renewed = Instant::now(),
                Ok(false) if renewed.elapsed() < RENEW_DEADLINE => {}
                Ok(false) | Err(_) => return,
            }
        }
    }

    /// One look at the lease; whether we hold it now.
    async fn try_once(&mut self) -> bool {
        match self.attempt().await {
            Ok(held) => held,
            Err(error) => {
                tracing::debug!(lease = %self.key, %error, "the lease is out of reach");
                false
            }
        }
    }

    async fn attempt(&mut self) -> Result<bool, Error> {
        let lease = match self.client.get(self.kind, &self.key).await {
            Ok(lease) => Some(lease),
            Err(error) if error.is_not_found() => None,
            Err(error) => return Err(error),
        };
        match self.elector.decide(lease.as_ref(), Time::now()) {
            Step::Wait => return Ok(false),
            Step::Create(lease) => self.client.create(self.kind, &self.key.namespace, &lease).await?,
            Step::Update(patch) => {
                let patch = as_read(&lease.unwrap_or_default(), patch);
                self.client.patch(self.kind, &self.key, None, PatchType::Merge, &patch).await?
            }
        };
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Time {
        Time::from_second(second).unwrap()
    }

    fn held(by: &str, renewed: i64) -> Value {
        json!({"spec": {"holderIdentity": by, "leaseDurationSeconds": 15, "renewTime": renewed, "leaseTransitions": 3}})
    }

    /// What a candidate `me` decides last, after it saw these leases at these seconds.
    fn check(seen: &[(i64, Option<Value>)], expect: &str) {
        let mut elector = Elector::new("kube-system", "manager", "me");
        let mut step = Step::Wait;
        for (second, lease) in seen {
            step = elector.decide(lease.as_ref(), at(*second));
        }
        let told = match &step {
            Step::Wait => "wait".to_owned(),
            Step::Create(lease) => format!("create {}", lease["spec"]["leaseTransitions"]),
            Step::Update(patch) if patch["spec"]["holderIdentity"].is_null() => "renew".to_owned(),
            Step::Update(patch) => format!("take {}", patch["spec"]["leaseTransitions"]),
        };
        assert_eq!(told, expect, "{seen:?}");
    }

    #[test]
    fn the_lease_changes_hands_only_when_free_or_expired() {
        check(&[(0, None)], "create 0");
        check(&[(0, Some(held("me", 0)))], "renew");
        check(&[(0, Some(held("", 0)))], "take 4");
        check(&[(0, Some(held("other", 0)))], "wait");
        check(&[(0, Some(held("other", -100)))], "wait");
        check(&[(0, Some(held("other", 0))), (15, Some(held("other", 0)))], "wait");
        check(&[(0, Some(held("other", 0))), (16, Some(held("other", 0)))], "take 4");
        check(
            &[(0, Some(held("other", 0))), (10, Some(held("other", 10))), (16, Some(held("other", 10)))],
            "wait",
        );
    }
}
