//! Rules of a kind that data cannot say.

use object::{FieldErrors, Time, Value};

use crate::Part;
use crate::rules::Write;

/// A thing that only one object may hold at a time; taken and released in the object's own transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// The families of a service's addresses: [`crate::settle_families`] writes them before anything is drawn, for
    /// they depend on what the cluster has.
    Families,
    /// `spec.clusterIPs[index]` of a service: this address, or any free one of the family.
    ClusterIp {
        /// Index in `spec.clusterIPs`; `spec.clusterIP` is the first.
        index: usize,
        /// The family that a free one is to be of.
        family: crate::IpFamily,
        /// The address asked for.
        address: Option<std::net::IpAddr>,
    },
    /// The address that the object is named by, be it in a range of services or not.
    Address(std::net::IpAddr),
    /// A node port of `spec.ports[index]`: this one, or any free one of the range.
    NodePort {
        /// Index in `spec.ports`.
        index: usize,
        /// The port asked for.
        port: Option<u16>,
    },
    /// The node port of a service's health checks: this one, or any free one of the range written to
    /// `spec.healthCheckNodePort`.
    HealthPort(Option<u16>),
    /// The addresses of a node's pods: these, in CIDR notation, or any free block written to `spec.podCIDR(s)`.
    PodCidr(Option<String>),
}

/// What a write to `/status` takes of the metadata, unless the kind keeps it.
pub(crate) const METADATA: &[&str] = &["metadata.labels", "metadata.annotations"];

/// Pure rules of a kind; every method has a default that suits a plain kind.
///
/// The pipeline has already decoded, pruned and defaulted by schema, checked metadata and declarative rules,
/// kept `status` apart from the rest, and counted the generation.
pub trait Strategy: Send + Sync {
    /// Defaults that depend on other fields. Must be idempotent.
    fn default(&self, _object: &mut Value) {}
    /// Fields that a creation may not set, or that it computes.
    fn prepare_create(&self, _object: &mut Value) {}
    /// Notes in a new object who sends it; `user` is `authentication.k8s.io/v1` `UserInfo`.
    fn requested_by(&self, _object: &mut Value, _user: &Value) {}
    /// Fields that an update keeps from `old`, or that it computes.
    fn prepare_update(&self, _new: &mut Value, _old: &Value) {}
    /// Paths of the metadata that a write to `/status` leaves as it was; of the kinds without any, it takes labels and
    /// annotations.
    fn status_keeps(&self) -> &'static [&'static str] {
        &[]
    }
    /// Fields that a write to a part of the object keeps from `old`, or that it computes. Who says more than
    /// [`Strategy::keep_of_status`] calls that first.
    fn prepare_part(&self, part: &Part, new: &mut Value, old: &Value, _now: Time) {
        self.keep_of_status(part, new, old);
    }
    /// Makes what [`Strategy::status_keeps`] names what it was.
    fn keep_of_status(&self, part: &Part, new: &mut Value, old: &Value) {
        if *part == Part::STATUS {
            self.status_keeps().iter().for_each(|path| new.keep(path, old));
        }
    }
    /// Rules across fields.
    fn validate(&self, _object: &Value) -> FieldErrors {
        FieldErrors::new()
    }
    /// Rules for a new object alone; [`Strategy::validate`] runs as well.
    fn validate_create(&self, _object: &Value) -> FieldErrors {
        FieldErrors::new()
    }
    /// Rules for the change from `old` (immutable fields); [`Strategy::validate`] runs as well.
    fn validate_update(&self, _new: &Value, _old: &Value) -> FieldErrors {
        FieldErrors::new()
    }
    /// Rules for a write to `/status`.
    fn validate_status(&self, _new: &Value, _old: &Value) -> FieldErrors {
        FieldErrors::new()
    }
    /// Rules for a write to another part of the object; [`Strategy::validate`] runs as well where the part asks for it.
    fn validate_part(&self, _part: &Part, _new: &Value, _old: &Value) -> FieldErrors {
        FieldErrors::new()
    }
    /// What only one object may hold.
    fn claims(&self, _object: &Value) -> Vec<Claim> {
        Vec::new()
    }
    /// Seconds of grace before a deletion, given what the client asked for; `None`: at once.
    fn grace(&self, _object: &Value, _asked: Option<i64>) -> Option<i64> {
        None
    }
    /// Why nobody may delete the object, where that is so.
    fn stays(&self, _object: &Value) -> Option<&'static str> {
        None
    }
    /// Texts for `Warning` headers of a creation, or of an update of `old`.
    fn warnings(&self, _new: &Value, _old: Option<&Value>) -> Vec<String> {
        Vec::new()
    }
    /// Texts for `Warning` headers of a write to `/status`.
    fn status_warnings(&self, _new: &Value) -> Vec<String> {
        Vec::new()
    }
}

/// The strategy of a kind without rules of its own.
pub struct Plain;

impl Strategy for Plain {}
