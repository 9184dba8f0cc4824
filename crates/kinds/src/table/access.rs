//! Roles and their bindings, and certificates.

use super::row;
use crate::strategies as rules;
use crate::{Kind, NameRule, Part, columns};

const RBAC: &str = "rbac.authorization.k8s.io";

/// Roles and their bindings, and certificates.
pub(super) fn rows() -> Vec<Kind> {
    let role = |kind, plural| row(RBAC, "v1", kind, plural).create_on_update().named(NameRule::PathSegment);
    vec![
        row("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests")
            .short(&["csr"])
            .cluster()
            .status()
            .part(&Part::APPROVAL)
            .expires_after(86_400)
            .named(NameRule::PathSegment)
            .selectable(&["spec.signerName"])
            .columns(columns::SIGNING_REQUEST)
            .strategy(&rules::CertificateSigningRequest),
        row("certificates.k8s.io", "v1", "ClusterTrustBundle", "clustertrustbundles")
            .cluster()
            .named(NameRule::PathSegment)
            .needs_resource_version()
            .selectable(&["spec.signerName"])
            .columns(columns::TRUST_BUNDLE)
            .strategy(&rules::ClusterTrustBundle),
        row("certificates.k8s.io", "v1", "PodCertificateRequest", "podcertificaterequests")
            .status()
            .needs_resource_version()
            .selectable(&["spec.nodeName", "spec.podName", "spec.signerName"])
            .columns(columns::POD_CERTIFICATE_REQUEST)
            .strategy(&rules::PodCertificateRequest),
        role("Role", "roles").strategy(&rules::Role),
        role("RoleBinding", "rolebindings")
            .columns(columns::BINDING)
            .strategy(&rules::RoleBinding { roles: &["Role", "ClusterRole"] }),
        role("ClusterRole", "clusterroles").cluster().strategy(&rules::ClusterRole),
        role("ClusterRoleBinding", "clusterrolebindings")
            .cluster()
            .columns(columns::BINDING)
            .strategy(&rules::RoleBinding { roles: &["ClusterRole"] }),
    ]
}
