//! Node objects and leases, built from facts.

use std::collections::BTreeMap;

use client::events::ObjectRef;
use object::{Time, Value, format_micro_time, format_time};
use serde_json::json;

use crate::facts::{Finding, Pressures, conditions};

/// The namespace of node leases.
pub const LEASE_NAMESPACE: &str = "kube-node-lease";
/// Seconds for which a lease is good.
pub const LEASE_SECONDS: i64 = 40;

/// What is known of a node; gathered by observation, or made up for fake nodes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NodeFacts {
    /// Name, and host name.
    pub name: String,
    /// Addresses inside the cluster, the first one first.
    pub ips: Vec<String>,
    /// What the node has, by resource.
    pub capacity: BTreeMap<String, String>,
    /// What pods can have of it.
    pub allocatable: BTreeMap<String, String>,
    /// `linux`.
    pub os: String,
    /// `amd64`, `arm64`.
    pub arch: String,
    /// Version of the agent, as `kubelet` reports its own.
    pub version: String,
    /// Runtime and its version, `containerd://1.6.20`.
    pub runtime: String,
    /// Kernel release.
    pub kernel: String,
    /// Name of the operating system.
    pub os_image: String,
    /// Machine id, system UUID and boot id.
    pub ids: [String; 3],
    /// Further labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations that the agent answers for.
    pub annotations: BTreeMap<String, String>,
    /// Port of the node's own server; 0 where it has none.
    pub port: u16,
    /// The addresses of its pods, where it has some already.
    pub pod_cidr: Option<String>,
    /// How it fares.
    pub findings: Vec<Finding>,
}

impl NodeFacts {
    /// A node that exists in name only.
    pub fn fake(name: &str, ip: &str, version: &str, capacity: &BTreeMap<String, String>) -> Self {
        let id = |what: &str| format!("{name}-{what}");
        Self {
            name: name.to_owned(),
            ips: vec![ip.to_owned()],
            capacity: capacity.clone(),
            allocatable: capacity.clone(),
            os: "linux".to_owned(),
            arch: if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }.to_owned(),
            version: version.to_owned(),
            runtime: "fake://0".to_owned(),
            kernel: "fake".to_owned(),
            os_image: "fake".to_owned(),
            ids: [id("machine"), id("system"), id("boot")],
            labels: [("type".to_owned(), "fake".to_owned())].into(),
            annotations: BTreeMap::new(),
            port: 0,
            pod_cidr: None,
            findings: conditions(&Pressures::default(), &[]),
        }
    }

    /// The object to register.
    pub fn node(&self, now: Time) -> Value {
        let spec = match &self.pod_cidr {
            Some(block) => json!({"podCIDR": block, "podCIDRs": [block]}),
            None => json!({}),
        };
        json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": self.metadata(),
            "spec": spec,
            "status": self.status(&[], now),
        })
    }

    /// Name, and the labels and annotations that the agent answers for: also the merge patch that brings those of a
    /// registered node up to date.
    pub fn metadata(&self) -> Value {
        let mut labels = self.labels.clone();
        for (key, value) in [("hostname", &self.name), ("os", &self.os), ("arch", &self.arch)] {
            labels.insert(format!("kubernetes.io/{key}"), value.clone());
        }
        for (key, value) in [("os", &self.os), ("arch", &self.arch)] {
            labels.insert(format!("beta.kubernetes.io/{key}"), value.clone());
        }
        json!({"name": self.name, "labels": labels, "annotations": self.annotations})
    }

    /// The node's status. `old` are the conditions as the API has them, which keep their transition times.
    pub fn status(&self, old: &[Value], now: Time) -> Value {
        let internal = self.ips.iter().map(|ip| json!({"type": "InternalIP", "address": ip}));
        let addresses: Vec<Value> =
            internal.chain([json!({"type": "Hostname", "address": self.name})]).collect();
        let [machine, system, boot] = &self.ids;
        json!({
            "capacity": self.capacity,
            "allocatable": self.allocatable,
            "conditions": self.conditions(old, now),
            "addresses": addresses,
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}},
            "nodeInfo": {
                "machineID": machine, "systemUUID": system, "bootID": boot,
                "kernelVersion": self.kernel, "osImage": self.os_image,
                "containerRuntimeVersion": self.runtime,
                "kubeletVersion": self.version, "kubeProxyVersion": "",
                "operatingSystem": self.os, "architecture": self.arch,
            },
        })
    }

    /// Conditions keep the time of their last change.
    fn conditions(&self, old: &[Value], now: Time) -> Vec<Value> {
        let now = format_time(now);
        let since = |kind: &str, status: &str| {
            let same = old.iter().find(|c| c["type"] == kind && c["status"] == status);
            same.and_then(|c| c["lastTransitionTime"].as_str()).unwrap_or(&now).to_owned()
        };
        let told = |finding: &Finding| {
            let Finding { kind, holds, reason, message } = finding;
            let status = if *holds { "True" } else { "False" };
            json!({
                "type": kind, "status": status, "reason": reason, "message": message,
                "lastHeartbeatTime": now, "lastTransitionTime": since(kind, status),
            })
        };
        self.findings.iter().map(told).collect()
    }
}

/// What events about a node refer to. As with upstream's kubelet, which tells them before it knows more, the UID is the
/// name.
pub fn reference(name: &str) -> ObjectRef {
    ObjectRef {
        api_version: "v1".to_owned(),
        kind: "Node".to_owned(),
        name: name.to_owned(),
        uid: name.to_owned(),
        ..ObjectRef::default()
    }
}

/// A lease held by a node, which owns it.
pub fn lease(name: &str, uid: &str, now: Time) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {
            "name": name, "namespace": LEASE_NAMESPACE,
            "ownerReferences": [{"apiVersion": "v1", "kind": "Node", "name": name, "uid": uid}],
        },
        "spec": lease_spec(name, now),
    })
}

/// The merge patch that renews a node's lease.
pub fn renewal(name: &str, now: Time) -> Value {
    json!({"spec": lease_spec(name, now)})
}

fn lease_spec(name: &str, now: Time) -> Value {
    json!({
        "holderIdentity": name, "leaseDurationSeconds": LEASE_SECONDS,
        "renewTime": format_micro_time(now),
    })
}

#[cfg(test)]
mod tests {
    use object::Time;

    use super::NodeFacts;

    #[test]
    fn conditions_keep_their_transition_time() {
        let facts = NodeFacts::fake("n", "192.0.2.1", "v1", &[("cpu".into(), "4".into())].into());
        let node = facts.node(Time::UNIX_EPOCH);
        assert_eq!(node["metadata"]["labels"]["kubernetes.io/hostname"], "n");
        let later = Time::from_second(300).unwrap();
        let old = node["status"]["conditions"].as_array().unwrap();
        let status = facts.status(old, later);
        let ready = status["conditions"].as_array().unwrap().iter().find(|c| c["type"] == "Ready").unwrap();
        assert_eq!(ready["lastTransitionTime"], "1970-01-01T00:00:00Z");
        assert_eq!(ready["lastHeartbeatTime"], "1970-01-01T00:05:00Z");
        assert_eq!(super::lease("n", "u", later)["spec"]["renewTime"], "1970-01-01T00:05:00.000000Z");
    }
}
