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
