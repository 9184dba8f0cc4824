//! What extends the API: webhooks and policies, custom resources, other servers.

use super::row;
use crate::kind::plain;
use crate::schema::schema;
use crate::strategies as rules;
use crate::{Kind, NameRule, columns};

const ADMISSION: &str = "admissionregistration.k8s.io";

/// What extends the API: webhooks and policies, custom resources, other servers.
pub(super) fn rows() -> Vec<Kind> {
    let mut rows = admission();
    rows.extend([
        extension(of("apiextensions-apiserver", "apiextensions", "CustomResourceDefinition"))
            .short(&["crd", "crds"])
            .generation()
            .status()
            .strategy(&rules::CustomResourceDefinition),
        extension(of("kube-aggregator", "apiregistration", "APIService"))
            .status()
            .named(NameRule::PathSegment)
            .columns(columns::API_SERVICE)
            .strategy(&rules::ApiService),
    ]);
    rows
}

/// Webhooks and policies.
fn admission() -> Vec<Kind> {
    let row = |kind, plural| extension(row(ADMISSION, "v1", kind, plural)).generation();
    vec![
        row("ValidatingWebhookConfiguration", "validatingwebhookconfigurations")
            .columns(columns::WEBHOOKS)
            .strategy(&rules::Webhooks),
        row("MutatingWebhookConfiguration", "mutatingwebhookconfigurations")
            .columns(columns::WEBHOOKS)
            .strategy(&rules::Webhooks),
        row("ValidatingAdmissionPolicy", "validatingadmissionpolicies")
            .status()
            .columns(columns::VALIDATING_POLICY)
            .strategy(&rules::ValidatingAdmissionPolicy),
        row("ValidatingAdmissionPolicyBinding", "validatingadmissionpolicybindings")
            .columns(columns::POLICY_BINDING)
            .strategy(&rules::ValidatingAdmissionPolicyBinding),
        row("MutatingAdmissionPolicy", "mutatingadmissionpolicies")
            .columns(columns::MUTATING_POLICY)
            .strategy(&rules::MutatingAdmissionPolicy),
        row("MutatingAdmissionPolicyBinding", "mutatingadmissionpolicybindings")
            .columns(columns::POLICY_BINDING)
            .strategy(&rules::MutatingAdmissionPolicyBinding),
    ]
}

/// What all that extends the API has in common.
fn extension(row: Kind) -> Kind {
    row.cluster().category("api-extensions").needs_resource_version()
}

/// A row of a kind that is defined by a server of its own.
fn of(server: &str, package: &str, kind: &str) -> Kind {
    let full = format!("io.k8s.{server}.pkg.apis.{package}.v1.{kind}");
    let (group, plural) = (format!("{package}.k8s.io"), format!("{}s", kind.to_lowercase()));
    plain(&group, "v1", kind, &plural, schema(&full)).columns(columns::PLAIN)
}
