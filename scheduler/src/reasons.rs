//! Why a pod waits: which plugin refused how many nodes, and the sentence that says so.

use std::collections::BTreeMap;
use std::fmt;

use crate::needs::Taint;
use crate::plugin::Plugin;

/// Why a node was refused.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The node is cordoned.
    Unschedulable,
    /// The pod names another node.
    OtherNode,
    /// A taint that the pod does not tolerate; the first one.
    Untolerated {
        /// The taint's key.
        key: String,
        /// The taint's value.
        value: String,
    },
    /// Node selector or node affinity do not match.
    NotSelected,
    /// The pod's affinity names its nodes, and this is none of them.
    NotNamed,
    /// A port of the host is taken.
    PortTaken,
    /// The node runs as many pods as it may.
    TooManyPods,
    /// Not enough of a resource is left.
    Insufficient(String),
    /// Placing here would exceed a spread constraint's skew.
    Skew,
    /// The node lacks a spread constraint's label.
    NoDomain,
    /// No pod that the affinity asks for is in the node's domain.
    Affinity,
    /// A pod that the anti-affinity forbids is in the node's domain.
    AntiAffinity,
    /// A pod in the node's domain forbids this one.
    ExistingAntiAffinity,
}

impl Refusal {
    /// The refusal for a taint.
    pub fn untolerated(taint: &Taint) -> Self {
        Self::Untolerated { key: taint.key.clone(), value: taint.value.clone() }
    }

    /// The plugin that refuses.
    pub fn plugin(&self) -> Plugin {
        match self {
            Self::Unschedulable => Plugin::NodeUnschedulable,
            Self::OtherNode => Plugin::NodeName,
            Self::Untolerated { .. } => Plugin::TaintToleration,
            Self::NotSelected | Self::NotNamed => Plugin::NodeAffinity,
            Self::PortTaken => Plugin::NodePorts,
            Self::TooManyPods | Self::Insufficient(_) => Plugin::NodeResourcesFit,
            Self::Skew | Self::NoDomain => Plugin::PodTopologySpread,
            Self::Affinity | Self::AntiAffinity | Self::ExistingAntiAffinity => Plugin::InterPodAffinity,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unschedulable => f.write_str("node(s) were unschedulable"),
            Self::OtherNode => f.write_str("node(s) didn't match the requested node name"),
            Self::Untolerated { key, value } => write!(f, "node(s) had untolerated taint {{{key}: {value}}}"),
            Self::NotSelected => f.write_str("node(s) didn't match Pod's node affinity/selector"),
            Self::NotNamed => f.write_str("node(s) didn't satisfy plugin(s) [NodeAffinity]"),
            Self::PortTaken => f.write_str("node(s) didn't have free ports for the requested pod ports"),
            Self::TooManyPods => f.write_str("Too many pods"),
            Self::Insufficient(resource) => write!(f, "Insufficient {resource}"),
            Self::Skew => f.write_str("node(s) didn't match pod topology spread constraints"),
            Self::NoDomain => {
                f.write_str("node(s) didn't match pod topology spread constraints (missing required label)")
            }
            Self::Affinity => f.write_str("node(s) didn't match pod affinity rules"),
            Self::AntiAffinity => f.write_str("node(s) didn't match pod anti-affinity rules"),
            Self::ExistingAntiAffinity => {
                f.write_str("node(s) didn't satisfy existing pods anti-affinity rules")
            }
        }
    }
}

/// All refusals of one decision; its text is the Pending message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasons {
    /// How many nodes there are.
    pub nodes: usize,
    /// How many nodes each refusal holds for; a node can lack several resources.
    pub refusals: BTreeMap<Refusal, usize>,
}

impl Reasons {
    /// Counts a refusal of one node.
    pub fn add(&mut self, refusal: Refusal) {
        *self.refusals.entry(refusal).or_default() += 1;
    }
}

impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.nodes == 0 {
            return f.write_str("no nodes available to schedule pods");
        }
        let mut parts: Vec<String> =
            self.refusals.iter().map(|(refusal, n)| format!("{n} {refusal}")).collect();
        parts.sort();
        write!(f, "0/{} nodes are available: {}.", self.nodes, parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::{Reasons, Refusal};

    #[test]
    fn message() {
        let mut reasons = Reasons { nodes: 3, ..Reasons::default() };
        assert_eq!(Reasons::default().to_string(), "no nodes available to schedule pods");
        reasons.add(Refusal::Insufficient("cpu".into()));
        reasons.add(Refusal::Untolerated { key: "key".into(), value: "value".into() });
        reasons.add(Refusal::Untolerated { key: "key".into(), value: "value".into() });
        let expected =
            "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint {key: value}.";
        assert_eq!(reasons.to_string(), expected);
    }
}
