//! The filters that read one node, twice: over all nodes in columns, and for the one node that changed.

use crate::columns::{Nodes, Row};
use crate::needs::{Needs, Taint, TaintEffect};
use crate::node::NodeView;
use crate::nodeset::NodeSet;
use crate::reasons::Refusal;

/// The nodes that the filters on a node's own fields refuse, per filter, in their order.
#[derive(Debug)]
pub(crate) struct Refused {
    /// NodeUnschedulable.
    pub(crate) cordoned: NodeSet,
    /// NodeName.
    pub(crate) other_node: NodeSet,
    /// TaintToleration.
    pub(crate) tainted: NodeSet,
    /// NodeAffinity.
    pub(crate) unselected: NodeSet,
}

impl Refused {
    /// By columns, over all nodes.
    pub(crate) fn of(nodes: &Nodes, needs: &Needs) -> Self {
        Self {
            cordoned: if tolerates_cordon(needs) {
                NodeSet::default()
            } else {
                nodes.unschedulable().clone()
            },
            other_node: other_node(nodes, needs),
            tainted: tainted(nodes, needs),
            unselected: unselected(nodes, needs),
        }
    }

    /// The nodes that none refuses.
    pub(crate) fn allowed(&self, nodes: &Nodes) -> NodeSet {
        let mut set = nodes.present().clone();
        for refused in [&self.cordoned, &self.other_node, &self.tainted, &self.unselected] {
            set.subtract(refused);
        }
        set
    }
}

/// Whether the filters on a node's own fields let the pod onto this one.
pub(crate) fn allows(needs: &Needs, node: &NodeView) -> bool {
    (!node.unschedulable || tolerates_cordon(needs))
        && needs.node_name.as_ref().is_none_or(|name| *name == node.name)
        && first_untolerated(needs, node).is_none()
        && needs.node_selector.matches(&node.labels)
        && needs
            .node_terms
            .as_ref()
            .is_none_or(|terms| terms.iter().any(|t| t.matches(&node.name, &node.labels)))
}

/// The first taint that keeps the pod off the node.
pub(crate) fn first_untolerated<'a>(needs: &Needs, node: &'a NodeView) -> Option<&'a Taint> {
    node.taints.iter().find(|taint| taint.repels() && !tolerated(needs, taint))
}

/// What is lacking in a slot for these amounts by column.
pub(crate) fn lacking(nodes: &Nodes, slot: usize, wants: &[(usize, i64)]) -> Vec<Refusal> {
    let short =
        wants.iter().map(|&(id, amount)| (nodes.column(id), amount)).filter(|(c, n)| !c.fits(slot, *n));
    short
        .map(|(column, _)| match column.name.as_str() {
            crate::amount::PODS => Refusal::TooManyPods,
            name => Refusal::Insufficient(name.to_owned()),
        })
        .collect()
}

/// Whether the resources and ports that change with every pod are there.
pub(crate) fn has_room(nodes: &Nodes, slot: usize, row: &Row, needs: &Needs, wants: &[(usize, i64)]) -> bool {
    wants.iter().all(|&(id, amount)| nodes.column(id).fits(slot, amount))
        && (needs.ports.is_empty() || row.ports_free(&needs.ports))
}

fn tolerated(needs: &Needs, taint: &Taint) -> bool {
    needs.tolerations.iter().any(|t| t.tolerates(taint))
}

fn tolerates_cordon(needs: &Needs) -> bool {
    let key = "node.kubernetes.io/unschedulable".to_owned();
    tolerated(needs, &Taint { key, value: String::new(), effect: TaintEffect::NoSchedule })
}

fn other_node(nodes: &Nodes, needs: &Needs) -> NodeSet {
    let Some(name) = &needs.node_name else { return NodeSet::default() };
    let mut set = nodes.present().clone();
    if let Some(slot) = nodes.slot(name) {
        set.set(slot, false);
    }
    set
}

/// The nodes with a taint that keeps the pod off.
pub(crate) fn tainted(nodes: &Nodes, needs: &Needs) -> NodeSet {
    let mut set = NodeSet::default();
    let repelling = nodes.taints().iter().filter(|(taint, _)| taint.repels() && !tolerated(needs, taint));
    repelling.for_each(|(_, nodes)| set.union(nodes));
    set
}

/// The nodes that node selector and required node affinity do not match.
pub(crate) fn unselected(nodes: &Nodes, needs: &Needs) -> NodeSet {
    if needs.node_selector.0.is_empty() && needs.node_terms.is_none() {
        return NodeSet::default();
    }
    let mut matching = nodes.selected(&needs.node_selector);
    if let Some(terms) = &needs.node_terms {
        matching.intersect(&nodes.matching(terms));
    }
    let mut set = nodes.present().clone();
    set.subtract(&matching);
    set
}
