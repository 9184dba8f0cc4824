//! Roles and bindings as they are read; fields that decisions do not need are skipped.

use std::sync::Arc;

use object::{LabelSelector, Labels};
use serde::{Deserialize, Serialize};

use super::GROUP;
use crate::identity::service_account_user;

/// What is allowed: verbs on resources (perhaps of certain names), or on paths.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PolicyRule {
    /// Verbs; `*` is every verb.
    #[serde(deserialize_with = "nullable")]
    pub verbs: Vec<String>,
    /// API groups; `*` is every group.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub api_groups: Vec<String>,
    /// Resources: `pods`, `pods/log`, `*/scale`, `*`.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub resources: Vec<String>,
    /// Names of objects; none is every name.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "nullable")]
    pub resource_names: Vec<String>,
    /// Paths; `*` alone or at the end matches the rest.
    #[serde(
        rename = "nonResourceURLs",
        skip_serializing_if = "Vec::is_empty",
        deserialize_with = "nullable"
    )]
    pub non_resource_urls: Vec<String>,
}

/// A `Role` or `ClusterRole`.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Role {
    pub(super) metadata: Labelled,
    #[serde(deserialize_with = "nullable")]
    pub(super) rules: Vec<PolicyRule>,
    pub(super) aggregation_rule: Option<AggregationRule>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Labelled {
    #[serde(deserialize_with = "nullable")]
    pub(super) labels: Labels,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct AggregationRule {
    #[serde(deserialize_with = "nullable")]
    pub(super) cluster_role_selectors: Vec<LabelSelector>,
}

/// A `RoleBinding` or `ClusterRoleBinding`.
#[derive(Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Binding {
    #[serde(deserialize_with = "nullable")]
    pub(super) subjects: Vec<Subject>,
    pub(super) role_ref: RoleRef,
}

/// The role that a binding grants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct RoleRef {
    pub(super) kind: String,
    pub(super) name: String,
}

impl RoleRef {
    pub(super) fn is_cluster(&self) -> bool {
        self.kind == "ClusterRole"
    }

    /// Plural of the role's resource.
    pub(super) fn resource(&self) -> &'static str {
        if self.is_cluster() { "clusterroles" } else { "roles" }
    }
}

/// Whom a binding grants the role to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Subject {
    pub(super) kind: String,
    api_group: String,
    pub(super) name: String,
    pub(super) namespace: String,
}

/// Where the index keeps a subject.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum SubjectKey {
    /// By user name; service accounts are users.
    User(Arc<str>),
    /// By group.
    Group(Arc<str>),
}

impl Subject {
    /// The key of the subject, for a binding of `namespace`; none if the subject is nobody.
    pub(super) fn key(&self, namespace: &str) -> Option<SubjectKey> {
        let foreign = !self.api_group.is_empty() && self.api_group != GROUP;
        match self.kind.as_str() {
            "User" if !foreign => Some(SubjectKey::User(self.name.as_str().into())),
            "Group" if !foreign => Some(SubjectKey::Group(self.name.as_str().into())),
            "ServiceAccount" if self.api_group.is_empty() => {
                let namespace = if self.namespace.is_empty() { namespace } else { &self.namespace };
                (!namespace.is_empty())
                    .then(|| SubjectKey::User(service_account_user(namespace, &self.name).into()))
            }
            _ => None,
        }
    }

    /// As reasons name it.
    pub(super) fn shown(&self) -> String {
        match self.kind.as_str() {
            "ServiceAccount" => format!("ServiceAccount {:?}", format!("{}/{}", self.name, self.namespace)),
            kind => format!("{kind} {:?}", self.name),
        }
    }
}

/// `null` reads as empty: Go clients send it.
fn nullable<'de, D: serde::Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
