//! What a pod asks of a node: the part of its spec that placing reads. Pods with equal needs form a class.

use std::collections::BTreeSet;

use crate::amount::Amounts;
use crate::selector::{Labels, Requirement, Selector};

/// The scheduling-relevant spec of a pod, comparable and hashable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Needs {
    /// Requested resources, without the pod itself; amounts of zero are left out.
    pub requests: Amounts,
    /// Processor and memory as scores count them: containers without a request count a default.
    pub weight: Weight,
    /// The one node the pod may run on, if it names one.
    pub node_name: Option<String>,
    /// `spec.nodeSelector`.
    pub node_selector: Selector,
    /// Required node affinity: one of the terms must match.
    pub node_terms: Option<Vec<NodeTerm>>,
    /// Preferred node affinity, with weights.
    pub preferred_nodes: Vec<(i64, NodeTerm)>,
    /// Tolerations.
    pub tolerations: Vec<Toleration>,
    /// Ports of the host.
    pub ports: Vec<HostPort>,
    /// Required pod affinity: all terms must hold.
    pub affinity: Vec<PodTerm>,
    /// Required pod anti-affinity: no term may match.
    pub anti_affinity: Vec<PodTerm>,
    /// Preferred pod affinity; negative weights are anti-affinity.
    pub preferred_pods: Vec<(i64, PodTerm)>,
    /// Spread constraints that must hold (`DoNotSchedule`).
    pub spread: Vec<Spread>,
    /// Spread constraints that should hold (`ScheduleAnyway`).
    pub preferred_spread: Vec<Spread>,
}

impl Needs {
    /// Whether placing depends on where other pods are because of what this pod says.
    pub fn looks_at_pods(&self) -> bool {
        !(self.affinity.is_empty()
            && self.anti_affinity.is_empty()
            && self.preferred_pods.is_empty()
            && self.spread.is_empty()
            && self.preferred_spread.is_empty())
    }

    /// Whether every required term names its nodes, as the terms of DaemonSet pods do.
    pub fn names_nodes(&self) -> bool {
        self.node_terms
            .as_ref()
            .is_some_and(|terms| !terms.is_empty() && terms.iter().all(|t| !t.fields.is_empty()))
    }
}

/// What scores take a pod to weigh.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Weight {
    /// Thousandths of a processor.
    pub cpu: i64,
    /// Bytes.
    pub memory: i64,
}

/// A node selector term: requirements on labels and on fields (`metadata.name`), which must all hold.
/// A term without any matches no node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct NodeTerm {
    /// On labels.
    pub labels: Vec<Requirement>,
    /// On fields.
    pub fields: Vec<Requirement>,
}

impl NodeTerm {
    /// Whether the node is selected.
    pub fn matches(&self, name: &str, labels: &Labels) -> bool {
        let empty = self.labels.is_empty() && self.fields.is_empty();
        !empty
            && self.labels.iter().all(|r| r.accepts(labels.get(&r.key)))
            && self.fields.iter().all(|r| r.accepts((r.key == "metadata.name").then_some(name)))
    }
}

/// What a taint does to pods that do not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
pub enum TaintEffect {
    /// They are not placed there.
    NoSchedule,
    /// They are rather placed elsewhere.
    PreferNoSchedule,
    /// They are not placed there, and evicted.
    NoExecute,
}

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
pub struct Taint {
    /// Key.
    pub key: String,
    /// Value.
    #[serde(default)]
    pub value: String,
    /// Effect.
    pub effect: TaintEffect,
}

impl Taint {
    /// Whether it keeps pods off the node.
    pub fn repels(&self) -> bool {
        self.effect != TaintEffect::PreferNoSchedule
    }
}

/// A toleration of a pod.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
pub struct Toleration {
    /// Key; empty with `Exists` tolerates every key.
    #[serde(default)]
    pub key: String,
    /// `Equal` (default) or `Exists`.
    #[serde(default)]
    pub operator: String,
    /// Value for `Equal`.
    #[serde(default)]
    pub value: String,
    /// Effect; none tolerates every effect.
    #[serde(default)]
    pub effect: Option<TaintEffect>,
}

impl Toleration {
    /// Whether the taint is tolerated.
    pub fn tolerates(&self, taint: &Taint) -> bool {
        let effect = self.effect.is_none_or(|effect| effect == taint.effect);
        let exists = self.operator == "Exists";
        let key = self.key == taint.key || self.key.is_empty() && exists;
        effect && key && (exists || self.value == taint.value)
    }
}

/// A port of the host that a pod occupies.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostPort {
    /// Address; `0.0.0.0` stands for all.
    pub ip: String,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: String,
    /// Port.
    pub port: u16,
}

impl HostPort {
    /// Whether both cannot be had on one node.
    pub fn conflicts(&self, other: &Self) -> bool {
        let any = |port: &Self| port.ip == "0.0.0.0";
        self.port == other.port
            && self.protocol == other.protocol
            && (self.ip == other.ip || any(self) || any(other))
    }
}

/// Which namespaces a pod term looks into: those named, and those selected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Namespaces {
    /// By name.
    pub names: BTreeSet<String>,
    /// By label; the empty selector selects all.
    pub selector: Option<Selector>,
}

/// Which pods a term or constraint is about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PodMatch {
    /// Where they are.
    pub namespaces: Namespaces,
    /// Their labels; none selects no pod.
    pub selector: Option<Selector>,
}

/// A pod affinity or anti-affinity term.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PodTerm {
    /// Which pods.
    pub who: PodMatch,
    /// The node label whose values are the domains.
    pub topology: String,
}

/// A topology spread constraint.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Spread {
    /// Which pods are spread.
    pub who: PodMatch,
    /// The node label whose values are the domains.
    pub topology: String,
    /// By how much a domain may exceed the emptiest.
    pub max_skew: i64,
    /// With fewer domains than this the emptiest counts as empty.
    pub min_domains: i64,
    /// Only nodes that the pod's node affinity allows make domains.
    pub honor_affinity: bool,
    /// Only nodes whose taints the pod tolerates make domains.
    pub honor_taints: bool,
}

#[cfg(test)]
mod tests {
    use super::{HostPort, Taint, TaintEffect, Toleration};

    #[test]
    fn tolerations() {
        let taint = Taint { key: "k".into(), value: "v".into(), effect: TaintEffect::NoSchedule };
        let cases = [
            ("k", "", "v", None, true),
            ("k", "Equal", "w", None, false),
            ("k", "Exists", "", Some(TaintEffect::NoSchedule), true),
            ("k", "Exists", "", Some(TaintEffect::NoExecute), false),
            ("", "Exists", "", None, true),
            ("", "Equal", "v", None, false),
        ];
        for (key, operator, value, effect, expected) in cases {
            let (key, operator, value) = (key.into(), operator.into(), value.into());
            let toleration = Toleration { key, operator, value, effect };
            assert_eq!(toleration.tolerates(&taint), expected, "{toleration:?}");
        }
    }

    #[test]
    fn host_ports() {
        let port = |ip: &str, protocol: &str| HostPort { ip: ip.into(), protocol: protocol.into(), port: 80 };
        assert!(port("0.0.0.0", "TCP").conflicts(&port("10.0.0.1", "TCP")));
        assert!(!port("10.0.0.2", "TCP").conflicts(&port("10.0.0.1", "TCP")));
        assert!(!port("0.0.0.0", "UDP").conflicts(&port("0.0.0.0", "TCP")));
    }
}
