//! What was last seen of each pod's containers, and what they were told: a mirror that events make stale.

use std::collections::HashMap;
use std::sync::Arc;

use containerd::Found;
use object::Time;
use parking_lot::Mutex;
use tokio::task::AbortHandle;

use super::{UID, is_alive};

/// All mirrors, by UID of the pod. Locked for a look-up or an update, never across an await.
#[derive(Default)]
pub(super) struct Pods(Mutex<HashMap<Arc<str>, Mirror>>);

/// What is known of one pod.
#[derive(Clone, Default)]
pub(super) struct Mirror {
    /// Its containers, as containerd told them.
    found: Vec<Found>,
    /// Counts what may have changed them; equal to `looked` while `found` is good.
    changes: u64,
    looked: u64,
    /// When containers were started, by id; those of before a restart of the agent count from their creation.
    pub(super) started: HashMap<String, Time>,
    /// Why containers could not be started, by id.
    pub(super) unstarted: HashMap<String, String>,
    /// Containers that were told to stop, by id.
    pub(super) stopping: HashMap<String, Stopping>,
    /// What images resolved to, by canonical name.
    pub(super) image_ids: HashMap<String, String>,
    /// How containers ended, by id.
    pub(super) ends: HashMap<String, End>,
    /// Whether the pod's volumes show what may change; none where that was not looked at.
    pub(super) has_sources: Option<bool>,
    /// Whether it is time to show it.
    pub(super) is_due: bool,
}

/// What a container that ended left behind.
#[derive(Clone, Default)]
pub(super) struct End {
    /// Its last words, as its termination message policy has them.
    pub(super) message: String,
    /// Whether the kernel ended it for want of memory.
    pub(super) oom_killed: bool,
}

/// A container that was told to stop.
#[derive(Clone)]
pub(super) struct Stopping {
    /// When it is killed.
    pub(super) deadline: Time,
    /// The task that sees to it.
    pub(super) task: AbortHandle,
}

impl Pods {
    /// A pod's containers, where nothing happened to them since they were looked at.
    pub(super) fn fresh(&self, uid: &str) -> Option<Vec<Found>> {
        let pods = self.0.lock();
        let mirror = pods.get(uid)?;
        (mirror.looked == mirror.changes).then(|| mirror.found.clone())
    }

    /// What was last seen.
    pub(super) fn mirror(&self, uid: &str) -> Mirror {
        self.0.lock().get(uid).cloned().unwrap_or_default()
    }

    /// Begins a look; changes from now on make its result stale.
    pub(super) fn begin_look(&self, uid: &Arc<str>) -> u64 {
        let fresh = || Mirror { changes: 1, ..Mirror::default() };
        self.0.lock().entry(uid.clone()).or_insert_with(fresh).changes
    }

    /// Keeps what a look found.
    pub(super) fn keep(&self, uid: &str, seen: u64, found: &[Found]) {
        if let Some(mirror) = self.0.lock().get_mut(uid) {
            mirror.found = found.to_vec();
            mirror.looked = seen;
            let there = |id: &String| found.iter().any(|found| found.id == *id);
            mirror.ends.retain(|id, _| there(id));
            mirror.unstarted.retain(|id, _| there(id));
            let runs = |id: &String| found.iter().any(|found| found.id == *id && is_alive(&found.state));
            mirror.stopping.retain(|id, stopping| {
                let runs = runs(id);
                if !runs {
                    stopping.task.abort();
                }
                runs
            });
        }
    }

    /// Something may have changed.
    pub(super) fn stale(&self, uid: &str) {
        if let Some(mirror) = self.0.lock().get_mut(uid) {
            mirror.changes += 1;
        }
    }

    /// Anything may have changed; whose.
    pub(super) fn all_stale(&self) -> Vec<Arc<str>> {
        let mut pods = self.0.lock();
        pods.values_mut().for_each(|mirror| mirror.changes += 1);
        pods.keys().cloned().collect()
    }

    /// The pod of a container, by what was last seen.
    pub(super) fn owner(&self, id: &str) -> Option<Arc<str>> {
        let pods = self.0.lock();
        let has = |mirror: &Mirror| {
            mirror.started.contains_key(id) || mirror.found.iter().any(|found| found.id == id)
        };
        let owner = pods.iter().find(|(_, mirror)| has(mirror));
        owner.map(|(uid, _)| uid.clone())
    }

    /// Makes all volumes due that show what may change; whose they are.
    pub(super) fn make_due(&self) -> Vec<Arc<str>> {
        let mut pods = self.0.lock();
        let with_sources = pods.iter_mut().filter(|(_, mirror)| mirror.has_sources == Some(true));
        let due = with_sources.map(|(uid, mirror)| {
            mirror.is_due = true;
            uid.clone()
        });
        due.collect()
    }

    /// Compares what was last seen with all that there is, in case that an event was lost: the pods that differ, now
    /// stale.
    pub(super) fn compare(&self, all: &[Found]) -> Vec<Arc<str>> {
        let seen = |found: &Found| (found.id.clone(), found.state.clone());
        let mut now = HashMap::<&str, Vec<_>>::new();
        for found in all {
            now.entry(found.labels.get(UID).map_or("", String::as_str)).or_default().push(seen(found));
        }
        let mut differ = Vec::new();
        for (uid, mirror) in self.0.lock().iter_mut().filter(|(_, mirror)| mirror.looked == mirror.changes) {
            let there = now.remove(&**uid).unwrap_or_default();
            let same = mirror.found.len() == there.len()
                && mirror.found.iter().all(|found| there.contains(&seen(found)));
            if !same {
                mirror.changes += 1;
                differ.push(uid.clone());
            }
        }
        differ
    }

    /// Works on what is known of a pod; one that is not known stays so.
    pub(super) fn update(&self, uid: &str, work: impl FnOnce(&mut Mirror)) {
        if let Some(mirror) = self.0.lock().get_mut(uid) {
            work(mirror);
        }
    }

    /// Forgets a pod.
    pub(super) fn forget(&self, uid: &str) {
        if let Some(mirror) = self.0.lock().remove(uid) {
            mirror.stopping.values().for_each(|stopping| stopping.task.abort());
        }
    }
}
