use serde_json::{Value, json};

use super::*;
use crate::pod_config::testing::{main_of, pod, pod_of};

const GI: u64 = 1 << 30;

#[test]
fn cpu_in_the_kernels_terms() {
    for (milli, shares) in [(0, 2), (1, 2), (3, 3), (250, 256), (1000, 1024), (10_000_000, 262_144)] {
        assert_eq!(shares_of(milli), shares, "{milli}");
    }
    for (milli, quota) in
        [(0, None), (1, Some(1000)), (10, Some(1000)), (500, Some(50_000)), (2000, Some(200_000))]
    {
        assert_eq!(quota_of(milli), quota, "{milli}");
    }
}

fn of(resources: Value) -> Resources {
    let pod = pod_of(json!({"resources": resources}));
    container_resources(&pod, main_of(&pod), 8 * GI, Some(100)).unwrap()
}

#[test]
fn a_containers_limits() {
    let limited = of(json!({"limits": {"cpu": "500m", "memory": "64Mi", "hugepages-2Mi": "4Mi"}}));
    assert_eq!(limited.cpu_shares, Some(512));
    assert_eq!((limited.cpu_quota, limited.cpu_period), (Some(50_000), Some(100_000)));
    assert_eq!(limited.memory_limit, Some(64 << 20));
    assert_eq!(limited.hugepages, BTreeMap::from([("2MB".to_owned(), 4 << 20)]));
    assert_eq!((limited.oom_score_adj, limited.pids), (Some(-997), Some(100)));
    let free = of(json!({}));
    assert_eq!((free.cpu_shares, free.cpu_quota, free.cpu_period), (Some(2), None, None));
    assert_eq!((free.memory_limit, free.oom_score_adj), (None, Some(1000)));
}

#[test]
fn who_asks_for_more_memory_is_ended_later() {
    let rows = [("1Gi", 875), ("8Gi", 3), ("1Ki", 999), ("2Gi", 750)];
    for (memory, score) in rows {
        assert_eq!(of(json!({"requests": {"memory": memory}})).oom_score_adj, Some(score), "{memory}");
    }
}

#[test]
fn a_sidecar_outlives_what_it_serves() {
    let pod = pod(json!({
        "initContainers": [{"name": "side", "restartPolicy": "Always"}],
        "containers": [{"name": "main", "resources": {"requests": {"memory": "4Gi"}}}],
    }));
    let side = &pod.spec.as_ref().unwrap().init_containers.as_ref().unwrap()[0];
    assert_eq!(container_resources(&pod, side, 8 * GI, None).unwrap().oom_score_adj, Some(500));
}

/// Containers from (CPU request, CPU limit, memory limit); empty is none.
fn containers(rows: &[(&str, &str, &str)]) -> Value {
    let amounts = |pairs: &[(&str, &str)]| -> Value {
        pairs.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| ((*k).to_owned(), json!(v))).collect()
    };
    let one = |(index, (request, cpu, memory)): (usize, &(&str, &str, &str))| {
        json!({"name": format!("c{index}"), "resources": {
            "requests": amounts(&[("cpu", request)]),
            "limits": amounts(&[("cpu", cpu), ("memory", memory)]),
        }})
    };
    rows.iter().enumerate().map(one).collect()
}

#[test]
fn a_pods_limits_are_the_sums() {
    let resources = |spec: Value| pod_resources(&pod(spec), None).unwrap();
    let both = resources(json!({"containers": containers(&[("", "500m", "1Gi"), ("", "1", "1Gi")])}));
    assert_eq!((both.cpu_shares, both.cpu_quota, both.memory_limit), (1536, Some(150_000), Some(2 << 30)));
    let one = resources(json!({"containers": containers(&[("100m", "500m", "1Gi"), ("100m", "", "1Gi")])}));
    assert_eq!((one.cpu_shares, one.cpu_quota, one.memory_limit), (204, None, Some(2 << 30)));
    assert_eq!(one.cpu_request, 200);
    let none = resources(json!({"containers": containers(&[("", "", "")])}));
    assert_eq!((none.cpu_shares, none.cpu_quota, none.memory_limit), (2, None, None));
}

#[test]
fn init_containers_count_where_they_need_more() {
    let resources = |init: Value| {
        let spec = json!({"initContainers": init, "containers": containers(&[("", "1", "1Gi")])});
        pod_resources(&pod(spec), None).unwrap().cpu_quota
    };
    assert_eq!(resources(containers(&[("", "3", "1Gi")])), Some(300_000));
    assert_eq!(resources(containers(&[("", "500m", "1Gi")])), Some(100_000));
    assert_eq!(resources(containers(&[("", "", "1Gi")])), None);
    let mut init = containers(&[("", "500m", "1Gi"), ("", "1", "1Gi")]);
    init[0]["restartPolicy"] = json!("Always");
    assert_eq!(resources(init), Some(150_000));
}

#[test]
fn what_the_pod_says_itself_counts() {
    let spec = json!({"resources": {"limits": {"cpu": "2", "memory": "1Gi"}}, "containers": containers(&[("", "", "")])});
    let resources = pod_resources(&pod(spec), Some(50)).unwrap();
    assert_eq!((resources.cpu_quota, resources.memory_limit), (Some(200_000), Some(1 << 30)));
    assert_eq!((resources.cpu_shares, resources.pids), (2048, Some(50)));
}
