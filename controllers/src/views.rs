//! Views: the fields of each kind that the controllers read.

use std::collections::BTreeMap;

use cache::View;
use object::{Meta, Value};
use serde::{Deserialize, Deserializer, Serialize};

use crate::selector::Selector;

/// Declares a view struct with `metadata`, and its kind.
macro_rules! view {
    (
        $(#[$doc:meta])* $name:ident of $group:literal $kind:literal
        { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub(crate) struct $name {
            pub(crate) metadata: Meta,
            $($(#[$attribute])* pub(crate) $field: $type,)*
        }

        impl View for $name {
            const GROUP: &'static str = $group;
            const KIND: &'static str = $kind;

            fn decode(document: &[u8]) -> Result<Self, serde_json::Error> {
                serde_json::from_slice(document)
            }

            fn meta(&self) -> &Meta {
                &self.metadata
            }
        }
    };
}

/// Declares a part of a view.
macro_rules! part {
    ($(#[$doc:meta])* $name:ident { $($(#[$attribute:meta])* $field:ident: $type:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Deserialize)]
        #[serde(rename_all = "camelCase", default)]
        pub(crate) struct $name {
            $($(#[$attribute])* pub(crate) $field: $type,)*
        }
    };
}

/// A list that is written as null where it is empty.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A condition of any kind; times stay as they are written.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Condition {
    #[serde(rename = "type")]
    pub(crate) kind: String,
    pub(crate) status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) observed_generation: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_heartbeat_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_probe_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_update_time: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) last_transition_time: Option<String>,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) reason: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) message: String,
}

impl Condition {
    /// The condition of this type.
    pub(crate) fn find<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
        conditions.iter().find(|c| c.kind == kind)
    }

    /// The conditions as JSON; null where there are none, as upstream leaves the field out.
    pub(crate) fn to_value(conditions: &[Condition]) -> Value {
        if conditions.is_empty() { Value::Null } else { serde_json::json!(conditions) }
    }
}

view!(
    /// A pod.
    Pod of "" "Pod" { spec: PodSpec, status: PodStatus }
);
part!(
    PodSpec {
        node_name: String,
        hostname: String,
        subdomain: String,
        containers: Box<[Container]>,
        init_containers: Box<[Container]>,
        tolerations: Box<[Toleration]>,
    }
);
part!(
    /// A container, of which only the ports are read, and whether an init container is a sidecar.
    Container { restart_policy: String, ports: Box<[ContainerPort]> }
);
part!(ContainerPort { name: String, container_port: i32, protocol: String });
part!(
    PodStatus {
        phase: String,
        #[serde(rename = "podIP")]
        pod_ip: String,
        #[serde(rename = "podIPs")]
        pod_ips: Box<[PodIp]>,
        conditions: Box<[Condition]>,
        container_statuses: Box<[ContainerStatus]>,
        init_container_statuses: Box<[ContainerStatus]>,
    }
);
part!(PodIp { ip: String });
part!(ContainerStatus { restart_count: i64 });
part!(
    /// `spec.tolerations[*]`.
    Toleration {
        key: String,
        operator: String,
        value: String,
        effect: String,
        toleration_seconds: Option<i64>,
    }
);

view!(
    /// A replica set.
    ReplicaSet of "apps" "ReplicaSet" { spec: ReplicaSetSpec, status: ReplicaSetStatus }
);
part!(
    ReplicaSetSpec {
        replicas: Option<i64>,
        min_ready_seconds: i64,
        selector: Selector,
        template: Value,
    }
);
part!(
    ReplicaSetStatus {
        replicas: i64,
        fully_labeled_replicas: i64,
        ready_replicas: i64,
        available_replicas: i64,
        terminating_replicas: Option<i64>,
        observed_generation: i64,
        conditions: Vec<Condition>,
    }
);

view!(
    /// A deployment.
    Deployment of "apps" "Deployment" { spec: DeploymentSpec, status: DeploymentStatus }
);
part!(
    DeploymentSpec {
        replicas: Option<i64>,
        selector: Selector,
        template: Value,
        strategy: DeploymentStrategy,
        min_ready_seconds: i64,
        revision_history_limit: Option<i64>,
        paused: bool,
        progress_deadline_seconds: Option<i64>,
    }
);
part!(DeploymentStrategy {
    #[serde(rename = "type")]
    kind: String,
    rolling_update: RollingUpdate,
});
part!(RollingUpdate { max_surge: Value, max_unavailable: Value });
part!(
    DeploymentStatus {
        observed_generation: i64,
        replicas: i64,
        updated_replicas: i64,
        ready_replicas: i64,
        available_replicas: i64,
        unavailable_replicas: i64,
        terminating_replicas: Option<i64>,
        collision_count: Option<i64>,
        conditions: Vec<Condition>,
    }
);

view!(
    /// A node.
    Node of "" "Node" { spec: NodeSpec, status: NodeStatus }
);
part!(NodeSpec { taints: Vec<Taint>, unschedulable: bool });
part!(NodeStatus { conditions: Vec<Condition> });

/// `spec.taints[*]` of a node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Taint {
    pub(crate) key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) value: String,
    pub(crate) effect: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) time_added: Option<String>,
}

view!(
    /// A lease.
    Lease of "coordination.k8s.io" "Lease" { spec: LeaseSpec }
);
part!(LeaseSpec { renew_time: Option<String> });

view!(
    /// A namespace.
    Namespace of "" "Namespace" { spec: NamespaceSpec, status: NamespaceStatus }
);
part!(NamespaceSpec { finalizers: Vec<String> });
part!(NamespaceStatus { conditions: Vec<Condition> });

view!(
    /// A service account.
    ServiceAccount of "" "ServiceAccount" {}
);

view!(
    /// A config map, of which only a CA bundle is read.
    ConfigMap of "" "ConfigMap" { data: ConfigMapData }
);
part!(
    ConfigMapData {
        #[serde(rename = "ca.crt")]
        ca: Option<String>,
    }
);

view!(
    /// A service.
    Service of "" "Service" { spec: ServiceSpec }
);
part!(
    ServiceSpec {
        #[serde(rename = "type")]
        kind: String,
        selector: BTreeMap<String, String>,
        #[serde(rename = "clusterIP")]
        cluster_ip: String,
        #[serde(rename = "clusterIPs")]
        cluster_ips: Vec<String>,
        ip_families: Vec<String>,
        ports: Vec<ServicePort>,
        publish_not_ready_addresses: bool,
    }
);
part!(
    /// `spec.ports[*]` of a service.
    ServicePort {
        name: String,
        protocol: String,
        app_protocol: Option<String>,
        port: i32,
        target_port: Value,
    }
);

view!(
    /// The object of an address.
    IpAddress of "networking.k8s.io" "IPAddress" { spec: IpAddressSpec }
);
part!(IpAddressSpec { parent_ref: ParentRef });
part!(
    /// Whose an address is.
    ParentRef { group: String, resource: String, namespace: String, name: String }
);

view!(
    /// Blocks of addresses of services.
    ServiceCidr of "networking.k8s.io" "ServiceCIDR" { spec: ServiceCidrSpec, status: ServiceCidrStatus }
);
part!(ServiceCidrSpec { cidrs: Vec<String> });
part!(ServiceCidrStatus { conditions: Vec<Condition> });

view!(
    /// An endpoint slice.
    EndpointSlice of "discovery.k8s.io" "EndpointSlice" {
        address_type: String,
        #[serde(deserialize_with = "nullable")]
        ports: Vec<EndpointPort>,
        #[serde(deserialize_with = "nullable")]
        endpoints: Vec<Endpoint>,
    }
);

/// `ports[*]` of an endpoint slice.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct EndpointPort {
    /// Written even where it is empty, as upstream does.
    pub(crate) name: String,
    pub(crate) port: i32,
    pub(crate) protocol: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) app_protocol: Option<String>,
}

/// `endpoints[*]` of an endpoint slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Endpoint {
    pub(crate) addresses: Vec<String>,
    pub(crate) conditions: EndpointConditions,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hostname: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) node_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_ref: Option<TargetRef>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) zone: Option<String>,
}

/// `endpoints[*].conditions` of an endpoint slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct EndpointConditions {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ready: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) serving: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) terminating: Option<bool>,
}

/// `endpoints[*].targetRef` of an endpoint slice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TargetRef {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) uid: String,
}
