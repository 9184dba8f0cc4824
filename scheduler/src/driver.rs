//! The driver's state: it applies changes to the fleet and the queue, and turns decisions into jobs.

use std::sync::Arc;

use cache::{Change, Document};
use hashbrown::{HashMap, HashSet};
use object::{Key, Time};

use crate::fleet::Fleet;
use crate::needs::Needs;
use crate::node::{NamespaceView, NodeView};
use crate::pod::{PodView, Told};
use crate::queue::Queue;
use crate::reasons::Reasons;
use crate::schedule::{Decision, schedule};
use crate::score::Profile;

/// What a change is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Topic {
    Nodes,
    Pods,
    Namespaces,
}

impl Topic {
    pub(crate) const ALL: [Topic; 3] = [Topic::Nodes, Topic::Pods, Topic::Namespaces];
}

/// Something to be written to the API.
#[derive(Debug)]
pub(crate) enum Job {
    /// Bind a pod to the node that it already occupies in the fleet.
    Bind {
        /// The pod.
        pod: Arc<PodView>,
        /// The node.
        node: String,
    },
    /// Tell in an Event that a pod was bound.
    Announce {
        /// The pod.
        pod: Arc<PodView>,
        /// The node.
        node: String,
    },
    /// Tell in the pod's condition, and in an Event, that and why it waits.
    Tell {
        /// The pod.
        pod: Arc<PodView>,
        /// What to tell.
        told: Told,
    },
}

/// How a binding ended.
#[derive(Debug, PartialEq)]
pub(crate) enum Bound {
    /// The API server took it.
    Done {
        /// The node.
        node: String,
    },
    /// The pod is gone, or bound by someone else: the watch tells what is.
    Conflict,
    /// It failed in another way, or nobody knows.
    Failed,
}

/// All that the driver knows. No I/O, no clock.
#[derive(Default)]
pub(crate) struct Driver {
    pub(crate) fleet: Fleet,
    pub(crate) queue: Queue,
    profile: Profile,
    scheduler: String,
    /// UIDs by key: a deletion is told by key alone.
    uids: HashMap<Key, Arc<str>>,
    /// One copy of each distinct need.
    needs: HashSet<Arc<Needs>>,
    listed: HashSet<Topic>,
    seed: u64,
}

impl Driver {
    pub(crate) fn new(profile: Profile, scheduler: String, seed: u64) -> Self {
        Self { profile, scheduler, seed, ..Self::default() }
    }

    /// Whether everything has been listed once: no pod is scheduled before.
    pub(crate) fn is_ready(&self) -> bool {
        self.listed.len() == Topic::ALL.len()
    }

    /// Whether there is a pod to schedule now.
    pub(crate) fn has_work(&self) -> bool {
        self.is_ready() && self.queue.has_active()
    }

    /// Applies a change; returns what to tell because of it.
    pub(crate) fn apply(&mut self, topic: Topic, change: Change, now: Time) -> Vec<Job> {
        match change {
            Change::Reset { objects, .. } => {
                self.listed.insert(topic);
                self.drop_absent(topic, &objects, now);
                objects.iter().filter_map(|document| self.put(topic, document, now)).collect()
            }
            Change::Put(document) => self.put(topic, &document, now).into_iter().collect(),
            Change::Gone { key, .. } => {
                self.gone(topic, &key, now);
                Vec::new()
            }
            Change::Progress(_) => Vec::new(),
        }
    }

    /// The next job: a binding, or a pod that waits to be told why. None if nothing is to be done; a pod that
    /// waits for a reason that was told already makes no job.
    pub(crate) fn step(&mut self, now: Time) -> Option<Job> {
        while let Some(pod) = self.queue.pop() {
            self.seed =
                self.seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            match schedule(&mut self.fleet, &pod, &self.profile, self.seed >> 11) {
                Decision::Bind { node, .. } => {
                    self.fleet.assume(&pod, &node);
                    return Some(Job::Bind { pod, node });
                }
                Decision::Wait { reasons } => {
                    self.queue.stuck(&pod.uid, now);
                    if let Some(job) = waits(pod, &reasons) {
                        return Some(job);
                    }
                }
            }
        }
        None
    }

    /// Notes how a binding ended; returns what to tell because of it.
    pub(crate) fn bound(&mut self, pod: Arc<PodView>, outcome: Bound, now: Time) -> Option<Job> {
        if let Bound::Done { node } = outcome {
            self.queue.remove(&pod.uid);
            return Some(Job::Announce { pod, node });
        }
        if !self.queue.contains(&pod.uid) {
            return None;
        }
        self.fleet.remove_pod(&pod.uid);
        self.queue.retry(&pod.uid, now);
        self.queue.wake(now);
        None
    }

    fn put(&mut self, topic: Topic, document: &Document, now: Time) -> Option<Job> {
        let bytes = &document.bytes;
        let put = match topic {
            Topic::Nodes => NodeView::decode(bytes).map(|node| self.put_node(node, now)),
            Topic::Namespaces => {
                NamespaceView::decode(bytes).map(|namespace| self.put_namespace(namespace, now))
            }
            Topic::Pods => PodView::decode(bytes).map(|pod| self.put_pod(pod, now)),
        };
        put.unwrap_or_else(|error| {
            tracing::warn!(key = %document.key, ?topic, %error, "cannot be read");
            None
        })
    }

    fn put_node(&mut self, node: NodeView, now: Time) -> Option<Job> {
        if self.fleet.put_node(node) {
            self.queue.wake(now);
        }
        None
    }

    fn put_namespace(&mut self, namespace: NamespaceView, now: Time) -> Option<Job> {
        if self.fleet.put_namespace(namespace) {
            self.queue.wake(now);
        }
        None
    }

    fn put_pod(&mut self, mut pod: PodView, now: Time) -> Option<Job> {
        pod.needs = self.needs.get_or_insert_with(&pod.needs, |needs| needs.clone()).clone();
        if let Some(old) = self.uids.insert(pod.key.clone(), pod.uid.clone()).filter(|old| *old != pod.uid) {
            self.pod_gone(&old, now);
        }
        if !pod.node.is_empty() || pod.finished {
            self.queue.remove(&pod.uid);
            let news = self.fleet.put_pod(&pod);
            if news {
                self.queue.wake(now);
            }
            return None;
        }
        if pod.scheduler != self.scheduler || pod.terminating {
            self.queue.remove(&pod.uid);
            return None;
        }
        if pod.gated {
            self.queue.remove(&pod.uid);
            return gated(pod);
        }
        let bound = self.fleet.node_of(&pod.uid).is_some() && !self.queue.contains(&pod.uid);
        if !bound {
            self.queue.put(Arc::new(pod));
        }
        None
    }

    fn gone(&mut self, topic: Topic, key: &Key, now: Time) {
        match topic {
            Topic::Nodes => self.fleet.remove_node(&key.name),
            Topic::Namespaces => self.fleet.remove_namespace(&key.name),
            Topic::Pods => {
                if let Some(uid) = self.uids.remove(key) {
                    self.pod_gone(&uid, now);
                }
            }
        }
    }

    fn pod_gone(&mut self, uid: &str, now: Time) {
        self.queue.remove(uid);
        if self.fleet.remove_pod(uid) {
            self.queue.wake(now);
        }
        self.tidy_needs();
    }

    /// Forgets what a new list no longer shows.
    fn drop_absent(&mut self, topic: Topic, objects: &[Document], now: Time) {
        let listed: HashSet<&Key> = objects.iter().map(|document| &document.key).collect();
        let known: Vec<Key> = match topic {
            Topic::Nodes => self.fleet.node_names().map(|name| Key::new("", name)).collect(),
            Topic::Namespaces => self.fleet.namespace_names().map(|name| Key::new("", name)).collect(),
            Topic::Pods => self.uids.keys().cloned().collect(),
        };
        known.iter().filter(|key| !listed.contains(key)).for_each(|key| self.gone(topic, key, now));
    }

    /// Drops needs that no pod has any more, once they are many.
    fn tidy_needs(&mut self) {
        if self.needs.len() > 256 && self.needs.len() > self.uids.len() {
            self.needs.retain(|needs| Arc::strong_count(needs) > 1);
        }
    }
}

/// What to tell about a pod that waits; none if it was told already.
fn waits(pod: Arc<PodView>, reasons: &Reasons) -> Option<Job> {
    let told = Told { reason: "Unschedulable".to_owned(), message: reasons.to_string() };
    (pod.told.as_ref() != Some(&told)).then_some(Job::Tell { pod, told })
}

/// What to tell about a pod with scheduling gates; none if the API server did already.
fn gated(pod: PodView) -> Option<Job> {
    if pod.told.as_ref().is_some_and(|told| told.reason == GATED) {
        return None;
    }
    let message = "Scheduling is blocked due to non-empty scheduling gates".to_owned();
    Some(Job::Tell { pod: Arc::new(pod), told: Told { reason: GATED.to_owned(), message } })
}

/// The condition's reason for pods with scheduling gates.
pub(crate) const GATED: &str = "SchedulingGated";

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(mut object: Value, namespace: &str, name: &str) -> Document {
        object["metadata"]["name"] = name.into();
        object["metadata"]["namespace"] = namespace.into();
        let key = Key::new(namespace, name);
        Document { key, bytes: object.to_string().into_bytes().into(), revision: 1 }
    }

    fn node(name: &str) -> Document {
        document(json!({"status": {"allocatable": {"cpu": "1", "memory": "1Gi", "pods": "10"}}}), "", name)
    }

    fn pod(name: &str, cpu: &str, node: &str) -> Document {
        let container = json!({"name": "c", "resources": {"requests": {"cpu": cpu}}});
        let spec = json!({"schedulerName": "default-scheduler", "nodeName": node, "containers": [container]});
        document(json!({"metadata": {"uid": name}, "spec": spec}), "d", name)
    }

    fn driver(nodes: Vec<Document>, pods: Vec<Document>) -> Driver {
        let mut driver = Driver::new(Profile::default(), "default-scheduler".into(), 1);
        for (topic, objects) in [(Topic::Pods, pods), (Topic::Nodes, nodes), (Topic::Namespaces, Vec::new())]
        {
            assert!(driver.apply(topic, Change::Reset { objects, revision: 1 }, NOW).is_empty());
        }
        driver
    }

    const NOW: Time = Time::UNIX_EPOCH;

    fn told(driver: &mut Driver, now: Time) -> String {
        match driver.step(now) {
            Some(Job::Bind { pod, node }) => format!("{} to {node}", pod.key.name),
            Some(Job::Announce { .. }) => panic!("nothing was bound"),
            Some(Job::Tell { pod, told }) => format!("{}: {}", pod.key.name, told.message),
            None => "nothing".to_owned(),
        }
    }

    #[test]
    fn assumed_pods_count_until_forgotten() {
        let mut driver = driver(vec![node("n")], vec![pod("a", "600m", ""), pod("b", "600m", "")]);
        assert_eq!(told(&mut driver, NOW), "a to n");
        assert_eq!(told(&mut driver, NOW), "b: 0/1 nodes are available: 1 Insufficient cpu.");
        let a = Arc::new(PodView::decode(&pod("a", "600m", "").bytes).unwrap());
        assert!(driver.bound(a.clone(), Bound::Failed, NOW).is_none());
        let later = NOW + jiff::SignedDuration::from_secs(1);
        driver.queue.advance(later);
        assert_eq!(told(&mut driver, later), "a to n");
        assert!(driver.bound(a, Bound::Done { node: "n".into() }, later).is_some());
        assert!(driver.apply(Topic::Pods, Change::Put(pod("a", "600m", "n")), later).is_empty());
        assert_eq!(driver.fleet.node_of("a"), Some("n"));
        driver.apply(Topic::Pods, Change::Gone { key: Key::new("d", "a"), revision: 2 }, later);
        let later = later + jiff::SignedDuration::from_secs(60);
        driver.queue.advance(later);
        assert_eq!(told(&mut driver, later), "b to n");
    }

    #[test]
    fn a_new_node_wakes_and_a_new_list_forgets() {
        let mut driver = driver(vec![], vec![pod("a", "1", ""), pod("x", "1", "n")]);
        assert_eq!(told(&mut driver, NOW), "a: no nodes available to schedule pods");
        driver.apply(Topic::Nodes, Change::Put(node("n")), NOW);
        let later = NOW + jiff::SignedDuration::from_secs(1);
        driver.queue.advance(later);
        assert_eq!(told(&mut driver, later), "a: 0/1 nodes are available: 1 Insufficient cpu.");
        driver.apply(Topic::Pods, Change::Reset { objects: vec![pod("a", "1", "")], revision: 2 }, later);
        let later = later + jiff::SignedDuration::from_secs(2);
        driver.queue.advance(later);
        assert_eq!(told(&mut driver, later), "a to n");
    }

    #[test]
    fn gated_pods_are_told_once() {
        let mut driver = driver(vec![node("n")], vec![]);
        let mut object: Value = serde_json::from_slice(&pod("a", "1", "").bytes).unwrap();
        object["spec"]["schedulingGates"] = json!([{"name": "g"}]);
        let jobs = driver.apply(Topic::Pods, Change::Put(document(object.clone(), "d", "a")), NOW);
        assert!(matches!(&jobs[..], [Job::Tell { told, .. }] if told.reason == GATED));
        object["status"]["conditions"] =
            json!([{"type": "PodScheduled", "status": "False", "reason": GATED}]);
        assert!(driver.apply(Topic::Pods, Change::Put(document(object, "d", "a")), NOW).is_empty());
        assert_eq!(told(&mut driver, NOW), "nothing");
    }
}
