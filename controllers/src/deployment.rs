//! Deployments: replaces the pods of one template by those of the next, by way of replica sets.

mod annotations;
mod cleanup;
mod conditions;
mod recreate;
mod rolling;
mod scaling;
mod sets;
mod status;
mod template;

use std::any::Any;

use cache::Snapshot;
use drive::{Controller, Item, KindName, Map, Memory, NoteType, Outcome, Plan, Watch};
use object::{Key, Time};
use serde_json::json;

use crate::ownership::{self, Claim, Owner};
use crate::replicaset;
use crate::views::{Deployment, Pod, ReplicaSet};
use sets::{Collision, Work};

pub(crate) const KIND: KindName = ("apps", "Deployment");

/// The controller.
pub(crate) const CONTROLLER: Controller =
    Controller { name: "deployment-controller", kind: KIND, watches, reconcile };

fn watches() -> Vec<Watch> {
    vec![
        Watch::of::<Deployment>(Map::Itself),
        Watch::of::<ReplicaSet>(Map::Of(deployments_of)),
        Watch::of::<Pod>(Map::Of(recreated_by)),
    ]
}

/// A replica set concerns its controller; one without concerns every deployment that selects it.
fn deployments_of(snapshot: &Snapshot, set: &dyn Any) -> Vec<Key> {
    let Some(set) = set.downcast_ref::<ReplicaSet>() else { return Vec::new() };
    if set.metadata.controller().is_some() {
        return ownership::controller_key(KIND, &set.metadata).into_iter().collect();
    }
    let deployments = snapshot.table::<Deployment>().namespace(&set.metadata.namespace);
    deployments.filter(|d| d.spec.selector.matches(&set.metadata.labels)).map(|d| d.metadata.key()).collect()
}

/// A pod concerns only a deployment that waits for old pods to be gone before it makes new ones.
fn recreated_by(snapshot: &Snapshot, pod: &dyn Any) -> Vec<Key> {
    let find = || {
        let pod = pod.downcast_ref::<Pod>()?;
        let set = snapshot.get::<ReplicaSet>(&ownership::controller_key(replicaset::KIND, &pod.metadata)?)?;
        let key = ownership::controller_key(KIND, &set.metadata)?;
        snapshot.get::<Deployment>(&key).filter(|d| d.recreates())?;
        Some(key)
    };
    find().into_iter().collect()
}

impl Deployment {
    fn owner(&self) -> Owner<'_> {
        Owner { kind: KIND, meta: &self.metadata, selector: &self.spec.selector }
    }

    fn desired(&self) -> i64 {
        self.spec.replicas.unwrap_or(1)
    }

    fn recreates(&self) -> bool {
        self.spec.strategy.kind == "Recreate"
    }
}

/// Which way a deployment goes now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// It is going: only its status is kept up.
    Going,
    /// It is paused, or its size changed: replica sets are scaled as they are, nothing is rolled out.
    Scale,
    /// All old pods go before new ones come.
    Recreate,
    /// Old pods go as new ones come.
    Rolling,
}

fn way(work: &Work<'_>) -> Way {
    match work.deployment {
        deployment if deployment.metadata.is_terminating() => Way::Going,
        deployment if deployment.spec.paused || work.was_resized() => Way::Scale,
        deployment if deployment.recreates() => Way::Recreate,
        _ => Way::Rolling,
    }
}

fn reconcile(snapshot: &Snapshot, item: &Item, memory: &mut Memory, now: Time) -> Outcome {
    let Some(deployment) = snapshot.get::<Deployment>(&item.key) else { return Outcome::nothing() };
    if deployment.spec.selector.is_empty() {
        return select_nothing(deployment);
    }
    let claims = Claims::of(snapshot, deployment);
    if !claims.adopt.is_empty() || !claims.release.is_empty() {
        return claims.settle(deployment, memory);
    }
    let mut work = Work::new(deployment, claims.keep, now);
    work.note_failure(memory.failure());
    match roll(&mut work, snapshot) {
        Ok(()) => work.into_plan(memory.failure().is_some()).into(),
        Err(Collision) => work.count_collision(),
    }
}

fn roll(work: &mut Work<'_>, snapshot: &Snapshot) -> Result<(), Collision> {
    let way = way(work);
    if way != Way::Going {
        conditions::note_pause(work);
    }
    match way {
        Way::Going => {}
        Way::Scale => scaling::run(work),
        Way::Recreate => recreate::run(work, snapshot)?,
        Way::Rolling => rolling::run(work, snapshot)?,
    }
    status::update(work, matches!(way, Way::Recreate | Way::Rolling));
    Ok(())
}

/// A selector without terms would select everything: the deployment is left alone, and says so.
fn select_nothing(deployment: &Deployment) -> Outcome {
    let mut plan = Plan::default();
    let message = "This deployment is selecting all pods. A non-empty selector is required.".to_owned();
    plan.tell(deployment.owner().note(NoteType::Warning, "SelectingAll", message));
    if deployment.status.observed_generation < deployment.metadata.generation {
        let status = json!({"observedGeneration": deployment.metadata.generation});
        plan.act(ownership::patch_status(KIND, &deployment.metadata, status));
    }
    plan.into()
}

/// What a deployment is to the replica sets around it.
#[derive(Default)]
struct Claims<'a> {
    keep: Vec<&'a ReplicaSet>,
    adopt: Vec<&'a ReplicaSet>,
    release: Vec<&'a ReplicaSet>,
}

impl<'a> Claims<'a> {
    fn of(snapshot: &'a Snapshot, deployment: &'a Deployment) -> Self {
        let mut claims = Self::default();
        for set in snapshot.table::<ReplicaSet>().namespace(&deployment.metadata.namespace) {
            match deployment.owner().claim(&set.metadata) {
                Claim::Keep => claims.keep.push(set),
                Claim::Adopt => claims.adopt.push(set),
                Claim::Release => claims.release.push(set),
                Claim::Ignore => {}
            }
        }
        claims
    }

    /// Adopts and releases, and nothing else: that changes the replica sets.
    fn settle(&self, deployment: &Deployment, memory: &Memory) -> Outcome {
        let owner = deployment.owner();
        let mut plan = Plan::default();
        if !self.adopt.is_empty() {
            let Some(answer) = memory.answer(&owner.query()) else {
                return Outcome::Ask(vec![owner.query()]);
            };
            if owner.is_confirmed(answer) {
                self.adopt.iter().for_each(|set| plan.act(owner.adopt(replicaset::KIND, &set.metadata)));
            }
        }
        self.release.iter().for_each(|set| plan.act(owner.release(replicaset::KIND, &set.metadata)));
        plan.into()
    }
}

#[cfg(test)]
mod tests;
