//! What every cluster has: namespaces, nodes, configuration, accounts, events, limits.

use super::{PROXIED, PROXY, row};
use crate::strategies as rules;
use crate::{Kind, NameRule, Part, Verb, columns};

const EVENT_FIELDS: &[&str] = &[
    "involvedObject.apiVersion",
    "involvedObject.fieldPath",
    "involvedObject.kind",
    "involvedObject.name",
    "involvedObject.namespace",
    "involvedObject.resourceVersion",
    "involvedObject.uid",
    "reason",
    "reportingComponent",
    "source",
    "type",
];

/// What every cluster has: namespaces, nodes, configuration, accounts, events, limits.
pub(super) fn rows() -> Vec<Kind> {
    vec![
        row("", "v1", "Namespace", "namespaces")
            .short(&["ns"])
            .cluster()
            .without(Verb::DeleteCollection)
            .status()
            .part(&Part::FINALIZE)
            .named(NameRule::Label)
            .selectable(&["status.phase"])
            .returns_deleted()
            .columns(columns::NAMESPACE)
            .strategy(&rules::Namespace),
        row("", "v1", "Node", "nodes")
            .short(&["no"])
            .cluster()
            .claims()
            .status()
            .status_on_create()
            .connect("proxy", "NodeProxyOptions", PROXIED, PROXY)
            .selectable(&["spec.unschedulable"])
            .columns(columns::NODE)
            .strategy(&rules::Node),
        row("", "v1", "ConfigMap", "configmaps")
            .short(&["cm"])
            .columns(columns::CONFIG_MAP)
            .strategy(&rules::ConfigMap),
        row("", "v1", "Secret", "secrets")
            .selectable(&["type"])
            .fixed_first()
            .columns(columns::SECRET)
            .strategy(&rules::Secret),
        row("", "v1", "ServiceAccount", "serviceaccounts")
            .short(&["sa"])
            .needs_resource_version()
            .call("token", "authentication.k8s.io/v1", "TokenRequest")
            .returns_deleted()
            .columns(columns::SERVICE_ACCOUNT)
            .strategy(&rules::ServiceAccount),
        row("", "v1", "Event", "events")
            .short(&["ev"])
            .create_on_update()
            .volatile()
            .expires_after(3600)
            .selectable(EVENT_FIELDS)
            .renamed(&[("source", "source.component"), ("source", "reportingComponent")])
            .columns(columns::EVENT)
            .strategy(&rules::Event),
        row("", "v1", "LimitRange", "limitranges")
            .short(&["limits"])
            .create_on_update()
            .strategy(&rules::LimitRange),
        row("", "v1", "ResourceQuota", "resourcequotas")
            .short(&["quota"])
            .status()
            .returns_deleted()
            .columns(columns::RESOURCE_QUOTA)
            .strategy(&rules::ResourceQuota),
        row("", "v1", "ComponentStatus", "componentstatuses")
            .short(&["cs"])
            .cluster()
            .observed()
            .deprecated("v1.19", "")
            .columns(columns::COMPONENT_STATUS),
    ]
}
