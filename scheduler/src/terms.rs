//! Counters per (term, domain): how many pods that a term is about are in each domain of its topology.
//!
//! Two books are kept. `matched` counts the pods that match an incoming pod's term; a counter is opened when
//! a pod first asks for it. `carried` counts the pods that carry a required anti-affinity term, so that a pod
//! that matches it stays away.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::columns::Nodes;
use crate::needs::{Needs, PodMatch};
use crate::nodeset::NodeSet;
use crate::selector::Labels;

/// The counters that may be kept for incoming pods before they are all closed and opened again on demand.
const MOST_MATCHED: usize = 4096;

/// What a counter counts.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TermKey {
    /// Every one of these must mean the pod.
    pub(crate) who: Vec<PodMatch>,
    /// The node label whose values are the domains.
    pub(crate) topology: String,
    /// Pods that are being deleted do not count.
    pub(crate) living: bool,
}

/// What counting reads of a pod.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) labels: &'a Labels,
    pub(crate) terminating: bool,
}

/// The labels of namespaces, by name.
pub(crate) type NamespaceLabels = HashMap<String, Labels>;

impl TermKey {
    /// Whether the pod is counted.
    pub(crate) fn counts(&self, pod: Subject<'_>, namespaces: &NamespaceLabels) -> bool {
        !(self.living && pod.terminating)
            && self
                .who
                .iter()
                .all(|who| who.matches(pod.namespace, pod.labels, || namespaces.get(pod.namespace)))
    }

    fn anchor(&self) -> Option<(&str, &str)> {
        self.who.iter().find_map(|who| who.selector.as_ref()?.anchor())
    }

    fn reads_namespaces(&self) -> bool {
        self.who.iter().any(|who| who.namespaces.selector.as_ref().is_some_and(|s| !s.0.is_empty()))
    }
}

/// The domains of one topology key.
#[derive(Debug, Default)]
pub(crate) struct Topology {
    domains: HashMap<String, u32>,
    members: Vec<HashSet<u32>>,
    of: Vec<Option<u32>>,
    labelled: NodeSet,
}

impl Topology {
    /// The domain of a slot; none where the node lacks the label.
    pub(crate) fn domain(&self, slot: usize) -> Option<u32> {
        self.of.get(slot).copied().flatten()
    }

    /// How many domains were ever seen: an upper bound of their numbers.
    pub(crate) fn size(&self) -> usize {
        self.members.len()
    }

    /// The nodes that have the label.
    pub(crate) fn labelled(&self) -> &NodeSet {
        &self.labelled
    }

    fn value_is(&self, slot: usize, value: Option<&str>) -> bool {
        match (value, self.domain(slot)) {
            (None, domain) => domain.is_none(),
            (Some(value), domain) => domain.is_some() && self.domains.get(value).copied() == domain,
        }
    }

    fn put(&mut self, slot: usize, value: Option<&str>) {
        if let Some(old) = self.domain(slot) {
            self.members[old as usize].remove(&(slot as u32));
        }
        if slot >= self.of.len() {
            self.of.resize(slot + 1, None);
        }
        self.of[slot] = value.map(|value| {
            *self.domains.entry_ref(value).or_insert_with(|| {
                self.members.push(HashSet::new());
                (self.members.len() - 1) as u32
            })
        });
        if let Some(domain) = self.of[slot] {
            self.members[domain as usize].insert(slot as u32);
        }
        self.labelled.set(slot, value.is_some());
    }
}

/// How many counted pods are on each node and in each domain.
#[derive(Debug)]
pub(crate) struct Counter {
    /// What is counted.
    pub(crate) key: Arc<TermKey>,
    topology: usize,
    on_node: HashMap<u32, u32>,
    in_domain: HashMap<u32, u32>,
    /// The nodes of domains with at least one counted pod.
    occupied: NodeSet,
}

impl Counter {
    fn new(key: Arc<TermKey>, topology: usize) -> Self {
        let occupied = NodeSet::default();
        Self { key, topology, on_node: HashMap::new(), in_domain: HashMap::new(), occupied }
    }

    /// The nodes of domains with at least one counted pod.
    pub(crate) fn occupied(&self) -> &NodeSet {
        &self.occupied
    }

    /// How many counted pods share a domain with this slot.
    pub(crate) fn near(&self, topology: &Topology, slot: usize) -> u32 {
        topology.domain(slot).and_then(|domain| self.in_domain.get(&domain)).copied().unwrap_or(0)
    }

    /// How many counted pods are on this node.
    pub(crate) fn on(&self, slot: usize) -> u32 {
        self.on_node.get(&(slot as u32)).copied().unwrap_or(0)
    }

    /// Whether no pod is counted in any domain.
    pub(crate) fn is_empty(&self) -> bool {
        self.in_domain.is_empty()
    }

    fn shift(&mut self, topology: &Topology, slot: usize, came: bool) {
        step(&mut self.on_node, slot as u32, if came { 1 } else { -1 });
        if let Some(domain) = topology.domain(slot) {
            self.shift_domain(topology, domain, if came { 1 } else { -1 });
        }
    }

    fn shift_domain(&mut self, topology: &Topology, domain: u32, by: i64) {
        let before = self.in_domain.contains_key(&domain);
        step(&mut self.in_domain, domain, by);
        let after = self.in_domain.contains_key(&domain);
        if before != after {
            topology.members[domain as usize]
                .iter()
                .for_each(|&slot| self.occupied.set(slot as usize, after));
        }
    }

    /// Takes a node's pods out of its domain, before the node changes domains.
    fn detach(&mut self, topology: &Topology, slot: usize) {
        if let (Some(domain), pods @ 1..) = (topology.domain(slot), self.on(slot)) {
            self.shift_domain(topology, domain, -i64::from(pods));
        }
        self.occupied.set(slot, false);
    }

    /// Counts a node's pods in its new domain.
    fn attach(&mut self, topology: &Topology, slot: usize) {
        let Some(domain) = topology.domain(slot) else { return };
        if let pods @ 1.. = self.on(slot) {
            self.shift_domain(topology, domain, i64::from(pods));
        }
        self.occupied.set(slot, self.in_domain.contains_key(&domain));
    }
}

fn step(counts: &mut HashMap<u32, u32>, at: u32, by: i64) {
    let count = counts.entry(at).or_default();
    *count = (i64::from(*count) + by).max(0) as u32;
    if *count == 0 {
        counts.remove(&at);
    }
}

/// Counters with an index from labels to those that may count a pod.
#[derive(Debug, Default)]
struct Book {
    counters: Vec<Counter>,
    ids: HashMap<Arc<TermKey>, usize>,
    anchored: HashMap<String, HashMap<String, Vec<usize>>>,
    loose: Vec<usize>,
}

impl Book {
    fn open(&mut self, key: Arc<TermKey>, topology: usize) -> usize {
        let id = self.counters.len();
        match key.anchor() {
            Some((label, value)) => {
                self.anchored.entry_ref(label).or_default().entry_ref(value).or_default().push(id)
            }
            None => self.loose.push(id),
        }
        self.ids.insert(key.clone(), id);
        self.counters.push(Counter::new(key, topology));
        id
    }

    /// The counters that count the pod.
    fn counting(&self, pod: Subject<'_>, namespaces: &NamespaceLabels) -> Vec<usize> {
        if self.counters.is_empty() {
            return Vec::new();
        }
        let anchored =
            pod.labels.iter().filter_map(|(key, value)| self.anchored.get(key)?.get(value)).flatten();
        let candidates = anchored.chain(&self.loose).copied();
        candidates.filter(|&id| self.counters[id].key.counts(pod, namespaces)).collect()
    }
}

/// All counters and the topologies they stand on.
#[derive(Debug, Default)]
pub(crate) struct Terms {
    topologies: Vec<Topology>,
    topology_ids: HashMap<String, usize>,
    matched: Book,
    carried: Book,
}

impl Terms {
    /// The topology of a key, made from the nodes where it is new.
    pub(crate) fn topology_id(&mut self, key: &str, nodes: &Nodes) -> usize {
        if let Some(&id) = self.topology_ids.get(key) {
            return id;
        }
        let mut topology = Topology::default();
        for slot in nodes.present().iter() {
            topology.put(slot, label(nodes, slot, key));
        }
        self.topologies.push(topology);
        self.topology_ids.insert(key.to_owned(), self.topologies.len() - 1);
        self.topologies.len() - 1
    }

    /// Whether there is a counter for this key.
    pub(crate) fn knows(&self, key: &TermKey) -> bool {
        self.matched.ids.contains_key(key)
    }

    /// The counter of a key that was opened before, with its topology.
    pub(crate) fn counter(&self, key: &TermKey) -> (&Counter, &Topology) {
        let counter = &self.matched.counters[self.matched.ids[key]];
        (counter, &self.topologies[counter.topology])
    }

    /// Opens a counter over the pods that are there.
    pub(crate) fn open<'a>(
        &mut self,
        key: TermKey,
        nodes: &Nodes,
        namespaces: &NamespaceLabels,
        pods: impl Iterator<Item = (usize, Subject<'a>)>,
    ) {
        let topology = self.topology_id(&key.topology, nodes);
        let id = self.matched.open(Arc::new(key), topology);
        let counter = &mut self.matched.counters[id];
        for (slot, pod) in pods {
            if counter.key.counts(pod, namespaces) {
                counter.shift(&self.topologies[topology], slot, true);
            }
        }
    }

    /// Closes the counters for incoming pods if there are too many; they are opened again on demand.
    pub(crate) fn tidy(&mut self) {
        if self.matched.counters.len() > MOST_MATCHED {
            self.matched = Book::default();
        }
    }

    /// Closes the counters whose pods depend on the labels of namespaces, after those changed.
    pub(crate) fn namespaces_changed(&mut self) {
        if self.matched.counters.iter().any(|counter| counter.key.reads_namespaces()) {
            self.matched = Book::default();
        }
    }

    /// Notes that a pod came to a node, or left it.
    pub(crate) fn shift(
        &mut self,
        slot: usize,
        pod: Subject<'_>,
        needs: &Needs,
        came: bool,
        nodes: &Nodes,
        namespaces: &NamespaceLabels,
    ) {
        for id in self.matched.counting(pod, namespaces) {
            let counter = &mut self.matched.counters[id];
            counter.shift(&self.topologies[counter.topology], slot, came);
        }
        for term in &needs.anti_affinity {
            let topology = self.topology_id(&term.topology, nodes);
            let key = TermKey { who: vec![term.who.clone()], topology: term.topology.clone(), living: false };
            let known = self.carried.ids.get(&key).copied();
            let id = known.unwrap_or_else(|| self.carried.open(Arc::new(key), topology));
            self.carried.counters[id].shift(&self.topologies[topology], slot, came);
        }
    }

    /// The nodes in whose domains a pod forbids this one.
    pub(crate) fn forbidden(&self, pod: Subject<'_>, namespaces: &NamespaceLabels) -> Option<NodeSet> {
        let mut set: Option<NodeSet> = None;
        for id in self.carried.counting(pod, namespaces) {
            let counter = &self.carried.counters[id];
            if !counter.is_empty() {
                set.get_or_insert_default().union(&counter.occupied);
            }
        }
        set
    }

    /// Notes that a node's labels changed, or that it came or went (no labels).
    pub(crate) fn node_changed(&mut self, slot: usize, labels: Option<&Labels>) {
        for (key, &id) in &self.topology_ids {
            let value = labels.and_then(|labels| labels.get(key));
            let topology = &mut self.topologies[id];
            if topology.value_is(slot, value) {
                continue;
            }
            standing_on(&mut self.matched, &mut self.carried, id).for_each(|c| c.detach(topology, slot));
            topology.put(slot, value);
            standing_on(&mut self.matched, &mut self.carried, id).for_each(|c| c.attach(topology, slot));
        }
    }
}

fn standing_on<'a>(
    a: &'a mut Book,
    b: &'a mut Book,
    topology: usize,
) -> impl Iterator<Item = &'a mut Counter> {
    a.counters.iter_mut().chain(&mut b.counters).filter(move |counter| counter.topology == topology)
}

fn label<'a>(nodes: &'a Nodes, slot: usize, key: &str) -> Option<&'a str> {
    nodes.row(slot)?.view.labels.get(key)
}
