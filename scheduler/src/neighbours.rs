//! PodTopologySpread and InterPodAffinity: filters and scores that read where other pods are.

use crate::columns::Nodes;
use crate::filter;
use crate::needs::{Needs, PodTerm, Spread};
use crate::nodeset::NodeSet;
use crate::plugin::Plugin;
use crate::reasons::Refusal;
use crate::score;
use crate::terms::{Counter, NamespaceLabels, Subject, TermKey, Terms, Topology};

/// The nodes that other pods keep this one off, per refusal, in the order in which nodes are refused.
pub(crate) type Vetoes = Vec<(Refusal, NodeSet)>;

/// What judging reads.
#[derive(Clone, Copy)]
pub(crate) struct Scene<'a> {
    pub(crate) nodes: &'a Nodes,
    pub(crate) terms: &'a Terms,
    pub(crate) namespaces: &'a NamespaceLabels,
    pub(crate) needs: &'a Needs,
    pub(crate) pod: Subject<'a>,
}

/// The counters that a pod's terms and constraints read.
pub(crate) fn counters(needs: &Needs) -> impl Iterator<Item = TermKey> {
    let required = needs.affinity.iter().map(|term| together(needs, term));
    let others =
        needs.anti_affinity.iter().chain(needs.preferred_pods.iter().map(|(_, term)| term)).map(alone);
    let spread = needs.spread.iter().chain(&needs.preferred_spread).map(spreading);
    required.chain(others).chain(spread)
}

/// Pods count for an affinity term only if all affinity terms mean them.
fn together(needs: &Needs, term: &PodTerm) -> TermKey {
    let who = needs.affinity.iter().map(|term| term.who.clone()).collect();
    TermKey { who, topology: term.topology.clone(), living: false }
}

fn alone(term: &PodTerm) -> TermKey {
    TermKey { who: vec![term.who.clone()], topology: term.topology.clone(), living: false }
}

fn spreading(spread: &Spread) -> TermKey {
    TermKey { who: vec![spread.who.clone()], topology: spread.topology.clone(), living: true }
}

impl<'a> Scene<'a> {
    /// All vetoes.
    pub(crate) fn vetoes(&self) -> Vetoes {
        let mut vetoes = Vec::new();
        self.spread(&mut vetoes);
        if !self.needs.affinity.is_empty() {
            vetoes.push((Refusal::Affinity, self.without_company()));
        }
        for term in &self.needs.anti_affinity {
            vetoes.push((Refusal::AntiAffinity, self.terms.counter(&alone(term)).0.occupied().clone()));
        }
        vetoes.extend(
            self.terms.forbidden(self.pod, self.namespaces).map(|set| (Refusal::ExistingAntiAffinity, set)),
        );
        vetoes
    }

    /// Whether the pod has preferences about other pods.
    pub(crate) fn prefers(&self) -> bool {
        !(self.needs.preferred_pods.is_empty() && self.needs.preferred_spread.is_empty())
    }

    /// Scores of the given slots by preferences about other pods: the best of them gets full points.
    pub(crate) fn preferences(&self, slots: &[usize]) -> Vec<u32> {
        let pods = scaled(Plugin::InterPodAffinity, slots, |slot| self.company(slot));
        let spread = scaled(Plugin::PodTopologySpread, slots, |slot| -self.crowd(slot));
        pods.zip(spread).map(|(a, b)| a + b).collect()
    }

    fn spread(&self, vetoes: &mut Vetoes) {
        for spread in &self.needs.spread {
            let (counter, topology) = self.terms.counter(&spreading(spread));
            let mut unlabelled = self.nodes.present().clone();
            unlabelled.subtract(topology.labelled());
            vetoes.push((Refusal::NoDomain, unlabelled));
            vetoes.push((Refusal::Skew, self.skewed(spread, counter, topology)));
        }
    }

    /// The nodes on which the pod would exceed the skew.
    fn skewed(&self, spread: &Spread, counter: &Counter, topology: &Topology) -> NodeSet {
        let mut domains: Vec<Option<i64>> = vec![None; topology.size()];
        for slot in self.eligible(spread).iter() {
            if let Some(domain) = topology.domain(slot) {
                *domains[domain as usize].get_or_insert(0) += i64::from(counter.on(slot));
            }
        }
        let seen = domains.iter().flatten().count() as i64;
        let least =
            domains.iter().flatten().min().copied().filter(|_| seen >= spread.min_domains).unwrap_or(0);
        let itself =
            i64::from(counter.key.counts(Subject { terminating: false, ..self.pod }, self.namespaces));
        let mut set = NodeSet::default();
        for slot in topology.labelled().iter() {
            let here = topology.domain(slot).and_then(|domain| domains[domain as usize]).unwrap_or(0);
            set.set(slot, here + itself - least > spread.max_skew);
        }
        set
    }

    /// The nodes that make domains of a constraint.
    fn eligible(&self, spread: &Spread) -> NodeSet {
        let mut set = self.nodes.present().clone();
        for other in &self.needs.spread {
            set.intersect(self.terms.counter(&spreading(other)).1.labelled());
        }
        if spread.honor_affinity {
            set.subtract(&filter::unselected(self.nodes, self.needs));
        }
        if spread.honor_taints {
            set.subtract(&filter::tainted(self.nodes, self.needs));
        }
        set
    }

    /// The nodes that the required affinity refuses. The first pod of a group that attracts itself goes
    /// wherever the labels are.
    fn without_company(&self) -> NodeSet {
        let counters: Vec<_> =
            self.needs.affinity.iter().map(|term| self.terms.counter(&together(self.needs, term))).collect();
        let first = counters.iter().all(|(counter, _)| counter.is_empty())
            && counters.iter().all(|(counter, _)| counter.key.counts(self.pod, self.namespaces));
        let mut set = self.nodes.present().clone();
        let mut welcome = set.clone();
        for (counter, topology) in counters {
            welcome.intersect(if first { topology.labelled() } else { counter.occupied() });
        }
        set.subtract(&welcome);
        set
    }

    fn company(&self, slot: usize) -> i64 {
        let near = |term: &PodTerm| {
            let (counter, topology) = self.terms.counter(&alone(term));
            i64::from(counter.near(topology, slot))
        };
        self.needs.preferred_pods.iter().map(|(weight, term)| weight * near(term)).sum()
    }

    fn crowd(&self, slot: usize) -> i64 {
        let near = |spread: &Spread| {
            let (counter, topology) = self.terms.counter(&spreading(spread));
            i64::from(counter.near(topology, slot))
        };
        self.needs.preferred_spread.iter().map(near).sum()
    }
}

/// Raw values scaled so that the lowest gets nothing and the highest the plugin's full points.
fn scaled(plugin: Plugin, slots: &[usize], raw: impl Fn(usize) -> i64) -> impl Iterator<Item = u32> {
    let raw: Vec<i64> = slots.iter().map(|&slot| raw(slot)).collect();
    let least = raw.iter().min().copied().unwrap_or(0);
    let range = raw.iter().max().copied().unwrap_or(0) - least;
    raw.into_iter().map(move |value| match range {
        0 => 0,
        _ => score::points(plugin, (value - least) as f64 / range as f64),
    })
}
