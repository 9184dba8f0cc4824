use std::time::Duration;

use drive::laws::{Scenario, World, check_laws, decide};
use object::{Meta, format_time};

use super::*;

fn at(second: i64) -> Time {
    Time::from_second(1_700_000_000 + second).unwrap()
}

fn set(replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": "web", "namespace": "d"},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}},
        },
    })
}

/// A pod that is owned by the set's UID (`own`), or by nobody.
fn some_pod(name: &str, own: bool, label: &str, phase: &str, ready: bool) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "d", "labels": {"app": label}},
        "spec": {"nodeName": "n"},
        "status": {"phase": phase},
    });
    if own {
        pod["metadata"]["ownerReferences"] = json!([{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "web", "uid": "replicaset/d/web#1",
            "controller": true, "blockOwnerDeletion": true,
        }]);
    }
    if ready {
        let since = format_time(at(0));
        pod["status"]["conditions"] =
            json!([{"type": "Ready", "status": "True", "lastTransitionTime": since}]);
    }
    pod
}

/// What one decision does, in words.
fn check(objects: Vec<Value>, expect: &[&str]) {
    let world = World::new(at(60), objects);
    let item = Item::new(KIND, Key::new("d", "web"));
    let Outcome::Do { actions, .. } = decide(&CONTROLLER, &world, &item, &mut Memory::default()) else {
        panic!()
    };
    let told: Vec<String> = actions.iter().map(tell).collect();
    assert_eq!(told, expect);
}

fn tell(action: &Action) -> String {
    match action {
        Action::Create { object, .. } => {
            format!("create {}", object["metadata"]["generateName"].as_str().unwrap())
        }
        Action::Delete { key, .. } => format!("delete {key}"),
        Action::Patch { key, subresource: Some(_), patch, .. } => {
            let status = &patch["status"];
            format!(
                "status {key} {}/{}/{}",
                status["replicas"], status["readyReplicas"], status["availableReplicas"]
            )
        }
        Action::Patch { key, patch, .. } if patch["metadata"]["ownerReferences"].is_null() => {
            format!("release {key}")
        }
        Action::Patch { key, .. } => format!("adopt {key}"),
    }
}

#[test]
fn decides() {
    let running = |name| some_pod(name, true, "web", "Running", true);
    check(vec![set(0)], &["status d/web 0/null/null"]);
    check(vec![set(2)], &["status d/web 0/null/null", "create web-", "create web-"]);
    check(vec![set(1), running("a")], &["status d/web 1/1/1"]);
    check(
        vec![set(1), running("a"), some_pod("b", true, "web", "Pending", false)],
        &["status d/web 2/1/1", "delete d/b"],
    );
    check(vec![set(1), some_pod("a", false, "web", "Running", true)], &["adopt d/a", "status d/web 1/1/1"]);
    check(
        vec![set(1), some_pod("a", true, "other", "Running", true)],
        &["release d/a", "status d/web 0/null/null", "create web-"],
    );
    check(
        vec![set(1), some_pod("a", true, "web", "Failed", false)],
        &["status d/web 0/null/null", "create web-"],
    );
    check(vec![set(0), some_pod("a", false, "other", "Running", true)], &["status d/web 0/null/null"]);
    check(vec![running("a")], &[]);
}

#[test]
fn a_failed_creation_is_told_and_later_cleared() {
    let mut world = World::new(at(0), vec![set(1)]);
    let item = Item::new(KIND, Key::new("d", "web"));
    let mut memory = Memory::default();
    let Outcome::Do { actions, .. } = decide(&CONTROLLER, &world, &item, &mut memory) else { panic!() };
    let create = actions.last().unwrap().clone();
    memory.ended(Some(drive::Failure { action: create, message: "no quota".to_owned(), conflict: false }));
    let Outcome::Do { actions, notes, .. } = decide(&CONTROLLER, &world, &item, &mut memory) else {
        panic!()
    };
    assert_eq!((notes[0].reason, notes[0].message.as_str()), ("FailedCreate", "Error creating: no quota"));
    world.apply(&actions[0]).unwrap();
    let condition = |world: &World| world.all("ReplicaSet")[0]["status"]["conditions"][0]["reason"].clone();
    assert_eq!(condition(&world), "FailedCreate");
    memory.ended(None);
    let Outcome::Do { actions, .. } = decide(&CONTROLLER, &world, &item, &mut memory) else { panic!() };
    actions.iter().for_each(|action| world.apply(action).unwrap());
    assert_eq!(condition(&world), Value::Null);
}

#[test]
fn a_name_is_not_used_again() {
    let mut world = World::new(at(0), vec![set(1)]);
    let item = Item::new(KIND, Key::new("d", "web"));
    let mut memory = Memory::default();
    let mut names = HashSet::new();
    for _ in 0..3 {
        for _ in 0..2 {
            let Outcome::Do { actions, .. } = decide(&CONTROLLER, &world, &item, &mut memory) else {
                panic!()
            };
            actions.iter().for_each(|action| world.apply(action).unwrap());
        }
        let pod = world.all("Pod").pop().unwrap();
        assert!(names.insert(Meta::of(&pod).name));
        world.remove(&pod);
    }
}

/// A node that runs what it is given, and a going pod goes.
fn kubelet(world: &mut World) {
    for pod in world.all("Pod") {
        if Meta::of(&pod).is_terminating() {
            world.remove(&pod);
        }
        let now = format_time(world.now);
        world.change(&pod, |pod| {
            if pod["status"]["phase"].is_null() {
                let ready = json!([{"type": "Ready", "status": "True", "lastTransitionTime": now}]);
                pod["status"] = json!({"phase": "Running", "conditions": ready});
                pod["spec"]["nodeName"] = "n".into();
            }
        });
    }
}

#[test]
fn keeps_the_laws() {
    let mut slow = set(3);
    slow["spec"]["minReadySeconds"] = 30.into();
    let old = |name: &str| some_pod(name, true, "web", "Running", true);
    let going = |name: &str| {
        let mut pod = old(name);
        pod["metadata"]["deletionTimestamp"] = format_time(at(0)).into();
        pod["metadata"]["finalizers"] = json!(["test/held"]);
        pod
    };
    let stories: [(&str, Vec<Value>, i64); 5] = [
        ("up", vec![slow], 3),
        ("down", vec![set(1), old("a"), old("b"), old("c")], 1),
        ("adopt one of two", vec![set(1), some_pod("a", false, "web", "Running", true), old("b")], 1),
        ("release", vec![set(1), some_pod("a", true, "other", "Running", true)], 1),
        ("a going pod is replaced", vec![set(1), going("a")], 1),
    ];
    for (name, objects, expect) in stories {
        let scenario = Scenario {
            others: kubelet,
            horizon: Duration::from_secs(60),
            ..Scenario::new(name, at(0), objects)
        };
        let end = check_laws(&CONTROLLER, &scenario);
        assert_eq!(end.all("ReplicaSet")[0]["status"]["availableReplicas"], expect, "{name}");
    }
}
