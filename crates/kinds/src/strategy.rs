//! Rules of a kind that data cannot say.

use object::{FieldErrors, Value};

/// A thing that only one object may hold at a time; taken and released in the object's own transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A service address: this one, or any free one of the service range written to `spec.clusterIP(s)`.
    ClusterIp(Option<std::net::IpAddr>),
    /// A node port of `spec.ports[index]`: this one, or any free one of the range.
    NodePort {
        /// Index in `spec.ports`.
        index: usize,
        /// The port asked for.
        port: Option<u16>,
    },
    /// The addresses of a node's pods: these, in CIDR notation, or any free block written to `spec.podCIDR(s)`.
    PodCidr(Option<String>),
}

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
    /// The service account, in the object's namespace, that a new object runs as: it must exist.
    fn service_account<'v>(&self, _object: &'v Value) -> Option<&'v str> {
        None
    }
    /// Completes a new object by what its service account says; `suffix` is random, for names.
    fn run_as(&self, _object: &mut Value, _account: &Value, _suffix: &str) {}
    /// Fields that an update keeps from `old`, or that it computes.
    fn prepare_update(&self, _new: &mut Value, _old: &Value) {}
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
    /// Texts for `Warning` headers.
    fn warnings(&self, _object: &Value) -> Vec<String> {
        Vec::new()
    }
}

/// The strategy of a kind without rules of its own.
pub struct Plain;

impl Strategy for Plain {}
