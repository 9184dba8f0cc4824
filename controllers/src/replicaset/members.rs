//! Which pods a replica set has, and which it takes or gives up.

use std::collections::{BTreeMap, HashSet};

use cache::Snapshot;

use crate::ownership::Claim;
use crate::views::{Pod, ReplicaSet};

/// The pods that concern a replica set.
#[derive(Default)]
pub(super) struct Members<'a> {
    /// Its own that are neither finished nor going, those to be adopted included.
    pub(super) active: Vec<&'a Pod>,
    /// Its own that are going.
    pub(super) terminating: usize,
    /// To be adopted.
    pub(super) adopt: Vec<&'a Pod>,
    /// To be released.
    pub(super) release: Vec<&'a Pod>,
    /// All its own, whatever their state.
    owned: Vec<&'a Pod>,
}

impl<'a> Members<'a> {
    pub(super) fn of(snapshot: &'a Snapshot, set: &'a ReplicaSet) -> Self {
        let mut members = Self::default();
        let pods = snapshot.table::<Pod>();
        for pod in pods.owned_by(&set.metadata.uid) {
            members.see(set, pod);
        }
        let orphans =
            pods.namespace(&set.metadata.namespace).filter(|pod| pod.metadata.controller().is_none());
        orphans.for_each(|pod| members.see(set, pod));
        members
    }

    fn see(&mut self, set: &ReplicaSet, pod: &'a Pod) {
        match set.owner().claim(&pod.metadata) {
            Claim::Keep => self.keep(pod),
            Claim::Adopt if pod.is_active() => {
                self.adopt.push(pod);
                self.active.push(pod);
            }
            Claim::Release => self.release.push(pod),
            Claim::Adopt | Claim::Ignore => {}
        }
    }

    fn keep(&mut self, pod: &'a Pod) {
        self.owned.push(pod);
        if pod.is_active() {
            self.active.push(pod);
        } else if !pod.is_finished() {
            self.terminating += 1;
        }
    }

    /// The names of its own pods.
    pub(super) fn owned_names(&self) -> HashSet<String> {
        self.owned.iter().map(|pod| pod.metadata.name.clone()).collect()
    }
}

/// How many active pods of the set, and of the sets that share its controller, each node has.
pub(super) fn by_node<'a>(snapshot: &'a Snapshot, set: &ReplicaSet) -> BTreeMap<&'a str, usize> {
    let sets = snapshot.table::<ReplicaSet>();
    let mut uids = HashSet::from([set.metadata.uid.as_str()]);
    if let Some(owner) = set.metadata.controller() {
        uids.extend(sets.owned_by(&owner.uid).map(|related| related.metadata.uid.as_str()));
    }
    let mut nodes = BTreeMap::new();
    for pod in
        uids.into_iter().flat_map(|uid| snapshot.table::<Pod>().owned_by(uid)).filter(|pod| pod.is_active())
    {
        *nodes.entry(pod.spec.node_name.as_str()).or_default() += 1;
    }
    nodes
}
