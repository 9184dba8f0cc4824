use object::{Key, Value};
use serde_json::json;

use super::*;
use crate::identity::Identity;

/// Takes up documents, each with its plural.
fn rules(documents: &[(&str, Value)]) -> Rules {
    let mut rules = Rules::default();
    for (plural, document) in documents {
        put(&mut rules, plural, document);
    }
    rules
}

fn put(rules: &mut Rules, plural: &str, document: &Value) {
    rules.put(plural, &key(document), document.to_string().as_bytes()).unwrap();
}

fn key(document: &Value) -> Key {
    object::Meta::of(document).key()
}

fn cluster_role(name: &str, rules: Value) -> (&'static str, Value) {
    ("clusterroles", json!({ "metadata": { "name": name }, "rules": rules }))
}

fn role(namespace: &str, name: &str, rules: Value) -> (&'static str, Value) {
    ("roles", json!({ "metadata": { "name": name, "namespace": namespace }, "rules": rules }))
}

/// A binding `KIND:NAME`, to the subjects `KIND:NAME` or `ServiceAccount:NAMESPACE/NAME`; no namespace is cluster-wide.
fn binding(namespace: &str, name: &str, role: &str, subjects: &[&str]) -> (&'static str, Value) {
    let subjects: Vec<Value> = subjects
        .iter()
        .map(|subject| match subject.split_once(':').unwrap() {
            ("ServiceAccount", account) => {
                let (namespace, name) = account.split_once('/').unwrap();
                json!({ "kind": "ServiceAccount", "namespace": namespace, "name": name })
            }
            (kind, name) => json!({ "kind": kind, "apiGroup": GROUP, "name": name }),
        })
        .collect();
    let (kind, role) = role.split_once(':').unwrap();
    let document = json!({
        "metadata": { "name": name, "namespace": namespace },
        "roleRef": { "apiGroup": GROUP, "kind": kind, "name": role },
        "subjects": subjects,
    });
    (if namespace.is_empty() { "clusterrolebindings" } else { "rolebindings" }, document)
}

/// A request in one line: `VERB GROUP/RESOURCE[/SUBRESOURCE] [NAMESPACE] [NAME]` (core is `-`, as is no namespace),
/// or `VERB /path`.
fn allowed(rules: &Rules, user: &Identity, request: &str) -> bool {
    decide(rules, user, request).is_allowed()
}

fn decide(rules: &Rules, user: &Identity, request: &str) -> Decision {
    let mut words = request.split(' ');
    let (verb, what) = (words.next().unwrap(), words.next().unwrap());
    if what.starts_with('/') {
        return rules.authorize(&Attributes::path(user, verb, what));
    }
    let empty = |word: &'static str| if word == "-" { "" } else { word };
    let leak = |word: &str| -> &'static str { Box::leak(word.to_owned().into_boxed_str()) };
    let (group, resource) = what.split_once('/').unwrap();
    let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
    let mut next = || empty(leak(words.next().unwrap_or("-")));
    let (namespace, name) = (next(), next());
    let group = empty(leak(group));
    rules.authorize(&Attributes {
        subresource,
        ..Attributes::resource(user, verb, group, resource).of(namespace, name)
    })
}

#[test]
fn a_rule_allows_what_it_names() {
    let cases: [(Value, &[&str], &[&str]); 8] = [
        (
            json!([{ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"] }]),
            &["get -/pods a x", "get -/pods"],
            &["list -/pods a", "get apps/pods a x", "get -/pods/log a x", "get -/secrets a x", "get /pods"],
        ),
        (
            json!([{ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }]),
            &["get -/pods a x", "anything apps/deployments/scale a x", "* */* - -"],
            &["get /healthz"],
        ),
        (
            json!([{ "verbs": ["get"], "apiGroups": [""], "resources": ["pods/log", "pods/exec"] }]),
            &["get -/pods/log a x", "get -/pods/exec a x"],
            &["get -/pods a x", "get -/pods/attach a x"],
        ),
        (
            json!([{ "verbs": ["update"], "apiGroups": ["*"], "resources": ["*/scale"] }]),
            &["update apps/deployments/scale a x", "update batch/things/scale a"],
            &["update apps/deployments a x", "update apps/deployments/status a x", "update apps/scale a"],
        ),
        (
            json!([{ "verbs": ["get", "delete"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["x", "y"] }]),
            &["get -/pods a x", "delete -/pods a y"],
            &["get -/pods a z", "get -/pods a"],
        ),
        (
            json!([{ "verbs": ["get"], "nonResourceURLs": ["/healthz", "/api/*", "/x*"] }]),
            &["get /healthz", "get /api/v1", "get /api/", "get /xy"],
            &["get /healthz/etcd", "get /api", "post /healthz", "get -/pods a"],
        ),
        (json!([{ "verbs": ["*"], "nonResourceURLs": ["*"] }]), &["get /", "post /a/b"], &["get -/pods a"]),
        (Value::Null, &[], &["get -/pods a", "get /"]),
    ];
    for (document, yes, no) in cases {
        let rules =
            rules(&[cluster_role("r", document.clone()), binding("", "b", "ClusterRole:r", &["User:jane"])]);
        let jane = Identity::new("jane", &[]);
        for request in yes {
            assert!(allowed(&rules, &jane, request), "{request} by {document}");
        }
        for request in no {
            assert!(!allowed(&rules, &jane, request), "{request} by {document}");
        }
    }
}

#[test]
fn a_binding_reaches_its_subjects_in_its_namespace() {
    let get = json!([{ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"] }]);
    let paths = json!([{ "verbs": ["get"], "nonResourceURLs": ["/x"] }]);
    let rules = rules(&[
        cluster_role("get", get.clone()),
        cluster_role("paths", paths),
        role("a", "get", get),
        binding("", "everywhere", "ClusterRole:get", &["Group:ops", "ServiceAccount:a/robot"]),
        binding("a", "here", "Role:get", &["User:jane"]),
        binding("b", "there", "ClusterRole:get", &["User:jane", "ServiceAccount:a/agent"]),
        binding("b", "paths", "ClusterRole:paths", &["User:jane"]),
        binding("c", "lost", "Role:get", &["User:jane"]),
    ]);
    let jane = Identity::new("jane", &["system:authenticated"]);
    let ops = Identity::new("joe", &["dev", "ops"]);
    let cases = [
        (&jane, "get -/pods a x", true),
        (&jane, "get -/pods b x", true),
        (&jane, "get -/pods c x", false),
        (&jane, "get -/pods", false),
        (&jane, "get /x", false),
        (&ops, "get -/pods c x", true),
        (&ops, "get -/pods", true),
        (&Identity::service_account("a", "robot", ""), "get -/pods", true),
        (&Identity::service_account("a", "agent", ""), "get -/pods b x", true),
        (&Identity::service_account("b", "agent", ""), "get -/pods b x", false),
        (&Identity::new("ops", &[]), "get -/pods", false),
        (&Identity::admin(), "delete anything/at-all", true),
        (&Identity::admin(), "post /", true),
        (&Identity::anonymous(), "get -/pods", false),
    ];
    for (user, request, expected) in cases {
        assert_eq!(allowed(&rules, user, request), expected, "{} {request}", user.user);
    }
}

#[test]
fn decisions_say_why() {
    let get = json!([{ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"] }]);
    let rules = rules(&[
        role("a", "get", get.clone()),
        cluster_role("get", get),
        binding("a", "here", "Role:get", &["User:jane", "ServiceAccount:a/robot"]),
        binding("", "all", "ClusterRole:get", &["Group:ops"]),
        binding("", "broken", "ClusterRole:gone", &["Group:ops"]),
    ]);
    let reason = |user: &Identity, request: &str| decide(&rules, user, request).reason();
    let jane = Identity::new("jane", &[]);
    let ops = Identity::new("joe", &["ops"]);
    assert_eq!(
        reason(&jane, "get -/pods a x"),
        r#"RBAC: allowed by RoleBinding "here/a" of Role "get" to User "jane""#
    );
    assert_eq!(
        reason(&Identity::service_account("a", "robot", ""), "get -/pods a x"),
        r#"RBAC: allowed by RoleBinding "here/a" of Role "get" to ServiceAccount "robot/a""#
    );
    assert_eq!(
        reason(&ops, "get -/pods"),
        r#"RBAC: allowed by ClusterRoleBinding "all" of ClusterRole "get" to Group "ops""#
    );
    assert_eq!(reason(&jane, "list -/pods a"), "");
    assert_eq!(
        reason(&ops, "list -/pods"),
        r#"RBAC: clusterrole.rbac.authorization.k8s.io "gone" not found"#
    );
}

#[test]
fn forbidden_messages_are_upstreams() {
    let jane = Identity::new("jane", &[]);
    let pods = Attributes::resource(&jane, "list", "", "pods");
    let cases = [
        (
            pods.of("default", ""),
            r#"User "jane" cannot list resource "pods" in API group "" in the namespace "default""#,
        ),
        (pods, r#"User "jane" cannot list resource "pods" in API group "" at the cluster scope"#),
        (
            Attributes { subresource: "log", ..pods.of("default", "x") },
            r#"User "jane" cannot list resource "pods/log" in API group "" in the namespace "default""#,
        ),
        (Attributes::path(&jane, "get", "/x"), r#"User "jane" cannot get path "/x""#),
    ];
    for (request, message) in cases {
        assert_eq!(request.forbidden_message(), message);
    }
    let status = pods.of("default", "").forbidden(&[]);
    assert_eq!(status.message, format!("pods is forbidden: {}", pods.of("default", "").forbidden_message()));
    assert_eq!(
        Attributes::path(&jane, "get", "/x").forbidden(&[]).message,
        r#"forbidden: User "jane" cannot get path "/x""#
    );
}

#[test]
fn aggregated_roles_follow_their_parts() {
    let labelled = |name: &str, label: &str, verb: &str| {
        let rules = json!([{ "verbs": [verb], "apiGroups": [""], "resources": ["pods"] }]);
        ("clusterroles", json!({ "metadata": { "name": name, "labels": { label: "true" } }, "rules": rules }))
    };
    let gathering = |name: &str, label: &str, from: &str| {
        let selectors = json!([{ "matchLabels": { from: "true" } }]);
        let metadata = json!({ "name": name, "labels": { label: "true" } });
        (
            "clusterroles",
            json!({ "metadata": metadata, "aggregationRule": { "clusterRoleSelectors": selectors } }),
        )
    };
    let mut rules = rules(&[
        gathering("admin", "none", "to-admin"),
        gathering("edit", "to-admin", "to-edit"),
        // gathers itself through another: must end
        gathering("loop", "to-edit", "to-admin"),
        binding("", "b", "ClusterRole:admin", &["User:jane"]),
    ]);
    let jane = Identity::new("jane", &[]);
    assert!(!allowed(&rules, &jane, "get -/pods"));
    let (plural, part) = labelled("part", "to-edit", "get");
    put(&mut rules, plural, &part);
    assert!(allowed(&rules, &jane, "get -/pods"));
    assert_eq!(rules.rules_for(&jane, "").0.len(), 1);
    let (plural, relabelled) = labelled("part", "elsewhere", "get");
    put(&mut rules, plural, &relabelled);
    assert!(!allowed(&rules, &jane, "get -/pods"));
    put(&mut rules, plural, &part);
    rules.remove(plural, &key(&part));
    assert!(!allowed(&rules, &jane, "get -/pods"));
}

#[test]
fn puts_replace_and_removes_forget() {
    let get = json!([{ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"] }]);
    let (_, first) = binding("", "b", "ClusterRole:get", &["User:jane", "Group:ops"]);
    let (_, second) = binding("", "b", "ClusterRole:get", &["User:joe"]);
    let mut rules = rules(&[cluster_role("get", get), ("clusterrolebindings", first)]);
    let (jane, joe) = (Identity::new("jane", &["ops"]), Identity::new("joe", &[]));
    assert!(allowed(&rules, &jane, "get -/pods") && !allowed(&rules, &joe, "get -/pods"));
    put(&mut rules, "clusterrolebindings", &second);
    assert!(!allowed(&rules, &jane, "get -/pods") && allowed(&rules, &joe, "get -/pods"));
    assert!(rules.put("clusterrolebindings", &key(&second), b"{").is_err());
    assert!(allowed(&rules, &joe, "get -/pods"));
    rules.remove("clusterrolebindings", &key(&second));
    assert!(!allowed(&rules, &joe, "get -/pods"));
}

#[test]
fn nobody_grants_more_than_they_hold() {
    let on = |verbs: Value, resources: Value| json!([{ "verbs": verbs, "apiGroups": [""], "resources": resources }]);
    let manage = json!([
        { "verbs": ["bind"], "apiGroups": [GROUP], "resources": ["clusterroles"], "resourceNames": ["view"] },
        { "verbs": ["escalate"], "apiGroups": [GROUP], "resources": ["roles"], "resourceNames": ["free"] },
    ]);
    let rules = rules(&[
        cluster_role("own", on(json!(["get", "list"]), json!(["pods", "pods/log"]))),
        cluster_role("manage", manage),
        cluster_role("view", on(json!(["get"]), json!(["*"]))),
        cluster_role("wide", on(json!(["get", "delete"]), json!(["secrets"]))),
        binding("a", "own", "ClusterRole:own", &["User:jane"]),
        binding("a", "manage", "ClusterRole:manage", &["User:jane"]),
    ]);
    let jane = Identity::new("jane", &["dev"]);
    let check = |user: &Identity, (plural, new): (&str, Value)| {
        let namespace = object::Meta::of(&new).namespace;
        rules.check_escalation(user, plural, &namespace, None, &new).map_err(|s| (s.code, s.message))
    };
    let pods = on(json!(["list", "get"]), json!(["pods"]));
    let secrets = on(json!(["get", "delete"]), json!(["secrets", "pods"]));
    assert_eq!(check(&jane, role("a", "r", pods.clone())), Ok(()));
    assert_eq!(check(&jane, role("a", "free", secrets.clone())), Ok(()));
    assert_eq!(check(&Identity::admin(), role("b", "r", secrets.clone())), Ok(()));
    assert_eq!(check(&jane, role("b", "r", pods)).unwrap_err().0, 403);
    let (_, message) = check(&jane, role("a", "r", secrets.clone())).unwrap_err();
    assert_eq!(
        message,
        "roles.rbac.authorization.k8s.io \"r\" is forbidden: user \"jane\" (groups=[\"dev\"]) is attempting to grant \
         RBAC permissions not currently held:\n\
         {APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"delete\"]}\n\
         {APIGroups:[\"\"], Resources:[\"secrets\"], Verbs:[\"get\" \"delete\"]}"
    );
    assert_eq!(check(&jane, binding("a", "b", "ClusterRole:own", &["User:joe"])), Ok(()));
    assert_eq!(check(&jane, binding("a", "b", "ClusterRole:view", &["User:joe"])), Ok(()));
    assert_eq!(check(&jane, binding("a", "b", "ClusterRole:wide", &["User:joe"])).unwrap_err().0, 403);
    assert_eq!(check(&jane, binding("a", "b", "Role:none", &["User:joe"])).unwrap_err().0, 404);

    let (_, unchanged) = role("a", "r", secrets);
    assert_eq!(rules.check_escalation(&jane, "roles", "a", Some(&unchanged), &unchanged), Ok(()));
    let gathering =
        json!({ "metadata": { "name": "g" }, "aggregationRule": { "clusterRoleSelectors": [{}] } });
    let (_, message) = check(&jane, ("clusterroles", gathering)).unwrap_err();
    assert!(message.ends_with("must have cluster-admin privileges to use the aggregationRule"), "{message}");
}

#[test]
fn covering_knows_wildcards_names_and_paths() {
    let cases = [
        (
            json!({ "verbs": ["*"], "apiGroups": ["*"], "resources": ["*"] }),
            json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["pods/log"] }),
            true,
        ),
        (
            json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["*/scale"] }),
            json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["x/scale"] }),
            true,
        ),
        (
            json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"] }),
            json!({ "verbs": ["*"], "apiGroups": [""], "resources": ["pods"] }),
            false,
        ),
        (
            json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"] }),
            json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"] }),
            false,
        ),
        (
            json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a", "b"] }),
            json!({ "verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"] }),
            true,
        ),
        (
            json!({ "verbs": ["get"], "nonResourceURLs": ["/api/*"] }),
            json!({ "verbs": ["get"], "nonResourceURLs": ["/api/v1/*"] }),
            true,
        ),
        (
            json!({ "verbs": ["get"], "nonResourceURLs": ["/api"] }),
            json!({ "verbs": ["get"], "nonResourceURLs": ["/api/*"] }),
            false,
        ),
    ];
    for (held, wanted, expected) in cases {
        let parse = |v: &Value| serde_json::from_value::<PolicyRule>(v.clone()).unwrap();
        let missing = cover::missing(&[&parse(&held)], &[parse(&wanted)]);
        assert_eq!(missing.is_empty(), expected, "{held} covers {wanted}");
    }
}
