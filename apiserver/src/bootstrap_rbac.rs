//! The roles and bindings that every cluster begins with.
//!
//! Names and permissions of the user-facing roles are Kubernetes' (documentation page "Using RBAC Authorization",
//! default roles). The roles of the control plane say what Berth's own parts need: its controllers run as one user.

use object::{Map, Value};
use serde_json::json;

use crate::rbac::GROUP;

const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";
const AGGREGATE: &str = "rbac.authorization.k8s.io/aggregate-to-";

const READ: &str = "get list watch";
const WRITE: &str = "create delete deletecollection patch update";
const ALL: &str = "create delete deletecollection get list patch update watch";

/// A rule, its lists as words; the core group is `core`.
#[derive(Clone, Copy)]
struct Rule {
    verbs: &'static str,
    groups: &'static str,
    resources: &'static str,
    names: &'static str,
    paths: &'static str,
}

const fn on(verbs: &'static str, groups: &'static str, resources: &'static str) -> Rule {
    Rule { verbs, groups, resources, names: "", paths: "" }
}

const fn named(
    verbs: &'static str,
    groups: &'static str,
    resources: &'static str,
    names: &'static str,
) -> Rule {
    Rule { verbs, groups, resources, names, paths: "" }
}

const fn paths(paths: &'static str) -> Rule {
    Rule { verbs: "get", groups: "", resources: "", names: "", paths }
}

/// Whence a cluster role has its rules.
enum Body {
    /// They are listed.
    Rules(&'static [Rule]),
    /// From all roles that are labelled for it.
    Gathers(&'static str),
}

/// A cluster role, and which aggregated role (if any) takes it up.
struct Row {
    name: &'static str,
    part_of: &'static str,
    body: Body,
}

const fn role(name: &'static str, rules: &'static [Rule]) -> Row {
    Row { name, part_of: "", body: Body::Rules(rules) }
}

const fn part(name: &'static str, part_of: &'static str, rules: &'static [Rule]) -> Row {
    Row { name, part_of, body: Body::Rules(rules) }
}

const fn gathers(name: &'static str, part_of: &'static str) -> Row {
    Row { name, part_of, body: Body::Gathers(name) }
}

const EVENTS: Rule = on("create patch update", "core events.k8s.io", "events");
const REVIEWS: [Rule; 2] = [
    on("create", "authentication.k8s.io", "tokenreviews"),
    on("create", "authorization.k8s.io", "subjectaccessreviews"),
];

const CLUSTER_ROLES: &[Row] = &[
    role("cluster-admin", &[on("*", "*", "*"), Rule { verbs: "*", ..paths("*") }]),
    gathers("admin", ""),
    gathers("edit", "admin"),
    gathers("view", "edit"),
    part(
        "system:aggregate-to-admin",
        "admin",
        &[
            on("create", "authorization.k8s.io", "localsubjectaccessreviews"),
            on(ALL, GROUP, "rolebindings roles"),
        ],
    ),
    part(
        "system:aggregate-to-edit",
        "edit",
        &[
            on(READ, "core", "pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy"),
            on("impersonate", "core", "serviceaccounts"),
            on(WRITE, "core", "pods pods/attach pods/exec pods/portforward pods/proxy"),
            on("create", "core", "pods/eviction serviceaccounts/token"),
            on(
                WRITE,
                "core",
                "configmaps events persistentvolumeclaims replicationcontrollers replicationcontrollers/scale \
                 secrets serviceaccounts services services/proxy",
            ),
            on(
                WRITE,
                "apps",
                "daemonsets deployments deployments/rollback deployments/scale replicasets replicasets/scale \
                 statefulsets statefulsets/scale",
            ),
            on(WRITE, "autoscaling", "horizontalpodautoscalers"),
            on(WRITE, "batch", "cronjobs jobs"),
            on(WRITE, "policy", "poddisruptionbudgets"),
            on(WRITE, "networking.k8s.io", "ingresses networkpolicies"),
            on(WRITE, "resource.k8s.io", "resourceclaims resourceclaimtemplates"),
            on(ALL, "coordination.k8s.io", "leases"),
        ],
    ),
    part(
        "system:aggregate-to-view",
        "view",
        &[
            on(
                READ,
                "core",
                "bindings configmaps endpoints events limitranges namespaces namespaces/status \
                 persistentvolumeclaims persistentvolumeclaims/status pods pods/log pods/status \
                 replicationcontrollers replicationcontrollers/scale replicationcontrollers/status resourcequotas \
                 resourcequotas/status serviceaccounts services services/status",
            ),
            on(READ, "discovery.k8s.io", "endpointslices"),
            on(
                READ,
                "apps",
                "controllerrevisions daemonsets daemonsets/status deployments deployments/scale deployments/status \
                 replicasets replicasets/scale replicasets/status statefulsets statefulsets/scale \
                 statefulsets/status",
            ),
            on(READ, "autoscaling", "horizontalpodautoscalers horizontalpodautoscalers/status"),
            on(READ, "batch", "cronjobs cronjobs/status jobs jobs/status"),
            on(READ, "policy", "poddisruptionbudgets poddisruptionbudgets/status"),
            on(READ, "networking.k8s.io", "ingresses ingresses/status networkpolicies"),
            on(READ, "resource.k8s.io", "resourceclaims resourceclaims/status resourceclaimtemplates"),
        ],
    ),
    role(
        "system:discovery",
        &[paths("/api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version /version/")],
    ),
    role("system:public-info-viewer", &[paths("/healthz /livez /readyz /version /version/")]),
    role(
        "system:monitoring",
        &[paths("/healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*")],
    ),
    role(
        "system:basic-user",
        &[
            on("create", "authorization.k8s.io", "selfsubjectaccessreviews selfsubjectrulesreviews"),
            on("create", "authentication.k8s.io", "selfsubjectreviews"),
        ],
    ),
    role(
        "system:service-account-issuer-discovery",
        &[paths("/.well-known/openid-configuration /openid/v1/jwks")],
    ),
    role("system:auth-delegator", &REVIEWS),
    role("system:node", NODE),
    role(
        "system:node-proxier",
        &[
            on("list watch", "core", "endpoints services"),
            on(READ, "core", "nodes"),
            on("list watch", "discovery.k8s.io", "endpointslices"),
            on("list watch", "networking.k8s.io", "servicecidrs"),
            EVENTS,
        ],
    ),
    role(
        "system:node-bootstrapper",
        &[on("create get list watch", "certificates.k8s.io", "certificatesigningrequests")],
    ),
    role(
        "system:node-problem-detector",
        &[on("get", "core", "nodes"), on("patch", "core", "nodes/status"), EVENTS],
    ),
    role(
        "system:kubelet-api-admin",
        &[
            on("get list proxy watch", "core", "nodes"),
            on("*", "core", "nodes/log nodes/metrics nodes/proxy nodes/stats"),
        ],
    ),
    role("system:kube-scheduler", SCHEDULER),
    role(
        "system:volume-scheduler",
        &[
            on("get list patch update watch", "core", "persistentvolumeclaims persistentvolumes"),
            on(READ, "storage.k8s.io", "storageclasses"),
        ],
    ),
    role("system:kube-controller-manager", CONTROLLERS),
    role("system:kube-dns", &[on("list watch", "core", "endpoints services")]),
    role("system:kube-aggregator", &[on(READ, "core", "endpoints services")]),
    role(
        "system:persistent-volume-provisioner",
        &[
            on("create delete get list watch", "core", "persistentvolumes"),
            on("get list update watch", "core", "persistentvolumeclaims"),
            on(READ, "storage.k8s.io", "storageclasses"),
            on("watch", "core", "events"),
            EVENTS,
        ],
    ),
    role(
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
        &[on("create", "certificates.k8s.io", "certificatesigningrequests/nodeclient")],
    ),
    role(
        "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient",
        &[on("create", "certificates.k8s.io", "certificatesigningrequests/selfnodeclient")],
    ),
    role(
        "system:certificates.k8s.io:kube-apiserver-client-approver",
        &[approve("kubernetes.io/kube-apiserver-client")],
    ),
    role(
        "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver",
        &[approve("kubernetes.io/kube-apiserver-client-kubelet")],
    ),
    role("system:certificates.k8s.io:kubelet-serving-approver", &[approve("kubernetes.io/kubelet-serving")]),
    role("system:certificates.k8s.io:legacy-unknown-approver", &[approve("kubernetes.io/legacy-unknown")]),
];

const fn approve(signer: &'static str) -> Rule {
    named("approve", "certificates.k8s.io", "signers", signer)
}

/// What a node agent needs; it is service proxy, name server and network policy of its node too.
const NODE: &[Rule] = &[
    on("create", "authentication.k8s.io", "tokenreviews"),
    on("create", "authorization.k8s.io", "localsubjectaccessreviews subjectaccessreviews"),
    on(READ, "core", "configmaps endpoints namespaces secrets services"),
    on("create get list patch update watch", "core", "nodes"),
    on("patch update", "core", "nodes/status"),
    on("create delete get list watch", "core", "pods"),
    on("patch update", "core", "pods/status"),
    on("create", "core", "pods/eviction serviceaccounts/token"),
    on("get", "core", "persistentvolumeclaims persistentvolumes serviceaccounts"),
    on("get patch update", "core", "persistentvolumeclaims/status"),
    on("create get list watch", "certificates.k8s.io", "certificatesigningrequests"),
    on("create delete get patch update", "coordination.k8s.io", "leases"),
    on(READ, "discovery.k8s.io", "endpointslices"),
    on("list watch", "networking.k8s.io", "servicecidrs"),
    on(READ, "networking.k8s.io", "networkpolicies"),
    on("get", "storage.k8s.io", "volumeattachments"),
    on(READ, "storage.k8s.io", "csidrivers"),
    on("create delete get patch update", "storage.k8s.io", "csinodes"),
    on(READ, "node.k8s.io", "runtimeclasses"),
    on("get", "resource.k8s.io", "resourceclaims"),
    on("create delete deletecollection get list patch update watch", "resource.k8s.io", "resourceslices"),
    EVENTS,
];

const SCHEDULER: &[Rule] = &[
    EVENTS,
    on("create", "coordination.k8s.io", "leases"),
    on("get list watch", "coordination.k8s.io", "leases"),
    named("get update patch", "coordination.k8s.io", "leases", "kube-scheduler berth-scheduler"),
    on(
        READ,
        "core",
        "namespaces nodes persistentvolumeclaims persistentvolumes replicationcontrollers services",
    ),
    on("delete get list watch", "core", "pods"),
    on("create", "core", "bindings pods/binding"),
    on("patch update", "core", "pods/status"),
    on("patch update", "core", "persistentvolumeclaims persistentvolumes"),
    on(READ, "apps", "replicasets statefulsets"),
    on(READ, "policy", "poddisruptionbudgets"),
    on(READ, "scheduling.k8s.io", "priorityclasses"),
    on(READ, "storage.k8s.io", "csidrivers csinodes csistoragecapacities storageclasses volumeattachments"),
    on(READ, "resource.k8s.io", "deviceclasses resourceclaims resourceslices"),
    on("patch update", "resource.k8s.io", "resourceclaims resourceclaims/status"),
    REVIEWS[0],
    REVIEWS[1],
];

/// What all controllers together need. Garbage collection and emptying namespaces read, patch and delete objects of
/// every kind; status, scale and finalize are updates.
const CONTROLLERS: &[Rule] = &[
    on(READ, "*", "*"),
    on("delete deletecollection patch update", "*", "*"),
    EVENTS,
    on(
        "create",
        "core",
        "configmaps endpoints persistentvolumeclaims persistentvolumes pods pods/eviction replicationcontrollers \
         secrets serviceaccounts serviceaccounts/token",
    ),
    on("create", "apps", "controllerrevisions replicasets"),
    on("create", "batch", "jobs"),
    on("create", "coordination.k8s.io", "leases"),
    on("create", "discovery.k8s.io", "endpointslices"),
    on("create", "resource.k8s.io", "resourceclaims"),
    on("create", "networking.k8s.io", "ipaddresses servicecidrs"),
    on("create", "storage.k8s.io", "volumeattachments"),
    // writes what aggregated roles gather into their rules, held by itself or not
    on("escalate", GROUP, "clusterroles"),
    named(
        "approve sign",
        "certificates.k8s.io",
        "signers",
        "kubernetes.io/kube-apiserver-client kubernetes.io/kube-apiserver-client-kubelet \
         kubernetes.io/kubelet-serving kubernetes.io/legacy-unknown",
    ),
    REVIEWS[0],
    REVIEWS[1],
];

/// Cluster-wide bindings: role, kind of subject, subjects. A binding has the name of its role.
const CLUSTER_BINDINGS: &[(&str, &str, &str)] = &[
    ("cluster-admin", "Group", "system:masters"),
    ("system:basic-user", "Group", "system:authenticated"),
    ("system:discovery", "Group", "system:authenticated"),
    ("system:monitoring", "Group", "system:monitoring"),
    ("system:public-info-viewer", "Group", "system:authenticated system:unauthenticated"),
    ("system:service-account-issuer-discovery", "Group", "system:serviceaccounts"),
    ("system:node", "Group", "system:nodes"),
    ("system:node-bootstrapper", "Group", "system:bootstrappers"),
    ("system:certificates.k8s.io:certificatesigningrequests:nodeclient", "Group", "system:bootstrappers"),
    ("system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", "Group", "system:nodes"),
    ("system:node-proxier", "User", "system:kube-proxy"),
    ("system:kube-controller-manager", "User", "system:kube-controller-manager"),
    ("system:kube-scheduler", "User", "system:kube-scheduler"),
    ("system:volume-scheduler", "User", "system:kube-scheduler"),
];

/// Roles in `kube-system`.
const SYSTEM_ROLES: &[(&str, Rule)] = &[(
    "extension-apiserver-authentication-reader",
    named(READ, "core", "configmaps", "extension-apiserver-authentication"),
)];

/// All default roles and bindings, roles first. Namespaced ones lie in `kube-system`.
pub fn documents() -> Vec<Value> {
    let roles = CLUSTER_ROLES.iter().map(cluster_role);
    let system = SYSTEM_ROLES.iter().map(|(name, rule)| {
        let mut document = document("Role", name);
        document["metadata"]["namespace"] = json!("kube-system");
        document["rules"] = json!([rule_value(rule)]);
        document
    });
    let bindings =
        CLUSTER_BINDINGS.iter().map(|(name, kind, subjects)| cluster_binding(name, kind, subjects));
    roles.chain(system).chain(bindings).collect()
}

fn document(kind: &str, name: &str) -> Value {
    json!({
        "apiVersion": format!("{GROUP}/v1"),
        "kind": kind,
        "metadata": {
            "name": name,
            "annotations": { AUTOUPDATE: "true" },
            "labels": { "kubernetes.io/bootstrapping": "rbac-defaults" },
        },
    })
}

fn cluster_role(row: &Row) -> Value {
    let mut document = document("ClusterRole", row.name);
    if !row.part_of.is_empty() {
        document["metadata"]["labels"][format!("{AGGREGATE}{}", row.part_of)] = json!("true");
    }
    match &row.body {
        Body::Rules(rules) => document["rules"] = rules.iter().map(rule_value).collect(),
        Body::Gathers(name) => {
            let labels = json!({ format!("{AGGREGATE}{name}"): "true" });
            document["aggregationRule"] = json!({ "clusterRoleSelectors": [{ "matchLabels": labels }] });
            document["rules"] = json!([]);
        }
    }
    document
}

fn rule_value(rule: &Rule) -> Value {
    let words = |text: &str| -> Vec<Value> {
        text.split_whitespace().map(|word| if word == "core" { json!("") } else { json!(word) }).collect()
    };
    let lists = [
        ("verbs", rule.verbs),
        ("apiGroups", rule.groups),
        ("resources", rule.resources),
        ("resourceNames", rule.names),
        ("nonResourceURLs", rule.paths),
    ];
    let map: Map = lists
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(field, text)| (field.to_owned(), Value::Array(words(text))))
        .collect();
    Value::Object(map)
}

fn cluster_binding(name: &str, kind: &str, subjects: &str) -> Value {
    let mut document = document("ClusterRoleBinding", name);
    document["roleRef"] = json!({ "apiGroup": GROUP, "kind": "ClusterRole", "name": name });
    document["subjects"] = subjects
        .split_whitespace()
        .map(|name| json!({ "apiGroup": GROUP, "kind": kind, "name": name }))
        .collect();
    document
}

/// What an existing default must become, if anything: missing rules and subjects are added, nothing is taken away,
/// and a document whose autoupdate annotation is not `true` is left alone.
pub fn reconciled(existing: &Value, default: &Value) -> Option<Value> {
    if existing["metadata"]["annotations"][AUTOUPDATE] != "true" || existing["roleRef"] != default["roleRef"]
    {
        return None;
    }
    let mut new = existing.clone();
    for list in ["rules", "subjects"] {
        let Some(wanted) = default[list].as_array() else { continue };
        let present = existing[list].as_array().cloned().unwrap_or_default();
        let missing: Vec<Value> = wanted.iter().filter(|item| !present.contains(item)).cloned().collect();
        if !missing.is_empty() {
            new[list] = present.into_iter().chain(missing).collect();
        }
    }
    if let Some(labels) = default["metadata"]["labels"].as_object() {
        for (key, value) in labels {
            new["metadata"]["labels"][key] = value.clone();
        }
    }
    if !default["aggregationRule"].is_null() {
        new["aggregationRule"] = default["aggregationRule"].clone();
    }
    (new != *existing).then_some(new)
}

#[cfg(test)]
mod tests {
    use object::Meta;

    use super::*;
    use crate::identity::Identity;
    use crate::rbac::{Attributes, Rules};

    fn rules() -> Rules {
        let mut rules = Rules::default();
        for document in documents() {
            let plural = format!("{}s", document["kind"].as_str().unwrap().to_lowercase());
            rules.put(&plural, &Meta::of(&document).key(), document.to_string().as_bytes()).unwrap();
        }
        rules
    }

    #[test]
    fn every_role_is_unique_and_every_binding_has_its_role() {
        let mut names: Vec<_> = CLUSTER_ROLES.iter().map(|r| r.name).collect();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
        for (name, _, _) in CLUSTER_BINDINGS {
            assert!(names.contains(name), "{name}");
        }
    }

    #[test]
    fn user_facing_roles_nest() {
        let mut rules = rules();
        let lengths = ["view", "edit", "admin"].map(|name| {
            let binding = cluster_binding(name, "User", name);
            let key = Meta::of(&binding).key();
            rules.put("clusterrolebindings", &key, binding.to_string().as_bytes()).unwrap();
            rules.rules_for(&Identity::new(name, &[]), "").0.len()
        });
        assert!(0 < lengths[0] && lengths[0] < lengths[1] && lengths[1] < lengths[2], "{lengths:?}");
    }

    #[test]
    fn who_may_do_what() {
        let rules = rules();
        let scheduler = Identity::component("system:kube-scheduler");
        let controllers = Identity::component("system:kube-controller-manager");
        let user = Identity::component("jane");
        let node = Identity::node("n");
        let resources = [
            (&scheduler, "create", "", "pods", "binding", true),
            (&scheduler, "patch", "", "pods", "status", true),
            (&scheduler, "watch", "", "nodes", "", true),
            (&scheduler, "get", "", "secrets", "", false),
            (&scheduler, "create", "", "pods", "", false),
            (&controllers, "create", "", "pods", "", true),
            (&controllers, "create", "apps", "replicasets", "", true),
            (&controllers, "update", "", "namespaces", "finalize", true),
            (&controllers, "delete", "example.com", "widgets", "", true),
            (&controllers, "update", "apps", "deployments", "status", true),
            (&controllers, "create", "rbac.authorization.k8s.io", "clusterroles", "", false),
            (&controllers, "bind", "rbac.authorization.k8s.io", "clusterroles", "", false),
            (&controllers, "escalate", "rbac.authorization.k8s.io", "roles", "", false),
            (&controllers, "impersonate", "", "users", "", false),
            (&node, "patch", "", "nodes", "status", true),
            (&node, "watch", "discovery.k8s.io", "endpointslices", "", true),
            (&node, "list", "networking.k8s.io", "servicecidrs", "", true),
            (&node, "create", "apps", "deployments", "", false),
            (&user, "create", "authorization.k8s.io", "selfsubjectaccessreviews", "", true),
            (&user, "list", "", "pods", "", false),
        ];
        for (who, verb, group, resource, subresource, expected) in resources {
            let request =
                Attributes { subresource, ..Attributes::resource(who, verb, group, resource).of("ns", "x") };
            assert_eq!(rules.authorize(&request).is_allowed(), expected, "{}", request.forbidden_message());
        }
        let anonymous = Identity::anonymous();
        let paths = [
            (&anonymous, "/healthz", true),
            (&anonymous, "/livez", true),
            (&anonymous, "/readyz", true),
            (&anonymous, "/version", true),
            (&anonymous, "/api", false),
            (&anonymous, "/metrics", false),
            (&user, "/api/v1", true),
            (&user, "/openapi/v3", true),
            (&user, "/metrics", false),
        ];
        for (who, path, expected) in paths {
            let request = Attributes::path(who, "get", path);
            assert_eq!(rules.authorize(&request).is_allowed(), expected, "{}", request.forbidden_message());
        }
    }

    #[test]
    fn defaults_grow_back_unless_told_otherwise() {
        let wanted = documents().into_iter().find(|d| d["metadata"]["name"] == "system:discovery").unwrap();
        assert_eq!(reconciled(&wanted, &wanted), None);
        let mut reduced = wanted.clone();
        reduced["rules"] = json!([{ "verbs": ["get"], "nonResourceURLs": ["/mine"] }]);
        let grown = reconciled(&reduced, &wanted).unwrap();
        assert_eq!(grown["rules"].as_array().unwrap().len(), 2);
        reduced["metadata"]["annotations"][AUTOUPDATE] = json!("false");
        assert_eq!(reconciled(&reduced, &wanted), None);
    }
}
