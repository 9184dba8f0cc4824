use serde_json::{Value, json};

use super::*;
use crate::pod_config::testing::{node, pod};

#[test]
fn an_id_is_its_attempt() {
    let id = container_id("u-1", "main", 0);
    assert_eq!(id.len(), 64);
    assert!(id.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase()));
    assert_eq!(id, container_id("u-1", "main", 0));
    for other in
        [container_id("u-2", "main", 0), container_id("u-1", "other", 0), container_id("u-1", "main", 1)]
    {
        assert_ne!(id, other);
    }
}

#[test]
fn logs_lie_where_tools_look_for_them() {
    let path = log_path(Path::new("/var/log/pods"), &pod(json!({"containers": []})), "main", 3);
    assert_eq!(path, Path::new("/var/log/pods/shop_web_u-1/main/3.log"));
}

fn names(spec: Value) -> (String, String, Option<String>) {
    let mut whole = json!({"containers": []});
    whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
    let name = hostname(&pod(whole), &node(), "cluster.local").unwrap();
    (name.kernel, name.short, name.full)
}

#[test]
fn host_names() {
    let plain = |name: &str| (name.to_owned(), name.to_owned(), None);
    let full = || Some("a.b.shop.svc.cluster.local".to_owned());
    assert_eq!(names(json!({})), plain("web"));
    assert_eq!(names(json!({"hostname": "a"})), plain("a"));
    assert_eq!(names(json!({"hostNetwork": true, "hostname": "a"})), plain("host-a"));
    assert_eq!(names(json!({"hostnameOverride": "x.example", "subdomain": "b"})), plain("x.example"));
    let both = json!({"hostname": "a", "subdomain": "b"});
    assert_eq!(names(both), ("a".into(), "a".into(), full()));
    let fqdn = json!({"hostname": "a", "subdomain": "b", "setHostnameAsFQDN": true});
    assert_eq!(names(fqdn), ("a.b.shop.svc.cluster.local".into(), "a".into(), full()));
}

#[test]
fn host_names_have_a_greatest_length() {
    let mut long = pod(json!({"containers": []}));
    long.metadata.name = Some(format!("{}-{}", "x".repeat(62), "y".repeat(20)));
    assert_eq!(hostname(&long, &node(), "").unwrap().kernel, "x".repeat(62));
    let spec =
        json!({"containers": [], "hostname": "a", "subdomain": "b".repeat(60), "setHostnameAsFQDN": true});
    let error = hostname(&pod(spec), &node(), "cluster.local").unwrap_err();
    assert_eq!(error.reason.as_str(), "FailedCreatePodSandBox");
    assert!(
        error.message.ends_with("is too long (64 characters is the max, 85 characters requested)"),
        "{error}"
    );
}
