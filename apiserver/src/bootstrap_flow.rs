//! The flow schemas and priority levels that every cluster of upstream has (`flowcontrol/bootstrap`, v1.37): which
//! requests belong together, and what share of the server each level has. They are there for clients to find, and to
//! be changed like any other; flow control itself ([`crate::flow`]) has classes of its own and does not read them yet.

use object::Value;
use serde_json::json;

/// By which upstream sees that nobody has taken the object over.
const OURS: (&str, &str) = ("apf.kubernetes.io/autoupdate-spec", "true");

/// How many requests a queue of any level holds.
const QUEUE_LENGTH: u32 = 50;

const ALL: &[&str] = &["*"];
const EVERYBODY: &[Subject] =
    &[Subject::Group("system:unauthenticated"), Subject::Group("system:authenticated")];
const NODES: &[Subject] = &[Subject::Group("system:nodes")];
const MANAGER: Subject = Subject::User("system:kube-controller-manager");
const SCHEDULER: Subject = Subject::User("system:kube-scheduler");
const SYSTEM_ACCOUNTS: Subject = Subject::Account("*");

/// A limited level: its name, its shares, how many percent of them it lends, and its queues with how many of them a
/// flow may have; without queues what is too much is refused.
type Level = (&'static str, u32, u32, Option<(u32, u32)>);

const LEVELS: [Level; 7] = [
    ("catch-all", 5, 0, None),
    ("system", 30, 33, Some((64, 6))),
    ("node-high", 40, 25, Some((64, 6))),
    ("leader-election", 10, 0, Some((16, 4))),
    ("workload-high", 40, 50, Some((128, 6))),
    ("workload-low", 100, 90, Some((128, 6))),
    ("global-default", 20, 50, Some((128, 6))),
];

/// Who sends a request.
#[derive(Clone, Copy)]
enum Subject {
    Group(&'static str),
    User(&'static str),
    /// A service account of `kube-system`.
    Account(&'static str),
}

/// What requests are about.
#[derive(Clone, Copy)]
enum Requests {
    All,
    /// Verbs, API group, resources, and whether these are the cluster's too, not only those of namespaces.
    Resources(&'static [(&'static [&'static str], &'static str, &'static [&'static str], bool)]),
    /// Reads of these paths.
    Paths(&'static [&'static str]),
}

/// Takes a lease.
const ELECTION: Requests =
    Requests::Resources(&[(&["get", "create", "update"], "coordination.k8s.io", &["leases"], false)]);
/// Keeps endpoints up to date.
const ENDPOINTS: Requests = Requests::Resources(&[(&["get", "create", "update"], "", &["endpoints"], false)]);
/// How a node reports that it is well.
const HEALTH: Requests = Requests::Resources(&[
    (ALL, "", &["nodes", "nodes/status"], true),
    (ALL, "coordination.k8s.io", &["leases"], false),
]);
const PROBES: Requests = Requests::Paths(&["/healthz", "/readyz", "/livez"]);

/// A flow schema: its name, level and precedence, what tells its flows apart, and whose which requests it is about.
type Schema = (&'static str, &'static str, u32, &'static str, &'static [Subject], Requests);

const SCHEMAS: [Schema; 13] = [
    ("exempt", "exempt", 1, "", &[Subject::Group("system:masters")], Requests::All),
    ("probes", "exempt", 2, "", EVERYBODY, PROBES),
    (
        "system-leader-election",
        "leader-election",
        100,
        "ByUser",
        &[MANAGER, SCHEDULER, SYSTEM_ACCOUNTS],
        ELECTION,
    ),
    (
        "endpoint-controller",
        "workload-high",
        150,
        "ByUser",
        &[
            MANAGER,
            Subject::Account("endpoint-controller"),
            Subject::Account("endpointslicemirroring-controller"),
        ],
        ENDPOINTS,
    ),
    ("workload-leader-election", "leader-election", 200, "ByUser", &[SYSTEM_ACCOUNTS], ELECTION),
    ("system-node-high", "node-high", 400, "ByUser", NODES, HEALTH),
    ("system-nodes", "system", 500, "ByUser", NODES, Requests::All),
    ("kube-controller-manager", "workload-high", 800, "ByNamespace", &[MANAGER], Requests::All),
    ("kube-scheduler", "workload-high", 800, "ByNamespace", &[SCHEDULER], Requests::All),
    ("kube-system-service-accounts", "workload-high", 900, "ByNamespace", &[SYSTEM_ACCOUNTS], Requests::All),
    (
        "service-accounts",
        "workload-low",
        9000,
        "ByUser",
        &[Subject::Group("system:serviceaccounts")],
        Requests::All,
    ),
    ("global-default", "global-default", 9900, "ByUser", EVERYBODY, Requests::All),
    ("catch-all", "catch-all", 10_000, "ByUser", EVERYBODY, Requests::All),
];

/// All of them; none needs another to be there first.
pub(crate) fn documents() -> Vec<Value> {
    let exempt = json!({"type": "Exempt", "exempt": {"nominalConcurrencyShares": 0, "lendablePercent": 0}});
    let levels = [("exempt", exempt)].into_iter().chain(LEVELS.map(|level| (level.0, limited(level))));
    let levels = levels.map(|(name, spec)| document("PriorityLevelConfiguration", name, spec));
    let schemas = SCHEMAS.map(|schema| document("FlowSchema", schema.0, flows(schema)));
    levels.chain(schemas).collect()
}

fn document(kind: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "flowcontrol.apiserver.k8s.io/v1", "kind": kind,
        "metadata": {"name": name, "annotations": {OURS.0: OURS.1}}, "spec": spec,
    })
}

fn limited((_, shares, lendable, queues): Level) -> Value {
    let response = match queues {
        None => json!({"type": "Reject"}),
        Some((queues, hand)) => json!({
            "type": "Queue", "queuing": {"queues": queues, "handSize": hand, "queueLengthLimit": QUEUE_LENGTH},
        }),
    };
    let limited =
        json!({"nominalConcurrencyShares": shares, "lendablePercent": lendable, "limitResponse": response});
    json!({"type": "Limited", "limited": limited})
}

fn flows((_, level, precedence, method, subjects, requests): Schema) -> Value {
    let mut rule = json!({"subjects": subjects.iter().map(subject).collect::<Vec<_>>()});
    let resources = |(verbs, group, resources, cluster): (&[&str], &str, &[&str], bool)| {
        let mut rule =
            json!({"verbs": verbs, "apiGroups": [group], "resources": resources, "namespaces": ALL});
        if cluster {
            rule["clusterScope"] = true.into();
        }
        rule
    };
    match requests {
        Requests::All => {
            rule["resourceRules"] = json!([resources((ALL, "*", ALL, true))]);
            rule["nonResourceRules"] = json!([{"verbs": ALL, "nonResourceURLs": ALL}]);
        }
        Requests::Resources(rules) => {
            rule["resourceRules"] = rules.iter().copied().map(resources).collect();
        }
        Requests::Paths(paths) => {
            rule["nonResourceRules"] = json!([{"verbs": ["get"], "nonResourceURLs": paths}]);
        }
    }
    let mut spec = json!({
        "matchingPrecedence": precedence, "priorityLevelConfiguration": {"name": level}, "rules": [rule],
    });
    if !method.is_empty() {
        spec["distinguisherMethod"] = json!({"type": method});
    }
    spec
}

fn subject(subject: &Subject) -> Value {
    match subject {
        Subject::Group(name) => json!({"kind": "Group", "group": {"name": name}}),
        Subject::User(name) => json!({"kind": "User", "user": {"name": name}}),
        Subject::Account(name) => {
            json!({"kind": "ServiceAccount", "serviceAccount": {"namespace": "kube-system", "name": name}})
        }
    }
}
