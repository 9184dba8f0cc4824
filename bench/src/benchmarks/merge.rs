//! Strategic merges, as the API server does one for each such patch, without the server around them.

use std::hint::black_box;
use std::time::Instant;

use anyhow::Context;
use object::{PatchType, Value};
use serde_json::json;

use crate::Setup;
use crate::stats::{Spread, millis};
use crate::table::{Row, Unit};

const CONTAINERS: usize = 100;

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let kinds = kinds::built_in();
    let pods = kinds.kind("", "Pod").context("the table has no pods")?;
    let pod = pod();
    let changed: Vec<Value> = (0..CONTAINERS).step_by(10).map(changed).collect();
    let patch = json!({"metadata": {"labels": {"patched": "yes"}}, "spec": {"containers": changed}});
    let runs = setup.pick(20, 200, 1000);
    let own = times(runs, || object::apply_patch(PatchType::Strategic, &pods.schema, &pod, &patch).is_ok());
    let copy = times(runs, || pod.clone().is_object());
    Row::spread(format!("strategic merge into a pod of {CONTAINERS} containers"), &own, Unit::Milliseconds)
        .beside("a copy of the pod", Some(copy.median))
        .conditions(format!("{} changed of {} bytes", changed.len(), pod.to_string().len()))
        .print();
    Ok(())
}

/// How long something takes that succeeds.
fn times(runs: usize, work: impl Fn() -> bool) -> Spread {
    let mut times = Vec::with_capacity(runs);
    for _ in 0..=runs {
        let begun = Instant::now();
        assert!(black_box(work()), "it succeeds");
        times.push(millis(begun.elapsed()));
    }
    // the first one warms up
    Spread::of(times.split_off(1))
}

fn pod() -> Value {
    let variable = |number: usize| json!({"name": format!("VARIABLE_{number}"), "value": "some text"});
    let variables: Vec<Value> = (0..10).map(variable).collect();
    let container = |number: usize| {
        json!({
            "name": format!("c{number}"), "image": "registry.example.com/team/image:1", "env": variables,
            "ports": [{"containerPort": 8000 + number, "protocol": "TCP"}],
            "resources": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"memory": "128Mi"}},
            "volumeMounts": [{"name": "data", "mountPath": "/data"}, {"name": "tmp", "mountPath": "/tmp"}],
        })
    };
    let containers: Vec<Value> = (0..CONTAINERS).map(container).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "big", "namespace": "default"},
        "spec": {"containers": containers, "volumes": [{"name": "data", "emptyDir": {}}, {"name": "tmp", "emptyDir": {}}]},
    })
}

fn changed(number: usize) -> Value {
    json!({
        "name": format!("c{number}"), "image": "registry.example.com/team/image:2",
        "env": [{"name": "VARIABLE_3", "value": "another"}, {"name": "NEW", "value": "1"}],
    })
}
