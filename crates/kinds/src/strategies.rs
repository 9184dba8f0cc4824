//! Rules of kinds that data cannot say, one file per kind or family.

mod access;
mod admission;
mod api_service;
mod attachment;
mod autoscaler;
mod claim;
mod classes;
mod config_map;
mod cron_job;
mod csi;
mod custom_resource;
mod daemon_set;
mod deployment;
mod devices;
mod disruption;
mod endpoints;
mod event;
mod flow;
mod ingress;
mod ip_address;
mod job;
mod limits;
mod migration;
mod namespace;
mod network_policy;
mod node;
mod pod;
mod pod_certificate;
mod pod_spec;
mod quota;
mod replica_set;
mod replication_controller;
mod reviews;
mod revision;
mod secret;
mod service;
mod service_account;
mod signing_request;
mod stateful_set;
mod storage_class;
mod trust_bundle;
mod volume;

pub(crate) use access::{ClusterRole, Role, RoleBinding};
pub(crate) use admission::{
    MutatingAdmissionPolicy, MutatingAdmissionPolicyBinding, ValidatingAdmissionPolicy,
    ValidatingAdmissionPolicyBinding, Webhooks,
};
pub(crate) use api_service::ApiService;
pub(crate) use attachment::VolumeAttachment;
pub(crate) use autoscaler::HorizontalPodAutoscaler;
pub(crate) use claim::PersistentVolumeClaim;
pub use classes::SYSTEM_PRIORITIES;
pub(crate) use classes::{PriorityClass, RuntimeClass};
pub(crate) use config_map::ConfigMap;
pub(crate) use cron_job::CronJob;
pub(crate) use csi::{CsiDriver, CsiNode, CsiStorageCapacity};
pub(crate) use custom_resource::CustomResourceDefinition;
pub(crate) use daemon_set::DaemonSet;
pub(crate) use deployment::Deployment;
pub(crate) use devices::{DeviceClass, DeviceTaintRule, ResourceClaim, ResourceClaimTemplate, ResourceSlice};
pub(crate) use disruption::PodDisruptionBudget;
pub(crate) use endpoints::{EndpointSlice, Endpoints};
pub(crate) use event::{Event, StrictEvent};
pub(crate) use flow::{FlowSchema, PriorityLevelConfiguration};
pub(crate) use ingress::{Ingress, IngressClass};
pub(crate) use ip_address::{IpAddress, ServiceCidr};
pub(crate) use job::Job;
pub(crate) use limits::LimitRange;
pub(crate) use migration::StorageVersionMigration;
pub(crate) use namespace::Namespace;
pub(crate) use network_policy::NetworkPolicy;
pub(crate) use node::Node;
pub(crate) use pod::Pod;
pub(crate) use pod_certificate::PodCertificateRequest;
pub(crate) use quota::ResourceQuota;
pub(crate) use replica_set::ReplicaSet;
pub(crate) use replication_controller::ReplicationController;
pub(crate) use reviews::{
    Binding, Lease, LocalSubjectAccessReview, SelfSubjectAccessReview, SubjectAccessReview,
};
pub(crate) use revision::{ControllerRevision, PodTemplate};
pub(crate) use secret::Secret;
pub(crate) use service::Service;
pub use service::{IpFamily, settle_families};
pub(crate) use service_account::ServiceAccount;
pub(crate) use signing_request::CertificateSigningRequest;
pub(crate) use stateful_set::StatefulSet;
pub(crate) use storage_class::{StorageClass, VolumeAttributesClass};
pub(crate) use trust_bundle::ClusterTrustBundle;
pub(crate) use volume::PersistentVolume;

#[cfg(test)]
mod tests;
