//! The pods that the agent knows.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use object::Key;
use tokio::time::Instant;

use crate::pod::{Pod, Spec};
use crate::status::Phase;
use crate::troubles::Troubles;

/// The pods that are known.
#[derive(Default)]
pub(crate) struct Pods {
    by_uid: HashMap<Arc<str>, Known>,
    /// Those that the API has, by namespace and name.
    uids: HashMap<Key, Arc<str>>,
    /// One copy of each distinct spec.
    specs: HashSet<Arc<Spec>>,
}

/// A pod as last seen; `gone` once the API no longer has it.
struct Known {
    pod: Arc<Pod>,
    gone: bool,
    troubles: Troubles,
    /// The last patch of its status that was taken, as a digest, and when.
    said: Option<(u64, Instant)>,
}

impl Known {
    fn new(pod: Pod, gone: bool) -> Self {
        Self { pod: Arc::new(pod), gone, troubles: Troubles::default(), said: None }
    }
}

impl Pods {
    /// How many pods run, as the API has it.
    pub(crate) fn running(&self) -> usize {
        let runs = |known: &&Known| !known.gone && known.pod.status.phase == Phase::Running;
        self.by_uid.values().filter(runs).count()
    }

    /// A pod, and whether the API no longer has it.
    pub(crate) fn get(&self, uid: &str) -> Option<(Arc<Pod>, bool)> {
        self.by_uid.get(uid).map(|known| (known.pod.clone(), known.gone))
    }

    /// Keeps the pod unless a newer one is known; whether it did.
    pub(crate) fn put(&mut self, mut pod: Pod) -> bool {
        let known = self.by_uid.get(&pod.uid);
        if known.is_some_and(|known| known.gone || known.pod.revision >= pod.revision) {
            return false;
        }
        match self.specs.get(&pod.spec) {
            Some(shared) => pod.spec = shared.clone(),
            None => drop(self.specs.insert(pod.spec.clone())),
        }
        self.uids.insert(pod.key.clone(), pod.uid.clone());
        match self.by_uid.get_mut(&pod.uid) {
            Some(known) => known.pod = Arc::new(pod),
            None => drop(self.by_uid.insert(pod.uid.clone(), Known::new(pod, false))),
        }
        true
    }

    /// The pod of this key, where the API has it.
    pub(crate) fn find(&self, key: &Key) -> Option<&Arc<Pod>> {
        self.by_uid.get(self.uids.get(key)?).map(|known| &known.pod)
    }

    /// The UID of the pod of this key, where the API has it.
    pub(crate) fn uid(&self, key: &Key) -> Option<&Arc<str>> {
        self.uids.get(key)
    }

    /// The keys of all pods that the API has.
    pub(crate) fn keys(&self) -> Vec<Key> {
        self.uids.keys().cloned().collect()
    }

    /// Notes that the API has no pod of this key any more; the UID of the one it had.
    pub(crate) fn gone(&mut self, key: &Key) -> Option<Arc<str>> {
        let uid = self.uids.remove(key)?;
        if let Some(known) = self.by_uid.get_mut(&uid) {
            known.gone = true;
        }
        Some(uid)
    }

    /// Takes on a pod that only the runtime knows; whether it was unknown.
    pub(crate) fn adopt(&mut self, key: Key, uid: &Arc<str>) -> bool {
        let unknown = !self.by_uid.contains_key(uid);
        if unknown {
            let pod = Pod { key, uid: uid.clone(), ..Pod::default() };
            self.by_uid.insert(uid.clone(), Known::new(pod, true));
        }
        unknown
    }

    /// Until when a patch waits that is the one taken last: the API does not keep what it says.
    pub(crate) fn said(&self, uid: &str, patch: u64, wait: Duration) -> Option<Instant> {
        let (said, at) = self.by_uid.get(uid)?.said?;
        Some(at + wait).filter(|until| said == patch && *until > Instant::now())
    }

    /// Notes that a patch of the status was taken.
    pub(crate) fn say(&mut self, uid: &str, patch: u64) {
        if let Some(known) = self.by_uid.get_mut(uid) {
            known.said = Some((patch, Instant::now()));
        }
    }

    /// Works on the troubles of a pod that is known.
    pub(crate) fn troubles(&mut self, uid: &str, work: impl FnOnce(&mut Troubles)) {
        if let Some(known) = self.by_uid.get_mut(uid) {
            work(&mut known.troubles);
        }
    }

    /// Forgets a pod that is gone.
    pub(crate) fn forget(&mut self, uid: &str) {
        self.by_uid.remove(uid);
        if self.specs.len() > 256 && self.specs.len() > self.by_uid.len() {
            self.specs.retain(|spec| Arc::strong_count(spec) > 1);
        }
    }
}
