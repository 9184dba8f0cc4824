use object::Value;
use serde_json::json;

use super::super::testing::{mutate, pod, refusal};
use super::{check_claim, check_pod, fill};
use crate::rules::Read;

fn range(limits: Value) -> Value {
    json!({"metadata": {"name": "r"}, "spec": {"limits": limits}})
}

fn container(name: &str, requests: Value, limits: Value) -> Value {
    json!({"name": name, "resources": {"requests": requests, "limits": limits}})
}

/// What ranges have against a pod of one container.
fn against(limits: Value, container: Value) -> String {
    refusal(check_pod, &pod(json!({"containers": [container]})), None, &[range(limits)])
}

#[test]
fn containers_get_what_they_do_not_say() {
    let defaults = json!([{
        "type": "Container",
        "default": {"memory": "1Gi", "cpu": "500m"}, "defaultRequest": {"memory": "500Mi", "cpu": "100m"},
    }]);
    let spec = json!({
        "containers": [{"name": "a"}, container("b", json!({"cpu": "50m"}), json!({"memory": "2Gi"}))],
        "initContainers": [{"name": "i", "resources": {}}],
    });
    let filled = mutate(fill, pod(spec.clone()), &[range(defaults.clone())]).expect("admitted");
    let resources = |path: &str, i: usize| filled.items(path)[i].at("resources").clone();
    let all =
        json!({"requests": {"cpu": "100m", "memory": "500Mi"}, "limits": {"cpu": "500m", "memory": "1Gi"}});
    assert_eq!(resources("spec.containers", 0), all);
    assert_eq!(resources("spec.initContainers", 0), all);
    assert_eq!(
        resources("spec.containers", 1),
        json!({"requests": {"cpu": "50m", "memory": "500Mi"}, "limits": {"cpu": "500m", "memory": "2Gi"}})
    );
    assert_eq!(
        filled["metadata"]["annotations"],
        json!({"kubernetes.io/limit-ranger": "LimitRanger plugin set: \
            cpu, memory request for container a; cpu, memory limit for container a; \
            memory request for container b; cpu limit for container b; \
            cpu, memory request for init container i; cpu, memory limit for init container i"})
    );
    let again = mutate(fill, filled.clone(), &[range(defaults)]).expect("admitted");
    assert_eq!(again, filled, "what is said stays");
    let others = range(json!([{"type": "Pod", "max": {"cpu": "1"}}]));
    assert_eq!(mutate(fill, pod(spec.clone()), &[others]), Ok(pod(spec)));
}

#[test]
fn several_ranges_give_together() {
    let of = |amounts: Value| range(json!([{"type": "Container", "default": amounts}]));
    let ranges = [of(json!({"cpu": "1"})), of(json!({"cpu": "2", "memory": "1Gi"}))];
    let filled = mutate(fill, pod(json!({"containers": [{"name": "a"}]})), &ranges).expect("admitted");
    assert_eq!(
        filled["spec"]["containers"][0]["resources"],
        json!({"limits": {"cpu": "1", "memory": "1Gi"}})
    );
    assert_eq!(
        filled["metadata"]["annotations"]["kubernetes.io/limit-ranger"],
        "LimitRanger plugin set: memory limit for container a"
    );
}

#[test]
fn containers_stay_within_bounds() {
    let check = |bounds: Value, requests: Value, limits: Value, expect: &str| {
        let mut item = bounds;
        item["type"] = "Container".into();
        assert_eq!(against(json!([item]), container("a", requests, limits)), expect);
    };
    let min = json!({"min": {"cpu": "100m"}});
    check(min.clone(), json!({"cpu": "0.1"}), json!({}), "");
    let none = "minimum cpu usage per Container is 100m.  No request is specified";
    check(min.clone(), json!({}), json!({}), none);
    let less = "minimum cpu usage per Container is 100m, but request is 50m";
    check(min.clone(), json!({"cpu": "50m"}), json!({}), less);
    let less = "minimum cpu usage per Container is 100m, but limit is 50m";
    check(min, json!({"cpu": "100m"}), json!({"cpu": "50m"}), less);

    let max = json!({"max": {"memory": "1Gi"}});
    check(max.clone(), json!({}), json!({"memory": "1024Mi"}), "");
    let none = "maximum memory usage per Container is 1Gi.  No limit is specified";
    check(max.clone(), json!({}), json!({}), none);
    let more = "maximum memory usage per Container is 1Gi, but limit is 2Gi";
    check(max.clone(), json!({}), json!({"memory": "2Gi"}), more);
    let more = "maximum memory usage per Container is 1Gi, but request is 2Gi";
    check(max, json!({"memory": "2Gi"}), json!({"memory": "1Gi"}), more);

    let ratio = json!({"maxLimitRequestRatio": {"cpu": "3"}});
    check(ratio.clone(), json!({"cpu": "300m"}), json!({"cpu": "900m"}), "");
    let far = "cpu max limit to request ratio per Container is 3, but provided ratio is 3.003333";
    check(ratio.clone(), json!({"cpu": "300m"}), json!({"cpu": "901m"}), far);
    let none =
        "cpu max limit to request ratio per Container is 3, but no request is specified or request is 0";
    check(ratio.clone(), json!({"cpu": "0"}), json!({"cpu": "1"}), none);
    let none = "cpu max limit to request ratio per Container is 3, but no limit is specified or limit is 0";
    check(ratio, json!({"cpu": "1"}), json!({}), none);

    let both = json!({"min": {"cpu": "2"}, "max": {"memory": "1Mi"}});
    let all = "[minimum cpu usage per Container is 2, but request is 1, \
               maximum memory usage per Container is 1Mi.  No limit is specified]";
    check(both, json!({"cpu": "1"}), json!({}), all);
}

#[test]
fn pods_stay_within_bounds() {
    let bounds = range(json!([{
        "type": "Pod", "min": {"cpu": "200m"}, "max": {"cpu": "1"}, "maxLimitRequestRatio": {"cpu": "2"},
    }]));
    let check = |spec: Value, old: Option<&Value>, expect: &str| {
        assert_eq!(refusal(check_pod, &pod(spec), old, std::slice::from_ref(&bounds)), expect);
    };
    let half = || container("a", json!({"cpu": "500m"}), json!({"cpu": "500m"}));
    check(json!({"containers": [half(), half()]}), None, "");
    let three = json!({"containers": [half(), half()], "initContainers": [
        container("i", json!({"cpu": "1500m"}), json!({"cpu": "1500m"})),
    ]});
    let more = "maximum cpu usage per Pod is 1, but limit is 1500m";
    check(three.clone(), None, more);
    check(three.clone(), Some(&pod(three)), "");
    let stated = json!({
        "containers": [{"name": "a"}], "resources": {"requests": {"cpu": "300m"}, "limits": {"cpu": "900m"}},
    });
    let far = "cpu max limit to request ratio per Pod is 2, but provided ratio is 3.000000";
    check(stated, None, far);
    let nothing = "[minimum cpu usage per Pod is 200m.  No request is specified, \
                   maximum cpu usage per Pod is 1.  No limit is specified, \
                   cpu max limit to request ratio per Pod is 2, but no request is specified or request is 0]";
    check(json!({"containers": [{"name": "a"}]}), None, nothing);
}

#[test]
fn claims_stay_within_bounds() {
    let bounds = [range(json!([{
        "type": "PersistentVolumeClaim", "min": {"storage": "1Gi"}, "max": {"storage": "5Gi"},
    }]))];
    let claim = |storage: &str| json!({"spec": {"resources": {"requests": {"storage": storage}}}});
    let check = |storage: &str, old: Option<&str>, expect: &str| {
        let old = old.map(claim);
        assert_eq!(refusal(check_claim, &claim(storage), old.as_ref(), &bounds), expect);
    };
    check("5Gi", None, "");
    let less = "minimum storage usage per PersistentVolumeClaim is 1Gi, but request is 1Mi";
    check("1Mi", None, less);
    let more = "maximum storage usage per PersistentVolumeClaim is 5Gi, but request is 6Gi";
    check("6Gi", None, more);
    check("6Gi", Some("5Gi"), more);
    check("6Gi", Some("6144Mi"), "");
    let mut going = claim("5Gi");
    going["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    assert_eq!(refusal(check_claim, &claim("6Gi"), Some(&going), &bounds), "", "it goes anyway");
}
