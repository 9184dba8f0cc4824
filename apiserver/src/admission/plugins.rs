//! The plugins in upstream's order (`pkg/kubeapiserver/options/plugins.go`). What others that are on there do is done
//! elsewhere: NamespaceLifecycle by the gate of a namespace and its strategy, CertificateApproval and -Signing with
//! authorization. StorageObjectInUseProtection is not here, as no controller would take its finalizers off.

use kinds::admission::{
    Mutate, Need, Operation, Resource, Validate, default_ingress_class, default_storage_class,
    default_toleration_seconds, limit_ranger, nothing, persistent_volume_claim_resize, priority,
    runtime_class, service_account, taint_nodes_by_condition,
};

use super::certificate_subject_restriction;

/// What a plugin decides about a resource.
pub(super) struct Rule<F> {
    /// As upstream names it.
    pub(super) plugin: &'static str,
    pub(super) resource: Resource,
    pub(super) on: &'static [Operation],
    pub(super) needs: Need,
    pub(super) decide: F,
}

const fn mutate(
    plugin: &'static str,
    resource: Resource,
    on: &'static [Operation],
    needs: Need,
    decide: Mutate,
) -> Rule<Mutate> {
    Rule { plugin, resource, on, needs, decide }
}

const fn validate(
    plugin: &'static str,
    resource: Resource,
    on: &'static [Operation],
    needs: Need,
    decide: Validate,
) -> Rule<Validate> {
    Rule { plugin, resource, on, needs, decide }
}

const NEW: &[Operation] = &[Operation::Create];
const CHANGED: &[Operation] = &[Operation::Update];
const BOTH: &[Operation] = &[Operation::Create, Operation::Update];
const SIZED: &[Operation] = &[Operation::Create, Operation::Resize];

const PODS: Resource = ("", "pods");
const CLAIMS: Resource = ("", "persistentvolumeclaims");
const NODES: Resource = ("", "nodes");
const INGRESSES: Resource = ("networking.k8s.io", "ingresses");
const PRIORITIES: Resource = ("scheduling.k8s.io", "priorityclasses");
const REQUESTS: Resource = ("certificates.k8s.io", "certificatesigningrequests");

/// What completes objects.
#[rustfmt::skip]
pub(super) static MUTATING: [Rule<Mutate>; 9] = [
    mutate("LimitRanger", PODS, SIZED, limit_ranger::needs, limit_ranger::fill),
    mutate("ServiceAccount", PODS, NEW, service_account::needs, service_account::complete),
    mutate("TaintNodesByCondition", NODES, NEW, nothing, taint_nodes_by_condition::taint),
    mutate("Priority", PODS, NEW, priority::needs, priority::resolve),
    mutate("Priority", PODS, CHANGED, nothing, priority::keep),
    mutate("DefaultTolerationSeconds", PODS, BOTH, nothing, default_toleration_seconds::tolerate),
    mutate("DefaultStorageClass", CLAIMS, NEW, default_storage_class::needs, default_storage_class::complete),
    mutate("RuntimeClass", PODS, NEW, runtime_class::needs, runtime_class::complete),
    mutate("DefaultIngressClass", INGRESSES, NEW, default_ingress_class::needs, default_ingress_class::complete),
];

/// What judges them.
#[rustfmt::skip]
pub(super) static VALIDATING: [Rule<Validate>; 6] = [
    validate("LimitRanger", PODS, SIZED, limit_ranger::needs, limit_ranger::check_pod),
    validate("LimitRanger", CLAIMS, BOTH, limit_ranger::needs, limit_ranger::check_claim),
    validate("Priority", PRIORITIES, BOTH, priority::default_class, priority::check_class),
    validate("PersistentVolumeClaimResize", CLAIMS, CHANGED, persistent_volume_claim_resize::needs, persistent_volume_claim_resize::check),
    validate("RuntimeClass", PODS, NEW, runtime_class::needs, runtime_class::check),
    validate("CertificateSubjectRestriction", REQUESTS, NEW, nothing, certificate_subject_restriction::check),
];
