//! The plugins, with upstream's names, listed once in the order in which filters run.

/// A rule by which nodes are filtered or scored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plugin {
    /// Cordoned nodes take no pods that do not tolerate it.
    NodeUnschedulable,
    /// A pod that names its node goes nowhere else.
    NodeName,
    /// Untolerated taints keep pods off; `PreferNoSchedule` ones lower the score.
    TaintToleration,
    /// Node selector and required node affinity must match; preferred affinity raises the score.
    NodeAffinity,
    /// A port of the host can be had once.
    NodePorts,
    /// Requests must fit into what is left; the profile says whether fuller or emptier nodes score higher.
    NodeResourcesFit,
    /// Domains must not differ by more than the skew allows.
    PodTopologySpread,
    /// Pods must, or must not, share a domain with other pods.
    InterPodAffinity,
    /// Nodes on which processor and memory are used alike score higher.
    NodeResourcesBalancedAllocation,
}

/// A plugin's row: whether it filters, and the weight of its score.
#[derive(Debug)]
pub struct PluginRow {
    /// Which.
    pub plugin: Plugin,
    /// Upstream's name.
    pub name: &'static str,
    /// Whether it filters nodes.
    pub filters: bool,
    /// The weight of its score of 0 to 100; 0 where it does not score.
    pub weight: u32,
}

/// All plugins; filters run in this order, and a node is refused for the first that fails.
pub const PLUGINS: &[PluginRow] = &[
    row(Plugin::NodeUnschedulable, "NodeUnschedulable", true, 0),
    row(Plugin::NodeName, "NodeName", true, 0),
    row(Plugin::TaintToleration, "TaintToleration", true, 3),
    row(Plugin::NodeAffinity, "NodeAffinity", true, 2),
    row(Plugin::NodePorts, "NodePorts", true, 0),
    row(Plugin::NodeResourcesFit, "NodeResourcesFit", true, 1),
    row(Plugin::PodTopologySpread, "PodTopologySpread", true, 2),
    row(Plugin::InterPodAffinity, "InterPodAffinity", true, 2),
    row(Plugin::NodeResourcesBalancedAllocation, "NodeResourcesBalancedAllocation", false, 1),
];

const fn row(plugin: Plugin, name: &'static str, filters: bool, weight: u32) -> PluginRow {
    PluginRow { plugin, name, filters, weight }
}

impl Plugin {
    /// The plugin's row.
    pub const fn row(self) -> &'static PluginRow {
        &PLUGINS[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::PLUGINS;

    #[test]
    fn rows_stand_at_their_plugins_place() {
        for row in PLUGINS {
            assert_eq!(row.plugin.row().name, row.name);
            assert_eq!(format!("{:?}", row.plugin), row.name);
        }
    }
}
