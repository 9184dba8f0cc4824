//! The snapshot: nodes in columns, pods on them, and what is remembered about classes and terms.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};

use crate::class::Classes;
use crate::columns::Nodes;
use crate::needs::Needs;
use crate::node::{NamespaceView, NodeView};
use crate::pod::PodView;
use crate::selector::Labels;
use crate::terms::{NamespaceLabels, Subject, Terms};

/// All nodes and the pods that occupy them, kept up incrementally.
///
/// A pod occupies its node from [`Fleet::assume`] or [`Fleet::put_pod`] until [`Fleet::remove_pod`]. A pod
/// whose node is not known is kept and takes its place when the node comes.
#[derive(Debug, Default)]
pub struct Fleet {
    pub(crate) nodes: Nodes,
    pub(crate) terms: Terms,
    pub(crate) namespaces: NamespaceLabels,
    pub(crate) classes: Classes,
    pods: HashMap<Arc<str>, Placed>,
    by_node: HashMap<String, HashSet<Arc<str>>>,
}

/// A pod on a node; the node may be unknown.
#[derive(Clone, Debug, PartialEq)]
struct Placed {
    node: String,
    namespace: String,
    labels: Labels,
    terminating: bool,
    needs: Arc<Needs>,
}

impl Placed {
    fn of(pod: &PodView, node: &str) -> Self {
        Self {
            node: node.to_owned(),
            namespace: pod.key.namespace.clone(),
            labels: pod.labels.clone(),
            terminating: pod.terminating,
            needs: pod.needs.clone(),
        }
    }

    fn subject(&self) -> Subject<'_> {
        Subject { namespace: &self.namespace, labels: &self.labels, terminating: self.terminating }
    }
}

impl Fleet {
    /// How many nodes there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no nodes.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The names of all nodes.
    pub fn node_names(&self) -> impl Iterator<Item = &str> {
        self.nodes.present().iter().filter_map(|slot| Some(self.nodes.row(slot)?.view.name.as_str()))
    }

    /// Adds or replaces a node. Returns whether anything about it that matters here changed.
    pub fn put_node(&mut self, node: NodeView) -> bool {
        let known = self.nodes.slot(&node.name);
        if known.and_then(|slot| self.nodes.row(slot)).is_some_and(|row| row.view == node) {
            return false;
        }
        let name = node.name.clone();
        let slot = self.nodes.put(node);
        self.terms.node_changed(slot, self.nodes.row(slot).map(|row| &row.view.labels));
        if known.is_none() {
            self.shift_all(&name, true);
        }
        true
    }

    /// Takes a node out; its pods are kept, without a place.
    pub fn remove_node(&mut self, name: &str) {
        let Some(slot) = self.nodes.slot(name) else { return };
        self.shift_all(name, false);
        self.terms.node_changed(slot, None);
        self.nodes.remove(name);
    }

    /// Adds or replaces a namespace's labels. Returns whether they changed.
    pub fn put_namespace(&mut self, namespace: NamespaceView) -> bool {
        let old = self.namespaces.insert(namespace.name, namespace.labels.clone());
        let changed = old.as_ref() != Some(&namespace.labels);
        if changed {
            self.terms.namespaces_changed();
        }
        changed
    }

    /// The names of all namespaces.
    pub fn namespace_names(&self) -> impl Iterator<Item = &str> {
        self.namespaces.keys().map(String::as_str)
    }

    /// Takes a namespace out.
    pub fn remove_namespace(&mut self, name: &str) {
        self.namespaces.remove(name);
        self.terms.namespaces_changed();
    }

    /// Notes a pod that is bound to a node; one that finished occupies nothing. Returns whether anything about
    /// it that matters here changed.
    pub fn put_pod(&mut self, pod: &PodView) -> bool {
        if pod.finished || pod.node.is_empty() {
            self.remove_pod(&pod.uid)
        } else {
            self.place(pod, &pod.node)
        }
    }

    /// Counts a pod on the node it is about to be bound to.
    pub fn assume(&mut self, pod: &PodView, node: &str) {
        self.place(pod, node);
    }

    /// Takes a pod off: it is gone, finished, or was not bound after all. Returns whether it was there.
    pub fn remove_pod(&mut self, uid: &str) -> bool {
        let Some((uid, placed)) = self.pods.remove_entry(uid) else { return false };
        if let Some(pods) = self.by_node.get_mut(&placed.node) {
            pods.remove(&uid);
            if pods.is_empty() {
                self.by_node.remove(&placed.node);
            }
        }
        self.shift(&placed, false);
        true
    }

    /// The node that a pod occupies.
    pub fn node_of(&self, uid: &str) -> Option<&str> {
        self.pods.get(uid).map(|placed| placed.node.as_str())
    }

    fn place(&mut self, pod: &PodView, node: &str) -> bool {
        let placed = Placed::of(pod, node);
        if self.pods.get(&pod.uid).is_some_and(|known| *known == placed) {
            return false;
        }
        self.remove_pod(&pod.uid);
        self.by_node.entry_ref(node).or_default().insert(pod.uid.clone());
        self.shift(&placed, true);
        self.pods.insert(pod.uid.clone(), placed);
        true
    }

    fn shift(&mut self, placed: &Placed, came: bool) {
        let Some(slot) = self.nodes.slot(&placed.node) else { return };
        self.nodes.occupy(slot, &placed.needs, came);
        self.terms.shift(slot, placed.subject(), &placed.needs, came, &self.nodes, &self.namespaces);
    }

    fn shift_all(&mut self, node: &str, came: bool) {
        let uids: Vec<_> = self.by_node.get(node).into_iter().flatten().cloned().collect();
        for placed in uids.iter().filter_map(|uid| self.pods.get(uid).cloned()).collect::<Vec<_>>() {
            self.shift(&placed, came);
        }
    }

    /// Opens the counters that a pod's terms read.
    pub(crate) fn open_counters(&mut self, needs: &Needs) {
        self.terms.tidy();
        for key in crate::neighbours::counters(needs) {
            if !self.terms.knows(&key) {
                let nodes = &self.nodes;
                let pods = self.pods.values();
                let placed = pods.filter_map(|placed| Some((nodes.slot(&placed.node)?, placed.subject())));
                self.terms.open(key, nodes, &self.namespaces, placed);
            }
        }
    }
}
