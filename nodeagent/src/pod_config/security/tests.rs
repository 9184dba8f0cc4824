use std::path::PathBuf;

use serde_json::{Value, json};

use super::*;
use crate::pod_config::testing::{main_of, pod};

fn with(of_pod: Value, of_container: Value) -> Pod {
    pod(json!({"securityContext": of_pod, "containers": [{"name": "main", "securityContext": of_container}]}))
}

#[test]
fn root_is_refused_where_it_must_not_be() {
    let who = "(pod: \"web_shop(u-1)\", container: main)";
    let must = json!({"runAsNonRoot": true});
    let rows = [
        (json!({}), json!({}), "", None),
        (must.clone(), json!({"runAsNonRoot": false}), "", None),
        (must.clone(), json!({}), "1000:0", None),
        (must.clone(), json!({"runAsUser": 7}), "root", None),
        (must.clone(), json!({"runAsUser": 0}), "1000", Some("container's runAsUser breaks non-root policy")),
        (must.clone(), json!({}), "", Some("container has runAsNonRoot and image will run as root")),
        (must.clone(), json!({}), "0:0", Some("container has runAsNonRoot and image will run as root")),
        (
            must.clone(),
            json!({}),
            "web:web",
            Some(
                "container has runAsNonRoot and image has non-numeric user (web), cannot verify user is non-root",
            ),
        ),
    ];
    for (of_pod, of_container, image, expected) in rows {
        let pod = with(of_pod, of_container);
        let found = verify_non_root(&pod, main_of(&pod), image).err().map(|error| error.message);
        assert_eq!(found, expected.map(|text| format!("{text} {who}")), "image user {image:?}");
    }
}

#[test]
fn the_containers_word_counts_over_the_pods() {
    let groups = json!({"runAsUser": 1, "runAsGroup": 2, "fsGroup": 3, "supplementalGroups": [4, 3]});
    let user_of = |pod: &Pod| user(pod, main_of(pod)).unwrap();
    let pods = with(groups.clone(), json!({}));
    assert_eq!(user_of(&pods), User { uid: Some(1), gid: Some(2), groups: vec![3, 4] });
    let own = with(groups, json!({"runAsUser": 5, "runAsGroup": 6}));
    assert_eq!(user_of(&own), User { uid: Some(5), gid: Some(6), groups: vec![3, 4] });
    assert_eq!(user_of(&with(json!({}), json!({}))), User::default());
    let strict = with(json!({"supplementalGroupsPolicy": "Strict"}), json!({}));
    assert!(user(&strict, main_of(&strict)).is_err());
    let bad = with(json!({"runAsUser": -1}), json!({}));
    assert!(user(&bad, main_of(&bad)).is_err());
}

#[test]
fn a_common_user_is_one_of_all_containers() {
    let of = |users: [Option<i64>; 2]| {
        let container = |user: &Option<i64>| json!({"name": "c", "securityContext": {"runAsUser": user}});
        common_user(&pod(json!({"containers": users.iter().map(container).collect::<Value>()})))
    };
    assert_eq!(of([Some(1), Some(1)]), Some(1));
    assert_eq!(of([Some(1), Some(2)]), None);
    assert_eq!(of([Some(1), None]), None);
    assert_eq!(of([None, None]), None);
}

fn security_of(of_pod: Value, of_container: Value) -> Security {
    let pod = with(of_pod, of_container);
    security(&pod, main_of(&pod), Path::new("/profiles")).unwrap()
}

#[test]
fn what_a_container_may_do() {
    assert_eq!(security_of(json!({}), json!({})), Security { allow_escalation: true, ..Security::default() });
    let tight = security_of(
        json!({"seccompProfile": {"type": "RuntimeDefault"}}),
        json!({
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "procMount": "Unmasked",
            "capabilities": {"add": ["NET_ADMIN", "cap_sys_time"], "drop": ["ALL"]},
            "appArmorProfile": {"type": "Localhost", "localhostProfile": "mine"},
        }),
    );
    let expected = Security {
        privileged: false,
        read_only: true,
        allow_escalation: false,
        add: vec!["NET_ADMIN".into(), "SYS_TIME".into()],
        drop: vec!["ALL".into()],
        seccomp: Seccomp::RuntimeDefault,
        unmasked_proc: true,
        apparmor: Some("mine".into()),
    };
    assert_eq!(tight, expected);
}

#[test]
fn seccomp_profiles() {
    let localhost = |name: &str| json!({"seccompProfile": {"type": "Localhost", "localhostProfile": name}});
    let default = json!({"seccompProfile": {"type": "RuntimeDefault"}});
    let found = security_of(default.clone(), localhost("a/b.json")).seccomp;
    assert_eq!(found, Seccomp::Localhost(PathBuf::from("/profiles/a/b.json")));
    let unconfined = json!({"seccompProfile": {"type": "Unconfined"}});
    assert_eq!(security_of(default.clone(), unconfined).seccomp, Seccomp::Unconfined);
    assert_eq!(security_of(default, json!({"privileged": true})).seccomp, Seccomp::Unconfined);
    for bad in ["", "/etc/x", "../x", "a/../../x"] {
        let pod = with(json!({}), localhost(bad));
        assert!(security(&pod, main_of(&pod), Path::new("/profiles")).is_err(), "{bad:?}");
    }
}
