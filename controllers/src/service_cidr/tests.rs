use drive::laws::{Scenario, World, check_laws};
use object::Value;

use super::*;

fn at(second: i64) -> Time {
    Time::from_second(1_700_000_000 + second).unwrap()
}

fn range(name: &str, blocks: &[&str]) -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": name},
        "spec": {"cidrs": blocks},
    })
}

/// One that was deleted `ago` seconds ago.
fn going(name: &str, blocks: &[&str], ago: i64) -> Value {
    let mut range = range(name, blocks);
    range["metadata"]["finalizers"] = json!([FINALIZER]);
    range["metadata"]["deletionTimestamp"] = format_time(at(-ago)).into();
    range
}

fn service(addresses: &[&str]) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "d"},
        "spec": {"clusterIPs": addresses},
    })
}

fn address(name: &str, manager: &str) -> Value {
    let labels = json!({"ipaddress.kubernetes.io/managed-by": manager});
    json!({"apiVersion": "networking.k8s.io/v1", "kind": "IPAddress", "metadata": {"name": name, "labels": labels}})
}

/// Checks which ServiceCIDRs there are at the end, as `name status reason`.
fn check(name: &'static str, objects: Vec<Value>, expect: &[&str]) -> World {
    let scenario = Scenario {
        horizon: Duration::from_secs(60),
        ignore: &["lastTransitionTime"],
        ..Scenario::new(name, at(0), objects)
    };
    let end = check_laws(&CONTROLLER, &scenario);
    let shown = |range: &Value| {
        let range: ServiceCidr = serde_json::from_value(range.clone()).unwrap();
        assert!(range.is_kept(), "{name}");
        let ready = Condition::find(&range.status.conditions, READY).cloned().unwrap_or_default();
        format!("{} {} {}", range.metadata.name, ready.status, ready.reason).trim().to_owned()
    };
    assert_eq!(end.all("ServiceCIDR").iter().map(shown).collect::<Vec<_>>(), expect, "{name}");
    end
}

#[test]
fn who_is_new_becomes_ready() {
    let mut own = range("own", &["10.1.0.0/24"]);
    own["metadata"]["finalizers"] = json!(["example.com/other"]);
    own["status"] = json!({"conditions": [{"type": "Other", "status": "True"}]});
    let end = check("new", vec![range("a", &["10.0.0.0/24"]), own], &["a True", "own True"]);
    let own = &end.all("ServiceCIDR")[1];
    assert_eq!(own["metadata"]["finalizers"], json!(["example.com/other", FINALIZER]));
    assert_eq!(own["status"]["conditions"].as_array().map(Vec::len), Some(2));
}

#[test]
fn who_is_not_needed_goes() {
    let block = &["10.0.0.0/24"];
    check("empty", vec![going("a", block, 0)], &[]);
    check("others' addresses", vec![going("a", block, 0), service(&["10.1.0.1", "None"])], &[]);
    check("not of services", vec![going("a", block, 0), address("10.0.0.1", "somebody")], &[]);
    let parent = range("parent", &["10.0.0.0/16"]);
    check("a larger one", vec![going("a", block, 0), parent, service(&["10.0.0.1"])], &["parent True"]);
    let parts = vec![range("low", &["10.0.0.0/25"]), range("high", &["10.0.0.128/25"])];
    let all = [parts, vec![going("a", block, 0), service(&["10.0.0.200"])]].concat();
    check("smaller ones", all, &["high True", "low True"]);
}

#[test]
fn who_is_needed_stays() {
    let block = &["10.0.0.0/24", "fd00::/112"];
    let waits = &["a False Terminating"];
    check("a service", vec![going("a", block, 30), service(&["10.0.0.1"])], waits);
    check("of the other family", vec![going("a", block, 30), service(&["fd00::1"])], waits);
    check("an object", vec![going("a", block, 30), address("10.0.0.1", "ipallocator.k8s.io")], waits);
    let both = vec![going("a", block, 30), going("b", block, 30), service(&["10.0.0.1"])];
    check("both go", both, &["a False Terminating", "b False Terminating"]);
}

#[test]
fn nobody_goes_before_every_server_knows() {
    let world = World::new(at(3), vec![going("a", &["10.0.0.0/24"], 0)]);
    let item = Item::new(KIND, Key::new("", "a"));
    let outcome = drive::laws::decide(&CONTROLLER, &world, &item, &mut Memory::default());
    let Outcome::Do { actions, wake, .. } = outcome else { unreachable!("all was answered") };
    assert_eq!((actions, wake), (vec![], Some(Duration::from_secs(7))));
}
