use std::time::Duration;

use drive::Action;
use drive::laws::{Scenario, World, check_laws, decide, settle};
use object::{Meta, Value, format_time};

use super::*;

fn at(second: i64) -> Time {
    Time::from_second(1_700_000_000 + second).unwrap()
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (into, from) => *into = from,
    }
}

/// A deployment of three pods of image `1`, changed by `change`.
fn deployment(change: Value) -> Value {
    let mut deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "d"},
        "spec": {
            "replicas": 3,
            "revisionHistoryLimit": 2,
            "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": {"app": "web"}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}},
            "template": {
                "metadata": {"labels": {"app": "web"}},
                "spec": {"containers": [{"name": "c", "image": "1"}]},
            },
        },
    });
    merge(&mut deployment, change);
    deployment
}

fn image(image: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": image}]}}}})
}

/// Sets do what they shall: all their pods are there and available at once, save those of the image `broken`.
fn replicasets(world: &mut World) {
    for set in world.all("ReplicaSet") {
        let generation = Meta::of(&set).generation;
        world.change(&set, |set| {
            let broken = set.pointer("/spec/template/spec/containers/0/image") == Some(&json!("broken"));
            let replicas = set["spec"]["replicas"].clone();
            let available = if broken { json!(0) } else { replicas.clone() };
            set["status"] = json!({
                "replicas": replicas, "readyReplicas": available, "availableReplicas": available,
                "fullyLabeledReplicas": replicas, "terminatingReplicas": 0, "observedGeneration": generation,
            });
        });
    }
}

fn scenario(name: &'static str, objects: Vec<Value>) -> Scenario {
    Scenario { others: replicasets, ..Scenario::new(name, at(0), objects) }
}

/// The world after these changes of the deployment, each made when the one before had come to rest.
fn after(changes: Vec<Value>) -> World {
    let mut objects = vec![deployment(json!({}))];
    let mut world = settle(&CONTROLLER, &scenario("begin", objects));
    for change in changes {
        let old = world.all("Deployment").remove(0);
        world.change(&old, |deployment| merge(deployment, change));
        objects = everything(&world);
        world = settle(&CONTROLLER, &scenario("next", objects));
    }
    world
}

fn everything(world: &World) -> Vec<Value> {
    ["Deployment", "ReplicaSet", "Pod"].iter().flat_map(|kind| world.all(kind)).collect()
}

/// The sets as `image:replicas@revision`, in order of revision; then what the deployment says of its progress.
fn tell(world: &World) -> String {
    let mut sets = world.all("ReplicaSet");
    let revision = |set: &Value| annotations::revision(&Meta::of(set).annotations.to_map());
    sets.sort_by_key(revision);
    let told = sets.iter().map(|set| {
        let image = set.pointer("/spec/template/spec/containers/0/image").unwrap().as_str().unwrap();
        format!("{image}:{}@{}", set["spec"]["replicas"], revision(set))
    });
    let told: Vec<String> = told.chain([progress(world)]).collect();
    told.join(" ")
}

fn progress(world: &World) -> String {
    let conditions = world.all("Deployment")[0]["status"]["conditions"].clone();
    let progress = conditions.as_array().unwrap().iter().find(|c| c["type"] == "Progressing").cloned();
    progress.map_or("none".to_owned(), |c| c["reason"].as_str().unwrap().to_owned())
}

fn check(changes: Vec<Value>, expect: &str) {
    assert_eq!(tell(&after(changes.clone())), expect, "{changes:?}");
}

#[test]
fn rolls_out() {
    check(vec![], "1:3@1 NewReplicaSetAvailable");
    check(vec![json!({"spec": {"replicas": 5}})], "1:5@1 NewReplicaSetAvailable");
    check(vec![json!({"spec": {"replicas": 0}})], "1:0@1 NewReplicaSetAvailable");
    check(vec![image("2")], "1:0@1 2:3@2 NewReplicaSetAvailable");
    check(vec![image("2"), image("1")], "2:0@2 1:3@3 NewReplicaSetAvailable");
    check(vec![image("2"), image("3"), image("4")], "2:0@2 3:0@3 4:3@4 NewReplicaSetAvailable");
    check(vec![image("broken")], "1:3@1 broken:1@2 ReplicaSetUpdated");
    check(
        vec![json!({"spec": {"strategy": {"type": "Recreate"}}}), image("2")],
        "1:0@1 2:3@2 NewReplicaSetAvailable",
    );
    check(vec![json!({"spec": {"progressDeadlineSeconds": null}})], "1:3@1 none");
}

#[test]
fn pauses_and_resumes() {
    let paused = |paused: bool| json!({"spec": {"paused": paused}});
    check(vec![paused(true), image("2")], "1:3@1 DeploymentPaused");
    check(vec![paused(true), image("2"), json!({"spec": {"replicas": 4}})], "1:4@1 DeploymentPaused");
    check(vec![paused(true), image("2"), paused(false)], "1:0@1 2:3@2 NewReplicaSetAvailable");
}

#[test]
fn scales_in_proportion_while_rolling_out() {
    let big = json!({"spec": {"replicas": 10, "strategy": {"rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}}});
    check(vec![big.clone(), image("broken")], "1:8@1 broken:5@2 ReplicaSetUpdated");
    check(
        vec![big, image("broken"), json!({"spec": {"replicas": 15}})],
        "1:11@1 broken:7@2 ReplicaSetUpdated",
    );
}

#[test]
fn a_rollback_keeps_history() {
    let world = after(vec![image("2"), image("1")]);
    let sets = world.all("ReplicaSet");
    let current = sets.iter().find(|set| set["spec"]["replicas"] == 3).unwrap();
    assert_eq!(current["metadata"]["annotations"]["deployment.kubernetes.io/revision-history"], "1");
    assert_eq!(world.all("Deployment")[0]["metadata"]["annotations"][annotations::REVISION], "3");
}

#[test]
fn a_stuck_rollout_times_out() {
    let mut objects = everything(&after(vec![]));
    merge(&mut objects[0], image("broken"));
    merge(&mut objects[0], json!({"metadata": {"generation": 2}}));
    let scenario = Scenario { horizon: Duration::from_secs(700), ..scenario("stuck", objects) };
    let end = settle(&CONTROLLER, &scenario);
    assert_eq!(progress(&end), "ProgressDeadlineExceeded");
    assert!(end.now < at(610));
}

#[test]
fn events_tell_what_was_scaled() {
    let world = World::new(at(0), vec![deployment(json!({}))]);
    let item = Item::new(KIND, Key::new("d", "web"));
    let Outcome::Do { actions, notes, .. } = decide(&CONTROLLER, &world, &item, &mut Memory::default())
    else {
        panic!()
    };
    let Action::Create { object, .. } = &actions[0] else { panic!() };
    let name = object["metadata"]["name"].as_str().unwrap();
    assert_eq!(notes[0].message, format!("Scaled up replica set {name} from 0 to 3"));
    assert_eq!(notes[0].after, Some(0));
    let hash = name.strip_prefix("web-").unwrap();
    for path in ["/metadata/labels", "/spec/selector/matchLabels", "/spec/template/metadata/labels"] {
        assert_eq!(object.pointer(path).unwrap(), &json!({"app": "web", "pod-template-hash": hash}));
    }
}

/// An annotation that is not written with the status would be a new generation.
#[test]
fn its_revision_is_told_with_its_status() {
    let world = World::new(at(0), vec![deployment(json!({}))]);
    let item = Item::new(KIND, Key::new("d", "web"));
    let Outcome::Do { actions, .. } = decide(&CONTROLLER, &world, &item, &mut Memory::default()) else {
        panic!()
    };
    let own: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Patch { kind, subresource, patch, .. } if kind.kind == KIND.1 => {
                let revision = &patch["metadata"]["annotations"][annotations::REVISION];
                Some((*subresource, revision.as_str(), patch["status"].is_object()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(own, [(Some("status"), Some("1"), true)]);
}

#[test]
fn a_collision_is_counted() {
    let world = after(vec![]);
    let mut objects = everything(&world);
    objects[1]["metadata"]["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "Deployment", "name": "other", "uid": "other", "controller": true,
    }]);
    let end = settle(&CONTROLLER, &scenario("collision", objects));
    assert_eq!(end.all("Deployment")[0]["status"]["collisionCount"], 1);
    assert_eq!(end.all("ReplicaSet").len(), 2);
}

#[test]
fn keeps_the_laws() {
    let next = |change: Value| {
        let mut objects = everything(&after(vec![image("0")]));
        merge(&mut objects[0], change);
        merge(&mut objects[0], json!({"metadata": {"generation": 9}}));
        objects
    };
    let orphans = || {
        let mut objects = next(json!({}));
        objects[1]["metadata"].as_object_mut().unwrap().remove("ownerReferences");
        objects
    };
    let stories = [
        ("new", vec![deployment(json!({}))]),
        ("update", next(image("2"))),
        ("stuck update", next(image("broken"))),
        ("rollback", next(image("1"))),
        ("scale", next(json!({"spec": {"replicas": 7}}))),
        ("recreate", {
            let mut objects = next(image("2"));
            merge(&mut objects[0], json!({"spec": {"strategy": {"type": "Recreate"}}}));
            objects
        }),
        ("pause", next(json!({"spec": {"paused": true, "replicas": 1}}))),
        ("no history", next(json!({"spec": {"revisionHistoryLimit": 0}}))),
        ("adopt", orphans()),
        (
            "going",
            next(json!({"metadata": {"deletionTimestamp": format_time(at(0)), "finalizers": ["test/held"]}})),
        ),
    ];
    for (name, objects) in stories {
        check_laws(&CONTROLLER, &scenario(name, objects));
    }
}
