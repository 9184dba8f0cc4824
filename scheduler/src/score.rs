//! Scores of a node for a pod, in hundredths of upstream's points and multiplied by the plugin's weight.

use crate::needs::{Needs, Taint, TaintEffect, Weight};
use crate::node::NodeView;
use crate::plugin::Plugin;

/// The highest score of a plugin of weight 1.
pub(crate) const FULL: u32 = 10_000;

/// Which nodes are preferred by what is used of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Strategy {
    /// Fuller nodes first: few nodes are used. Berth's default.
    #[default]
    MostAllocated,
    /// Emptier nodes first: pods are spread. Upstream's default.
    LeastAllocated,
}

/// How nodes are scored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Profile {
    /// By what is used of them.
    pub strategy: Strategy,
}

/// NodeResourcesFit and NodeResourcesBalancedAllocation, as if the pod were there already.
pub(crate) fn resources(strategy: Strategy, used: Weight, allocatable: Weight) -> u32 {
    let (Some(cpu), Some(memory)) =
        (share(used.cpu, allocatable.cpu), share(used.memory, allocatable.memory))
    else {
        return share(used.cpu, allocatable.cpu)
            .or_else(|| share(used.memory, allocatable.memory))
            .map_or(0, |one| fit(strategy, one) + balance(0.0));
    };
    fit(strategy, (cpu + memory) / 2.0) + balance((cpu - memory).abs() / 2.0)
}

/// The part that is used, at most 1; none where there is nothing to use.
fn share(used: i64, allocatable: i64) -> Option<f64> {
    (allocatable > 0).then(|| (used as f64 / allocatable as f64).min(1.0))
}

fn fit(strategy: Strategy, used: f64) -> u32 {
    let part = match strategy {
        Strategy::MostAllocated => used,
        Strategy::LeastAllocated => 1.0 - used,
    };
    points(Plugin::NodeResourcesFit, part)
}

fn balance(deviation: f64) -> u32 {
    points(Plugin::NodeResourcesBalancedAllocation, 1.0 - deviation)
}

/// A part of a plugin's weighted points.
pub(crate) fn points(plugin: Plugin, part: f64) -> u32 {
    (part * f64::from(FULL * plugin.row().weight)) as u32
}

/// TaintToleration and NodeAffinity: what depends on the node's labels and taints alone. Both are scaled by
/// what the pod and the node say, not by the other nodes, so that one node's score never depends on another.
pub(crate) fn preference(needs: &Needs, node: &NodeView) -> u32 {
    affinity(needs, node) + taints(needs, node)
}

fn affinity(needs: &Needs, node: &NodeView) -> u32 {
    let total: i64 = needs.preferred_nodes.iter().map(|(weight, _)| weight).sum();
    if total <= 0 {
        return 0;
    }
    let terms = needs.preferred_nodes.iter().filter(|(_, term)| term.matches(&node.name, &node.labels));
    let matched: i64 = terms.map(|(weight, _)| weight).sum();
    points(Plugin::NodeAffinity, matched as f64 / total as f64)
}

fn taints(needs: &Needs, node: &NodeView) -> u32 {
    let soft = |taint: &&Taint| taint.effect == TaintEffect::PreferNoSchedule;
    let tolerated = |taint: &Taint| needs.tolerations.iter().any(|t| t.tolerates(taint));
    let unwanted = node.taints.iter().filter(soft).filter(|taint| !tolerated(taint)).count();
    points(Plugin::TaintToleration, 1.0 / (1 + unwanted) as f64)
}

#[cfg(test)]
mod tests {
    use super::{FULL, Strategy, resources};
    use crate::needs::Weight;

    #[test]
    fn packing_prefers_fuller_and_balanced() {
        let node = Weight { cpu: 1000, memory: 1000 };
        let score = |strategy, cpu, memory| resources(strategy, Weight { cpu, memory }, node);
        assert_eq!(score(Strategy::MostAllocated, 500, 500), FULL / 2 + FULL);
        assert!(score(Strategy::MostAllocated, 600, 600) > score(Strategy::MostAllocated, 500, 500));
        assert!(score(Strategy::MostAllocated, 500, 500) > score(Strategy::MostAllocated, 900, 100));
        assert!(score(Strategy::LeastAllocated, 100, 100) > score(Strategy::LeastAllocated, 500, 500));
        assert_eq!(score(Strategy::MostAllocated, 5000, 5000), 2 * FULL);
        assert_eq!(resources(Strategy::MostAllocated, node, Weight::default()), 0);
    }
}
