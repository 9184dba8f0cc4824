//! Pods as the scheduler sees them.

use std::collections::BTreeSet;
use std::sync::Arc;

use object::{Key, Time};
use serde::Deserialize;

use crate::amount::{self, Amounts, CPU, MEMORY, Quantities};
use crate::needs::{HostPort, Namespaces, Needs, NodeTerm, PodMatch, PodTerm, Spread, Toleration, Weight};
use crate::selector::{LabelSelectorDoc, Labels, Requirement, Selector};

/// The fields of a pod that the scheduler reads.
#[derive(Clone, Debug, Default)]
pub struct PodView {
    /// Namespace and name.
    pub key: Key,
    /// UID.
    pub uid: Arc<str>,
    /// Labels.
    pub labels: Labels,
    /// `spec.priority`.
    pub priority: i32,
    /// Creation time.
    pub created: Option<Time>,
    /// The node it is bound to; empty while pending.
    pub node: String,
    /// Succeeded or failed: occupies nothing.
    pub finished: bool,
    /// Deletion was asked for.
    pub terminating: bool,
    /// `spec.schedulerName`.
    pub scheduler: String,
    /// Has scheduling gates: waits until they are lifted.
    pub gated: bool,
    /// Reason and message of a `PodScheduled=False` condition.
    pub told: Option<Told>,
    /// What it asks of a node; shared among pods of a class.
    pub needs: Arc<Needs>,
}

/// What a pod's `PodScheduled=False` condition says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `Unschedulable` or `SchedulingGated`.
    pub reason: String,
    /// The sentence.
    pub message: String,
}

impl PodView {
    /// Reads the view from a served document.
    pub fn decode(document: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice::<PodDoc>(document).map(PodDoc::into_view)
    }
}

impl PodMatch {
    /// Whether the pod is meant; `namespace_labels` gives the labels of a namespace.
    pub fn matches<'a>(
        &self,
        namespace: &str,
        labels: &Labels,
        namespace_labels: impl FnOnce() -> Option<&'a Labels>,
    ) -> bool {
        let Some(selector) = &self.selector else { return false };
        let within = self.namespaces.names.contains(namespace)
            || self.namespaces.selector.as_ref().is_some_and(|s| {
                s.0.is_empty() || namespace_labels().is_some_and(|labels| s.matches(labels))
            });
        within && selector.matches(labels)
    }
}

#[derive(Deserialize)]
struct PodDoc {
    metadata: MetaDoc,
    #[serde(default)]
    spec: SpecDoc,
    #[serde(default)]
    status: StatusDoc,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MetaDoc {
    name: String,
    namespace: String,
    uid: String,
    labels: Labels,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct StatusDoc {
    phase: String,
    conditions: Vec<ConditionDoc>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ConditionDoc {
    #[serde(rename = "type")]
    kind: String,
    status: String,
    reason: String,
    message: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SpecDoc {
    node_name: String,
    scheduler_name: String,
    scheduling_gates: Vec<serde::de::IgnoredAny>,
    priority: Option<i32>,
    containers: Vec<ContainerDoc>,
    init_containers: Vec<ContainerDoc>,
    overhead: Quantities,
    resources: Option<ResourcesDoc>,
    node_selector: Labels,
    affinity: Option<AffinityDoc>,
    tolerations: Vec<Toleration>,
    topology_spread_constraints: Vec<SpreadDoc>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerDoc {
    resources: ResourcesDoc,
    restart_policy: Option<String>,
    ports: Vec<PortDoc>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourcesDoc {
    requests: Quantities,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PortDoc {
    host_port: u16,
    #[serde(rename = "hostIP")]
    host_ip: String,
    protocol: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AffinityDoc {
    node_affinity: Option<NodeAffinityDoc>,
    pod_affinity: Option<PodAffinityDoc>,
    pod_anti_affinity: Option<PodAffinityDoc>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct NodeAffinityDoc {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    required: Option<NodeSelectorDoc>,
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    preferred: Vec<PreferredNodeDoc>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeSelectorDoc {
    node_selector_terms: Vec<NodeTermDoc>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct NodeTermDoc {
    match_expressions: Vec<Requirement>,
    match_fields: Vec<Requirement>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PreferredNodeDoc {
    weight: i64,
    preference: NodeTermDoc,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PodAffinityDoc {
    #[serde(rename = "requiredDuringSchedulingIgnoredDuringExecution")]
    required: Vec<PodTermDoc>,
    #[serde(rename = "preferredDuringSchedulingIgnoredDuringExecution")]
    preferred: Vec<PreferredPodDoc>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PodTermDoc {
    label_selector: Option<LabelSelectorDoc>,
    namespaces: BTreeSet<String>,
    namespace_selector: Option<LabelSelectorDoc>,
    topology_key: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct PreferredPodDoc {
    weight: i64,
    pod_affinity_term: PodTermDoc,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SpreadDoc {
    max_skew: i64,
    topology_key: String,
    when_unsatisfiable: String,
    label_selector: Option<LabelSelectorDoc>,
    match_label_keys: Vec<String>,
    min_domains: Option<i64>,
    node_affinity_policy: Option<String>,
    node_taints_policy: Option<String>,
}

impl PodDoc {
    fn into_view(self) -> PodView {
        let Self { metadata, spec, status } = self;
        let told = status
            .conditions
            .into_iter()
            .find(|c| c.kind == "PodScheduled" && c.status == "False")
            .map(|c| Told { reason: c.reason, message: c.message });
        PodView {
            priority: spec.priority.unwrap_or(0),
            created: metadata.creation_timestamp,
            node: spec.node_name.clone(),
            finished: matches!(status.phase.as_str(), "Succeeded" | "Failed"),
            terminating: metadata.deletion_timestamp.is_some(),
            scheduler: spec.scheduler_name.clone(),
            gated: !spec.scheduling_gates.is_empty(),
            told,
            needs: Arc::new(spec.into_needs(&metadata.namespace, &metadata.labels)),
            key: Key::new(metadata.namespace, metadata.name),
            uid: metadata.uid.into(),
            labels: metadata.labels,
        }
    }
}

impl SpecDoc {
    fn into_needs(self, namespace: &str, labels: &Labels) -> Needs {
        let mut requests = self.requests(|container| amount::amounts(&container.resources.requests));
        let weights = self.requests(weigh);
        requests.retain(|_, amount| *amount != 0);
        let weight = Weight {
            cpu: weights.get(CPU).copied().unwrap_or(0),
            memory: weights.get(MEMORY).copied().unwrap_or(0),
        };
        let ports = self.ports();
        let affinity = self.affinity.unwrap_or_default();
        let nodes = affinity.node_affinity.unwrap_or_default();
        let pods = affinity.pod_affinity.unwrap_or_default();
        let anti = affinity.pod_anti_affinity.unwrap_or_default();
        let (hard, soft): (Vec<_>, Vec<_>) = self
            .topology_spread_constraints
            .into_iter()
            .partition(|s| s.when_unsatisfiable != "ScheduleAnyway");
        let spread =
            |docs: Vec<SpreadDoc>| docs.into_iter().map(|s| s.into_spread(namespace, labels)).collect();
        let terms = |docs: Vec<PodTermDoc>| docs.into_iter().map(|t| t.into_term(namespace)).collect();
        let weighted = |docs: Vec<PreferredPodDoc>, sign: i64| {
            docs.into_iter().map(move |p| (sign * p.weight, p.pod_affinity_term.into_term(namespace)))
        };
        Needs {
            requests,
            weight,
            node_name: None,
            node_selector: Selector(
                self.node_selector.iter().map(|(k, v)| Requirement::equals(k, v)).collect(),
            ),
            node_terms: nodes
                .required
                .map(|r| r.node_selector_terms.into_iter().map(NodeTerm::from).collect()),
            preferred_nodes: nodes.preferred.into_iter().map(|p| (p.weight, p.preference.into())).collect(),
            tolerations: self.tolerations,
            ports,
            affinity: terms(pods.required),
            anti_affinity: terms(anti.required),
            preferred_pods: weighted(pods.preferred, 1).chain(weighted(anti.preferred, -1)).collect(),
            spread: spread(hard),
            preferred_spread: spread(soft),
        }
    }

    /// The most that runs at once: containers with sidecars, or an init container with the sidecars before it.
    fn requests(&self, of: impl Fn(&ContainerDoc) -> Amounts) -> Amounts {
        let mut sidecars = Amounts::new();
        let mut starting = Amounts::new();
        for container in &self.init_containers {
            let mut now = sidecars.clone();
            amount::add(&mut now, &of(container));
            amount::raise(&mut starting, &now);
            if container.is_sidecar() {
                sidecars = now;
            }
        }
        let mut total = sidecars;
        for container in &self.containers {
            amount::add(&mut total, &of(container));
        }
        amount::raise(&mut total, &starting);
        if let Some(pod) = &self.resources {
            total.extend(amount::amounts(&pod.requests));
        }
        amount::add(&mut total, &amount::amounts(&self.overhead));
        total
    }

    fn ports(&self) -> Vec<HostPort> {
        let sidecars = self.init_containers.iter().filter(|c| c.is_sidecar());
        let ports = self.containers.iter().chain(sidecars).flat_map(|c| &c.ports);
        let mut ports: Vec<_> = ports.filter(|p| p.host_port != 0).map(PortDoc::host_port).collect();
        ports.sort();
        ports.dedup();
        ports
    }
}

/// A container's requests as scores count them.
fn weigh(container: &ContainerDoc) -> Amounts {
    const CPU_DEFAULT: i64 = 100;
    const MEMORY_DEFAULT: i64 = 200 * 1024 * 1024;
    let mut amounts = amount::amounts(&container.resources.requests);
    amounts.entry(CPU.to_owned()).or_insert(CPU_DEFAULT);
    amounts.entry(MEMORY.to_owned()).or_insert(MEMORY_DEFAULT);
    amounts
}

impl ContainerDoc {
    fn is_sidecar(&self) -> bool {
        self.restart_policy.as_deref() == Some("Always")
    }
}

impl PortDoc {
    fn host_port(&self) -> HostPort {
        let or =
            |text: &str, default: &str| if text.is_empty() { default.to_owned() } else { text.to_owned() };
        HostPort {
            ip: or(&self.host_ip, "0.0.0.0"),
            protocol: or(&self.protocol, "TCP"),
            port: self.host_port,
        }
    }
}

impl From<NodeTermDoc> for NodeTerm {
    fn from(doc: NodeTermDoc) -> Self {
        Self { labels: doc.match_expressions, fields: doc.match_fields }
    }
}

impl PodTermDoc {
    fn into_term(self, namespace: &str) -> PodTerm {
        let mut names = self.namespaces;
        if names.is_empty() && self.namespace_selector.is_none() {
            names.insert(namespace.to_owned());
        }
        let namespaces = Namespaces { names, selector: self.namespace_selector.map(Selector::from) };
        let who = PodMatch { namespaces, selector: self.label_selector.map(Selector::from) };
        PodTerm { who, topology: self.topology_key }
    }
}

impl SpreadDoc {
    fn into_spread(self, namespace: &str, labels: &Labels) -> Spread {
        let mut selector = self.label_selector.map(Selector::from);
        if let Some(selector) = &mut selector {
            let keys = self.match_label_keys.into_iter();
            selector.0.extend(keys.filter_map(|key| labels.get(&key).map(|v| Requirement::equals(&key, v))));
            selector.0.sort();
            selector.0.dedup();
        }
        let namespaces = Namespaces { names: [namespace.to_owned()].into(), selector: None };
        Spread {
            who: PodMatch { namespaces, selector },
            topology: self.topology_key,
            max_skew: self.max_skew,
            min_domains: self.min_domains.unwrap_or(1),
            honor_affinity: self.node_affinity_policy.as_deref() != Some("Ignore"),
            honor_taints: self.node_taints_policy.as_deref() == Some("Honor"),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::PodView;

    fn container(cpu: &str) -> serde_json::Value {
        json!({"name": "c", "resources": {"requests": {"cpu": cpu}}})
    }

    fn cpu(spec: serde_json::Value) -> i64 {
        let pod = json!({"metadata": {"name": "p", "namespace": "d", "uid": "u"}, "spec": spec});
        PodView::decode(pod.to_string().as_bytes()).unwrap().needs.requests["cpu"]
    }

    #[test]
    fn requests_are_the_most_that_runs_at_once() {
        let mut sidecar = container("300m");
        sidecar["restartPolicy"] = "Always".into();
        let two = json!([container("100m"), container("200m")]);
        assert_eq!(cpu(json!({"containers": two})), 300);
        assert_eq!(cpu(json!({"containers": two, "initContainers": [container("1")]})), 1000);
        assert_eq!(cpu(json!({"containers": two, "initContainers": [sidecar, container("1")]})), 1300);
        assert_eq!(cpu(json!({"containers": two, "initContainers": [container("1"), sidecar]})), 1000);
        assert_eq!(cpu(json!({"containers": two, "overhead": {"cpu": "50m"}})), 350);
        assert_eq!(cpu(json!({"containers": two, "resources": {"requests": {"cpu": "2"}}})), 2000);
    }

    #[test]
    fn reads_what_placing_needs() {
        let pod = json!({
            "metadata": {"name": "p", "namespace": "d", "uid": "u", "labels": {"app": "x"}},
            "spec": {"priority": 5, "schedulerName": "default-scheduler", "schedulingGates": [{"name": "g"}],
                "containers": [{"name": "c", "ports": [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]}],
                "tolerations": [{"operator": "Exists"}],
                "affinity": {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution":
                    [{"topologyKey": "zone", "labelSelector": {"matchLabels": {"app": "x"}}}]}},
                "topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "zone",
                    "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}, "matchLabelKeys": ["app"]}]},
            "status": {"conditions": [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]}});
        let pod = PodView::decode(pod.to_string().as_bytes()).unwrap();
        assert!(pod.gated && pod.needs.looks_at_pods());
        assert_eq!(pod.needs.ports[0].ip, "0.0.0.0");
        assert_eq!(pod.needs.spread[0].who.selector, pod.needs.anti_affinity[0].who.selector);
        assert!(pod.needs.anti_affinity[0].who.matches("d", &pod.labels, || None));
        assert!(!pod.needs.anti_affinity[0].who.matches("e", &pod.labels, || None));
        assert_eq!(pod.told.unwrap().reason, "SchedulingGated");
        assert_eq!(pod.needs.weight.cpu, 100);
    }
}
