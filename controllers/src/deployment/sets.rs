//! A deployment and its replica sets in the course of one decision: as they are, and as they shall be.

use cache::Snapshot;
use drive::{Action, Failure, NoteType, Outcome, Plan, Precondition};
use object::{Key, Map, Time};
use serde_json::json;

use super::annotations::{self, Annotations};
use super::{KIND, conditions, rolling, status, template};
use crate::ownership;
use crate::replicaset;
use crate::views::{Condition, Deployment, DeploymentStatus, ReplicaSet, ReplicaSetStatus};

/// A replica set of this name exists, with another template or another owner.
#[derive(Debug)]
pub(super) struct Collision;

/// A replica set as it is and as it shall be.
#[derive(Clone)]
pub(super) struct Set<'a> {
    /// As it is; none where it is to be created.
    pub(super) view: Option<&'a ReplicaSet>,
    pub(super) name: String,
    /// As it shall be.
    pub(super) replicas: i64,
    /// As they shall be.
    pub(super) annotations: Annotations,
    /// As it shall be.
    min_ready_seconds: i64,
}

impl<'a> Set<'a> {
    fn existing(view: &'a ReplicaSet) -> Self {
        Self {
            view: Some(view),
            name: view.metadata.name.clone(),
            replicas: view.desired(),
            annotations: view.metadata.annotations.to_map(),
            min_ready_seconds: view.spec.min_ready_seconds,
        }
    }

    /// What it says of its pods.
    pub(super) fn status(&self) -> ReplicaSetStatus {
        let fresh = || ReplicaSetStatus { terminating_replicas: Some(0), ..Default::default() };
        self.view.map_or_else(fresh, |view| view.status.clone())
    }

    pub(super) fn available(&self) -> i64 {
        self.view.map_or(0, |view| view.status.available_replicas)
    }
}

/// The state of a decision.
pub(super) struct Work<'a> {
    pub(super) deployment: &'a Deployment,
    /// The oldest first, one to be created last.
    pub(super) sets: Vec<Set<'a>>,
    /// Index of the one with the deployment's template.
    pub(super) new: Option<usize>,
    /// Conditions as they shall be.
    pub(super) conditions: Vec<Condition>,
    /// Status as it shall be, once known.
    pub(super) status: Option<DeploymentStatus>,
    /// Replica sets to delete.
    pub(super) surplus: Vec<usize>,
    pub(super) plan: Plan,
    pub(super) now: Time,
}

impl<'a> Work<'a> {
    pub(super) fn new(deployment: &'a Deployment, mut sets: Vec<&'a ReplicaSet>, now: Time) -> Self {
        sets.sort_by_key(|set| (set.metadata.creation_timestamp, set.metadata.name.as_str()));
        let identity = template::identity(&deployment.spec.template);
        let new = sets.iter().position(|set| template::identity(&set.spec.template) == identity);
        Self {
            deployment,
            sets: sets.into_iter().map(Set::existing).collect(),
            new,
            conditions: deployment.status.conditions.clone(),
            status: None,
            surplus: Vec::new(),
            plan: Plan::default(),
            now,
        }
    }

    /// Indexes of all but the new one, the oldest first.
    pub(super) fn old(&self) -> Vec<usize> {
        (0..self.sets.len()).filter(|&at| Some(at) != self.new).collect()
    }

    /// Indexes of those that shall have pods, among these.
    pub(super) fn active(&self, among: Vec<usize>) -> Vec<usize> {
        among.into_iter().filter(|&at| self.sets[at].replicas > 0).collect()
    }

    /// How many pods there shall be.
    pub(super) fn total(&self) -> i64 {
        self.sets.iter().map(|set| set.replicas).sum()
    }

    /// Whether a replica set with pods was last scaled for another size of the deployment.
    pub(super) fn was_resized(&self) -> bool {
        let desired = self.deployment.desired();
        let mut active = self.sets.iter().filter(|set| set.replicas > 0);
        active.any(|set| annotations::desired(&set.annotations).is_some_and(|old| old != desired))
    }

    /// Finds the new replica set and keeps its annotations up; nothing where there is none.
    pub(super) fn find_new(&mut self) {
        let Some(new) = self.new else { return };
        let revision = self.next_revision();
        let set = &mut self.sets[new];
        annotations::note_current(&mut set.annotations, self.deployment, revision);
        set.min_ready_seconds = self.deployment.spec.min_ready_seconds;
        conditions::note_found(self);
    }

    /// Finds the new replica set, or makes one.
    pub(super) fn find_or_create_new(&mut self, snapshot: &Snapshot) -> Result<(), Collision> {
        if self.new.is_some() {
            self.find_new();
            return Ok(());
        }
        let hash = template::hash(&self.deployment.spec.template, self.collisions());
        let name = format!("{}-{hash}", self.deployment.metadata.name);
        let key = Key::new(self.deployment.metadata.namespace.as_str(), name.as_str());
        if snapshot.get::<ReplicaSet>(&key).is_some() {
            return Err(Collision);
        }
        let replicas = rolling::new_size(self, 0);
        let (revision, desired) = (self.next_revision(), self.deployment.desired());
        let mut annotations = Annotations::new();
        annotations::note_current(&mut annotations, self.deployment, revision);
        annotations::note_size(&mut annotations, desired, desired + rolling::max_surge(self.deployment));
        let min_ready_seconds = self.deployment.spec.min_ready_seconds;
        self.sets.push(Set { view: None, name, replicas, annotations, min_ready_seconds });
        self.new = Some(self.sets.len() - 1);
        conditions::note_created(self);
        Ok(())
    }

    fn next_revision(&self) -> i64 {
        let revisions = self.old().into_iter().map(|at| annotations::revision(&self.sets[at].annotations));
        revisions.max().unwrap_or(0) + 1
    }

    pub(super) fn collisions(&self) -> i64 {
        self.deployment.status.collision_count.unwrap_or(0)
    }

    /// Scales, and notes for which size of the deployment; whether anything changes.
    pub(super) fn scale(&mut self, at: usize, replicas: i64) -> bool {
        let (desired, surge) = (self.deployment.desired(), rolling::max_surge(self.deployment));
        let set = &mut self.sets[at];
        let changes = set.replicas != replicas;
        set.replicas = replicas;
        annotations::note_size(&mut set.annotations, desired, desired + surge);
        changes
    }

    /// Another hash is needed: the next decision makes it.
    pub(super) fn count_collision(mut self) -> Outcome {
        let status = json!({"collisionCount": self.collisions() + 1});
        self.plan.act(ownership::patch_status(KIND, &self.deployment.metadata, status));
        self.plan.into()
    }

    /// Tells of a replica set that could not be created.
    pub(super) fn note_failure(&mut self, failure: Option<&Failure>) {
        let Some(failure) = failure.filter(|f| !f.conflict) else { return };
        let Action::Create { object, .. } = &failure.action else { return };
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let message = format!("Failed to create new replica set {name:?}: {}", failure.message);
        self.plan.tell(self.deployment.owner().note(NoteType::Warning, "FailedCreate", message.clone()));
        conditions::note_failed(self, message);
    }

    /// The actions that lead from what is to what shall be. The status comes first where it tells of a failure,
    /// since what failed may fail again.
    pub(super) fn into_plan(mut self, status_first: bool) -> Plan {
        if status_first {
            self.patch_status(false);
        }
        for at in 0..self.sets.len() {
            self.write_set(at);
        }
        for at in std::mem::take(&mut self.surplus) {
            self.delete_set(at);
        }
        self.patch_status(true);
        self.plan
    }

    fn write_set(&mut self, at: usize) {
        let set = self.sets[at].clone();
        let action = match set.view {
            None => Some(self.create_action(&set)),
            Some(view) => patch_action(&set, view),
        };
        let was = set.view.map_or(0, ReplicaSet::desired);
        match action {
            None => {}
            Some(action) if was == set.replicas => self.plan.act(action),
            Some(action) => {
                let way = if set.replicas > was { "up" } else { "down" };
                let message = format!("Scaled {way} replica set {} from {was} to {}", set.name, set.replicas);
                let note = self.deployment.owner().note(NoteType::Normal, "ScalingReplicaSet", message);
                self.plan.act_and_tell(action, note);
            }
        }
    }

    fn create_action(&self, set: &Set<'_>) -> Action {
        let spec = &self.deployment.spec;
        let hash = set.name.rsplit('-').next().unwrap_or_default();
        let mut template = spec.template.clone();
        template["metadata"]["labels"][template::HASH_LABEL] = hash.into();
        let mut selector = spec.selector.written().clone();
        selector["matchLabels"][template::HASH_LABEL] = hash.into();
        let owner = ownership::reference(KIND, &self.deployment.metadata);
        let mut object = json!({
            "apiVersion": "apps/v1",
            "kind": "ReplicaSet",
            "metadata": {
                "name": set.name,
                "namespace": self.deployment.metadata.namespace,
                "labels": template["metadata"]["labels"],
                "annotations": set.annotations,
                "ownerReferences": ownership::owners_value(&[owner]),
            },
            "spec": {"replicas": set.replicas, "selector": selector, "template": template},
        });
        if set.min_ready_seconds != 0 {
            object["spec"]["minReadySeconds"] = set.min_ready_seconds.into();
        }
        Action::Create { kind: replicaset::KIND.into(), object }
    }

    fn delete_set(&mut self, at: usize) {
        let Some(view) = self.sets[at].view else { return };
        let mut action = ownership::delete(replicaset::KIND, &view.metadata);
        if let Action::Delete { when, .. } = &mut action {
            when.resource_version = Some(view.metadata.resource_version.clone());
        }
        self.plan.act(action);
    }

    /// Tells the status, and at the end the revision, which is that of the new replica set. With the status it is no new
    /// wish of anybody, as another annotation would be.
    fn patch_status(&mut self, at_the_end: bool) {
        let meta = &self.deployment.metadata;
        let mut when = Precondition { uid: meta.uid.clone(), resource_version: None };
        let mut patch = Map::new();
        if let Some(next) = self.status.take().filter(|next| *next != self.deployment.status) {
            patch.insert("status".to_owned(), status::to_value(&next));
            when.resource_version = Some(meta.resource_version.clone());
        }
        let unnoted = self.revision().filter(|_| at_the_end && !meta.is_terminating() && self.is_unnoted());
        if let Some(revision) = unnoted {
            patch.insert("metadata".to_owned(), json!({"annotations": {annotations::REVISION: revision}}));
        }
        if !patch.is_empty() {
            let (key, patch) = (meta.key(), patch.into());
            self.plan.act(Action::Patch { kind: KIND.into(), key, subresource: Some("status"), patch, when });
        }
    }

    /// The new replica set's revision.
    fn revision(&self) -> Option<&String> {
        self.sets[self.new?].annotations.get(annotations::REVISION)
    }

    /// Whether the deployment's status is about a replica set that is no longer the new one. Its revision is the
    /// last thing to be written in a decision.
    pub(super) fn is_unnoted(&self) -> bool {
        self.deployment.metadata.annotations.get(annotations::REVISION) != self.revision().map(String::as_str)
    }
}

/// What changes of an existing replica set; none where nothing does.
fn patch_action(set: &Set<'_>, view: &ReplicaSet) -> Option<Action> {
    let mut patch = Map::new();
    let changed =
        set.annotations.iter().filter(|(name, value)| view.metadata.annotations.get(name) != Some(value));
    let changed: Map = changed.map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    if !changed.is_empty() {
        patch.insert("metadata".to_owned(), json!({"annotations": changed}));
    }
    let mut spec = Map::new();
    if set.replicas != view.desired() {
        spec.insert("replicas".to_owned(), set.replicas.into());
    }
    if set.min_ready_seconds != view.spec.min_ready_seconds {
        spec.insert("minReadySeconds".to_owned(), set.min_ready_seconds.into());
    }
    if !spec.is_empty() {
        patch.insert("spec".to_owned(), spec.into());
    }
    (!patch.is_empty()).then(|| ownership::patch(replicaset::KIND, &view.metadata, patch.into()))
}
