//! Rules of kinds that data cannot say, one file per kind or family.

mod access;
mod claim;
mod classes;
mod config_map;
mod deployment;
mod disruption;
mod endpoints;
mod event;
mod limits;
mod namespace;
mod node;
mod pod;
mod pod_spec;
mod replica_set;
mod reviews;
mod revision;
mod secret;
mod service;
mod signing_request;
mod volume;

pub(crate) use access::{ClusterRole, Role, RoleBinding};
pub(crate) use claim::PersistentVolumeClaim;
pub(crate) use classes::{PriorityClass, RuntimeClass, StorageClass};
pub(crate) use config_map::ConfigMap;
pub(crate) use deployment::Deployment;
pub(crate) use disruption::PodDisruptionBudget;
pub(crate) use endpoints::{EndpointSlice, Endpoints};
pub(crate) use event::Event;
pub(crate) use limits::{LimitRange, ResourceQuota};
pub(crate) use namespace::Namespace;
pub(crate) use node::Node;
pub(crate) use pod::Pod;
pub(crate) use replica_set::ReplicaSet;
pub(crate) use reviews::{
    Binding, Lease, LocalSubjectAccessReview, SelfSubjectAccessReview, SubjectAccessReview,
};
pub(crate) use revision::{ControllerRevision, PodTemplate};
pub(crate) use secret::Secret;
pub(crate) use service::Service;
pub(crate) use signing_request::CertificateSigningRequest;
pub(crate) use volume::PersistentVolume;

#[cfg(test)]
mod tests;
