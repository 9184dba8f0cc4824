//! The decision: where a pod goes, or why it waits.

use std::sync::Arc;

use crate::class::Class;
use crate::columns::Nodes;
use crate::filter::{self, Refused};
use crate::fleet::Fleet;
use crate::needs::Needs;
use crate::neighbours::{Scene, Vetoes};
use crate::pod::PodView;
use crate::reasons::{Reasons, Refusal};
use crate::score::Profile;
use crate::terms::Subject;

/// What was decided about a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Decision {
    /// Bind it to this node.
    Bind {
        /// The node's name.
        node: String,
        /// The node's score, in hundredths of upstream's points.
        score: u32,
    },
    /// No node will do.
    Wait {
        /// Why not, over all nodes.
        reasons: Arc<Reasons>,
    },
}

/// Decides where a pod goes: on the node with the highest score among all on which it fits; `seed` chooses
/// among equals. Depends on nothing but its arguments; the fleet is changed only in what it remembers about
/// classes and terms.
pub fn schedule(fleet: &mut Fleet, pod: &PodView, profile: &Profile, seed: u64) -> Decision {
    let needs = &pod.needs;
    if needs.looks_at_pods() {
        fleet.open_counters(needs);
    }
    let Fleet { nodes, terms, namespaces, classes, .. } = fleet;
    let class = classes.get(needs, *profile, nodes);
    let scene = Scene { nodes, terms, namespaces, needs, pod: subject(pod) };
    let vetoes = scene.vetoes();
    let best = match (vetoes.is_empty(), scene.prefers()) {
        (true, false) => class.best(seed),
        _ => best_of(&candidates(class, &vetoes), &scene, seed),
    };
    match best {
        Some(slot) => bind(nodes, class, slot),
        None => Decision::Wait { reasons: refusal(class, nodes, needs, &vetoes) },
    }
}

fn bind(nodes: &Nodes, class: &Class, slot: usize) -> Decision {
    let node = nodes.row(slot).map(|row| row.view.name.clone()).unwrap_or_default();
    Decision::Bind { node, score: class.key(slot) - 1 }
}

/// The nodes on which a pod fits, by every filter.
#[cfg(test)]
pub(crate) fn feasible(fleet: &mut Fleet, pod: &PodView, profile: &Profile) -> Vec<String> {
    fleet.open_counters(&pod.needs);
    let Fleet { nodes, terms, namespaces, classes, .. } = fleet;
    let class = classes.get(&pod.needs, *profile, nodes);
    let scene = Scene { nodes, terms, namespaces, needs: &pod.needs, pod: subject(pod) };
    let slots = candidates(class, &scene.vetoes()).into_iter().map(|(slot, _)| slot);
    slots.filter_map(|slot| Some(nodes.row(slot)?.view.name.clone())).collect()
}

fn subject(pod: &PodView) -> Subject<'_> {
    Subject { namespace: &pod.key.namespace, labels: &pod.labels, terminating: pod.terminating }
}

fn candidates(class: &Class, vetoes: &Vetoes) -> Vec<(usize, u32)> {
    class.fitting().filter(|(slot, _)| !vetoes.iter().any(|(_, set)| set.contains(*slot))).collect()
}

/// The candidate with the highest score, preferences about other pods included.
fn best_of(candidates: &[(usize, u32)], scene: &Scene<'_>, seed: u64) -> Option<usize> {
    let extra = match scene.prefers() {
        true => scene.preferences(&candidates.iter().map(|(slot, _)| *slot).collect::<Vec<_>>()),
        false => Vec::new(),
    };
    let total = |i: usize| candidates[i].1 + extra.get(i).copied().unwrap_or(0);
    let top = (0..candidates.len()).map(total).max()?;
    let first = (seed % candidates.len() as u64) as usize;
    let chosen = (first..candidates.len()).chain(0..first).find(|&i| total(i) == top)?;
    Some(candidates[chosen].0)
}

fn refusal(class: &mut Class, nodes: &Nodes, needs: &Needs, vetoes: &Vetoes) -> Arc<Reasons> {
    let position = nodes.log.end();
    if vetoes.is_empty()
        && let Some(known) = class.refusal(position)
    {
        return known;
    }
    let reasons = Arc::new(explain(class, nodes, needs, vetoes));
    if vetoes.is_empty() {
        class.set_refusal(position, reasons.clone());
    }
    reasons
}

/// The refusals of every node, each by the first filter that fails.
fn explain(class: &Class, nodes: &Nodes, needs: &Needs, vetoes: &Vetoes) -> Reasons {
    let refused = Refused::of(nodes, needs);
    let mut reasons = Reasons { nodes: nodes.len(), ..Reasons::default() };
    for slot in nodes.present().iter() {
        refusals_of(slot, class, nodes, needs, &refused, vetoes).into_iter().for_each(|r| reasons.add(r));
    }
    reasons
}

fn refusals_of(
    slot: usize,
    class: &Class,
    nodes: &Nodes,
    needs: &Needs,
    refused: &Refused,
    vetoes: &Vetoes,
) -> Vec<Refusal> {
    let Some(row) = nodes.row(slot) else { return Vec::new() };
    let one = |refusal| vec![refusal];
    if refused.unselected.contains(slot) && needs.names_nodes() && !named(needs, &row.view.name) {
        return one(Refusal::NotNamed);
    }
    if refused.cordoned.contains(slot) {
        return one(Refusal::Unschedulable);
    }
    if refused.other_node.contains(slot) {
        return one(Refusal::OtherNode);
    }
    if let Some(taint) = filter::first_untolerated(needs, &row.view) {
        return one(Refusal::untolerated(taint));
    }
    if refused.unselected.contains(slot) {
        return one(Refusal::NotSelected);
    }
    if !row.ports_free(&needs.ports) {
        return one(Refusal::PortTaken);
    }
    let lacking = filter::lacking(nodes, slot, class.wants());
    if !lacking.is_empty() {
        return lacking;
    }
    vetoes
        .iter()
        .find(|(_, set)| set.contains(slot))
        .map(|(refusal, _)| refusal.clone())
        .into_iter()
        .collect()
}

/// Whether one of the terms that name nodes names this one.
fn named(needs: &Needs, node: &str) -> bool {
    let terms = needs.node_terms.iter().flatten();
    terms
        .into_iter()
        .any(|term| term.fields.iter().all(|r| r.accepts((r.key == "metadata.name").then_some(node))))
}
