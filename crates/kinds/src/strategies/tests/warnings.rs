//! What is odd about objects that are accepted: tables of objects and of what is said of them.

use super::*;

const NO_POD: &str = "a null labelSelector results in matching no pod";
const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// A template of a pod with these fields in its spec.
fn template(spec: Value) -> Value {
    let plain = json!({ "containers": [{ "name": "a", "image": "nginx" }] });
    json!({ "metadata": { "labels": { "app": "web" } }, "spec": changed(plain, &spec) })
}

/// Checks what is said of a pod with these fields in its spec, and of a template of it.
fn check_spec(spec: Value, expect: &[&str]) {
    let mut pod = template(spec);
    check_warnings("Pod", pod.clone(), expect);
    pod["metadata"]["name"] = "a.b".into();
    let placed: Vec<String> = expect
        .iter()
        .map(|text| match text.starts_with("volume ") {
            true => (*text).to_owned(),
            false => format!("template.{text}")
                .replace(" with spec.", " with template.spec.")
                .replace(" use spec.", " use template.spec."),
        })
        .collect();
    let placed: Vec<&str> = placed.iter().map(String::as_str).collect();
    check_warnings("PodTemplate", json!({ "template": pod }), &placed);
}

#[test]
fn labels_of_nodes_have_new_names() {
    let old = [
        ("app.kubernetes.io/created-by", "deprecated since v1.9"),
        ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
        (
            "beta.kubernetes.io/instance-type",
            "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
        ),
        ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
        (
            "failure-domain.beta.kubernetes.io/region",
            "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
        ),
        (
            "failure-domain.beta.kubernetes.io/zone",
            "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
        ),
        ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
        (
            "scheduler.alpha.kubernetes.io/preferAvoidPods",
            "deprecated since v1.22; use Taints and Tolerations instead",
        ),
    ];
    for (label, text) in old {
        check_spec(
            json!({ "nodeSelector": { label: "x" } }),
            &[&format!("spec.nodeSelector[{label}]: {text}")],
        );
        let class = json!({ "handler": "a", "scheduling": { "nodeSelector": { label: "x" } } });
        check_warnings("RuntimeClass", class, &[&format!("scheduling.nodeSelector: {text}")]);
        let expressions =
            json!([{ "key": "a", "operator": "Exists" }, { "key": label, "operator": "Exists" }]);
        let term = json!({ "matchExpressions": expressions });
        let affinity = json!({ REQUIRED: { "nodeSelectorTerms": [term] }, PREFERRED: [{ "weight": 1, "preference": term }] });
        let at = "spec.affinity.nodeAffinity";
        check_spec(
            json!({ "affinity": { "nodeAffinity": affinity } }),
            &[
                &format!("{at}.{REQUIRED}.nodeSelectorTerms[0].matchExpressions[1].key: {label} is {text}"),
                &format!("{at}.{PREFERRED}[0].preference.matchExpressions[1].key: {label} is {text}"),
            ],
        );
        let spread = json!([{ "topologyKey": label, "maxSkew": 1, "whenUnsatisfiable": "ScheduleAnyway", "labelSelector": {} }]);
        check_spec(
            json!({ "topologySpreadConstraints": spread }),
            &[&format!("spec.topologySpreadConstraints[0].topologyKey: {label} is {text}")],
        );
    }
    check_spec(json!({ "nodeSelector": { "kubernetes.io/os": "linux" } }), &[]);
    let term = json!({ "matchExpressions": [{ "key": "a", "operator": "In", "values": ["fine", "-"] }] });
    let affinity = json!({ REQUIRED: { "nodeSelectorTerms": [term] }, PREFERRED: [{ "weight": 1, "preference": term }] });
    check_spec(
        json!({ "affinity": { "nodeAffinity": affinity } }),
        &[&format!(
            "spec.affinity.nodeAffinity.{PREFERRED}[0].preference.matchExpressions[0].values[1]: - is invalid, a valid label \
             must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
             alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is \
             '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
        )],
    );
}

#[test]
fn selectors_that_select_no_pod_are_told_of() {
    let spread = |selector: Value| json!([{ "topologyKey": "z", "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule", "labelSelector": selector }]);
    check_spec(json!({ "topologySpreadConstraints": spread(json!({})) }), &[]);
    let expect = format!("spec.topologySpreadConstraints[0].labelSelector: {NO_POD}");
    check_spec(json!({ "topologySpreadConstraints": spread(Value::Null) }), &[&expect]);
    for kind in ["podAffinity", "podAntiAffinity"] {
        let (none, all) = (json!({ "topologyKey": "z" }), json!({ "topologyKey": "z", "labelSelector": {} }));
        let preferred = |term: &Value| json!({ "weight": 1, "podAffinityTerm": term });
        let terms = json!({ REQUIRED: [all, none], PREFERRED: [preferred(&none), preferred(&all)] });
        check_spec(
            json!({ "affinity": { kind: terms } }),
            &[
                &format!("spec.affinity.{kind}.{REQUIRED}[1].labelSelector: {NO_POD}"),
                &format!("spec.affinity.{kind}.{PREFERRED}[0].podAffinityTerm.labelSelector: {NO_POD}"),
            ],
        );
    }
}

#[test]
fn annotations_that_became_fields_are_told_of() {
    let check = |notes: Value, spec: Value, expect: &[&str]| {
        let noted = changed(template(spec), &json!({ "metadata": { "annotations": notes } }));
        check_warnings("Pod", noted, expect);
    };
    let note = |key: &str, text: &str| format!("metadata.annotations[{key}]: {text}");
    for (key, text) in [
        (
            "scheduler.alpha.kubernetes.io/critical-pod",
            "non-functional in v1.16+; use the \"priorityClassName\" field instead",
        ),
        (
            "security.alpha.kubernetes.io/sysctls",
            "non-functional in v1.11+; use the \"sysctls\" field instead",
        ),
        (
            "security.alpha.kubernetes.io/unsafe-sysctls",
            "non-functional in v1.11+; use the \"sysctls\" field instead",
        ),
    ] {
        check(json!({ key: "x" }), json!({}), &[&note(key, text)]);
    }
    let text = "non-functional in v1.27+; use the \"seccompProfile\" field instead";
    let profile = json!({ "securityContext": { "seccompProfile": { "type": "RuntimeDefault" } } });
    let (whole, one) =
        ("seccomp.security.alpha.kubernetes.io/pod", "container.seccomp.security.alpha.kubernetes.io/a");
    check(json!({ whole: "x" }), json!({}), &[&note(whole, text)]);
    check(json!({ whole: "x" }), profile.clone(), &[]);
    check(json!({ one: "x" }), profile.clone(), &[&note(one, text)]);
    let container = |context: &Value| json!({ "containers": [changed(json!({ "name": "a", "image": "nginx" }), context)] });
    check(json!({ one: "x" }), container(&profile), &[]);
}

#[test]
fn profiles_of_apparmor_are_fields() {
    const KEY: &str = "container.apparmor.security.beta.kubernetes.io/a";
    let text = format!(
        "metadata.annotations[{KEY}]: deprecated since v1.30; use the \"appArmorProfile\" field instead"
    );
    let noted = |note: &str, spec: Value| {
        changed(template(spec), &json!({ "metadata": { "annotations": { KEY: note } } }))
    };
    let profile = |kind: &str| json!({ "securityContext": { "appArmorProfile": { "type": kind } } });
    let container =
        json!({ "containers": [changed(json!({ "name": "a", "image": "nginx" }), &profile("Unconfined"))] });
    let check = |note: &str, spec: Value, is_told: bool| {
        let expect = if is_told { vec![text.as_str()] } else { Vec::new() };
        check_warnings("Pod", noted(note, spec), &expect);
    };
    check("unconfined", json!({}), true);
    check("unconfined", profile("Unconfined"), false);
    check("runtime/default", profile("Unconfined"), true);
    check("runtime/default", profile("RuntimeDefault"), false);
    check("localhost/", profile("RuntimeDefault"), true);
    check("unconfined", container.clone(), false);
    check("unconfined", json!({ "os": { "name": "windows" } }), false);
    let check = |spec: Value, is_told: bool| {
        let placed = format!("template.{text}");
        let expect = if is_told { vec![placed.as_str()] } else { Vec::new() };
        check_warnings("PodTemplate", json!({ "template": noted("localhost/x", spec) }), &expect);
    };
    check(json!({}), true);
    check(profile("Unconfined"), false);
    check(container, false);
}

#[test]
fn volumes_that_nothing_serves_are_told_of() {
    for (source, text) in [
        ("photonPersistentDisk", "photonPersistentDisk: deprecated in v1.11, non-functional in v1.16+"),
        ("gitRepo", "gitRepo: deprecated in v1.11, and disabled by default in v1.33+"),
        ("scaleIO", "scaleIO: deprecated in v1.16, non-functional in v1.22+"),
        ("flocker", "flocker: deprecated in v1.22, non-functional in v1.25+"),
        ("storageos", "storageOS: deprecated in v1.22, non-functional in v1.25+"),
        ("quobyte", "quobyte: deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "glusterfs: deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", "cephfs: deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", "rbd: deprecated in v1.28, non-functional in v1.31+"),
    ] {
        let volumes = json!([{ "name": "v", "emptyDir": {} }, { "name": "w", source: {} }]);
        check_spec(json!({ "volumes": volumes }), &[&format!("spec.volumes[1].{text}")]);
    }
    let claim = |size: &str| json!({ "volumes": [{ "name": "v", "ephemeral": { "volumeClaimTemplate": { "spec": { "resources": { "requests": { "storage": size } } } } } }] });
    check_spec(claim("200Mi"), &[]);
    check_spec(
        claim("200m"),
        &[
            "spec.volumes[0].ephemeral.volumeClaimTemplate.spec.resources.requests[storage]: fractional byte value \"200m\" is invalid, must be an integer",
        ],
    );
}

#[test]
fn files_that_overlap_are_told_of() {
    let check = |source: Value, expect: &[&str]| {
        check_spec(json!({ "volumes": [changed(json!({ "name": "v" }), &source)] }), expect);
    };
    let items =
        |paths: &[&str]| -> Value { paths.iter().map(|path| json!({ "key": "k", "path": path })).collect() };
    let map = |paths: &[&str]| json!({ "configMap": { "name": "m", "items": items(paths) } });
    let said = |what: &str, text: &str| format!("volume \"v\" ({what}): overlapping paths: {text}");
    check(map(&["a", "b", "ab", "a-b", "c/d", "c/dd"]), &[]);
    check(json!({ "configMap": { "name": "m" } }), &[]);
    let of_map = |text: &str| said("ConfigMap \"m\"", text);
    check(map(&["a", "a"]), &[&of_map("\"a\" with \"a\"")]);
    check(map(&["a", "a-b", "a/b"]), &[&of_map("\"a/b\" with \"a\"")]);
    check(map(&["a/b", "x", "a"]), &[&of_map("\"a\" with \"a/b\"")]);
    check(map(&["a/b/", "a/b"]), &[&of_map("\"a/b\" with \"a/b\"")]);
    check(
        map(&["d/x", "d/y", "d", "d"]),
        &[
            &of_map("\"d\" with \"d/x\""),
            &of_map("\"d\" with \"d/y\""),
            &of_map("\"d\" with \"d/x\""),
            &of_map("\"d\" with \"d/y\""),
            &of_map("\"d\" with \"d\""),
        ],
    );
    let secret = json!({ "secret": { "secretName": "s", "items": items(&["a", "a"]) } });
    check(secret, &[&said("Secret \"s\"", "\"a\" with \"a\"")]);
    let facts = json!({ "downwardAPI": { "items": [{ "path": "a" }, { "path": "a" }] } });
    check(facts, &[&said("DownwardAPI", "\"a\" with \"a\"")]);
    let token = json!({ "serviceAccountToken": { "path": "a" } });
    for (source, told) in [
        (json!({ "configMap": { "name": "m", "items": items(&["a"]) } }), "ConfigMap \"m\""),
        (json!({ "secret": { "name": "s", "items": items(&["a"]) } }), "Secret \"s\""),
        (json!({ "downwardAPI": { "items": [{ "path": "a" }] } }), "DownwardAPI"),
        (json!({ "clusterTrustBundle": { "name": "b", "path": "a" } }), "ClusterTrustBundle \"b\""),
        (json!({ "clusterTrustBundle": { "signerName": "s", "path": "a" } }), "ClusterTrustBundle \"s\""),
        (json!({ "podCertificate": { "keyPath": "a" } }), "PodCertificate key"),
        (json!({ "podCertificate": { "certificateChainPath": "a" } }), "PodCertificate chain"),
        (json!({ "podCertificate": { "credentialBundlePath": "a" } }), "PodCertificate credential bundle"),
    ] {
        let text = format!("\"a\" (ServiceAccountToken) with \"a\" ({told})");
        check(json!({ "projected": { "sources": [source, token] } }), &[&said("Projected", &text)]);
    }
    check(
        json!({ "projected": { "sources": [{}, token] } }),
        &["volume \"v\" (Projected) has no sources provided"],
    );
}

#[test]
fn however_many_overlaps_there_are_not_all_are_told() {
    let item = json!({ "key": "k", "path": "a" });
    let source = json!({ "configMap": { "name": "m", "items": vec![item; 2000] } });
    let pod = template(json!({ "volumes": [changed(json!({ "name": "v" }), &source)] }));
    assert_eq!(row("Pod").strategy.warnings(&pod, None).len(), 128);
    let port = json!({ "containerPort": 80, "protocol": "TCP" });
    let pod =
        template(json!({ "containers": [{ "name": "a", "image": "nginx", "ports": vec![port; 2000] }] }));
    let told = row("Pod").strategy.warnings(&pod, None).len();
    assert!((128..256).contains(&told), "{told}");
}

#[test]
fn what_is_named_twice_is_told_of() {
    check_spec(
        json!({ "hostAliases": [{ "ip": "10.0.0.1" }, { "ip": "10.0.0.2" }, { "ip": "10.0.0.1" }] }),
        &["spec.hostAliases[2].ip: duplicate ip \"10.0.0.1\""],
    );
    check_spec(
        json!({ "imagePullSecrets": [{ "name": "a" }, { "name": "a" }, { "name": "" }] }),
        &[
            "spec.imagePullSecrets[1].name: duplicate name \"a\"",
            "spec.imagePullSecrets[2].name: invalid empty name \"\"",
        ],
    );
    let env = json!([
        { "name": "a", "value": "a" },
        { "name": "a", "value": "other" },
        { "name": "a", "value": "$(a)" },
        { "name": "a", "valueFrom": {} },
        { "name": "a", "value": "$(a) $(a)" },
        { "name": "b" },
    ]);
    let hides = |at: &str| {
        format!("spec.{at}: hides previous definition of \"a\", which may be dropped when using apply")
    };
    let (first, container) = (
        json!({ "name": "b", "image": "nginx", "env": env }),
        json!({ "name": "a", "image": "nginx", "env": env }),
    );
    let expect: Vec<String> = ["initContainers[0]", "containers[0]"]
        .iter()
        .flat_map(|at| (1..4).map(|i| hides(&format!("{at}.env[{i}]"))).collect::<Vec<_>>())
        .collect();
    let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
    check_spec(json!({ "initContainers": [first], "containers": [container] }), &expect);
}

#[test]
fn bytes_are_whole() {
    let amounts = json!({ "cpu": "100m", "memory": "4m", "ephemeral-storage": "1500m" });
    let container =
        json!({ "name": "a", "image": "nginx", "resources": { "limits": amounts, "requests": amounts } });
    let text = |at: &str, size: &str| {
        format!("spec.{at}: fractional byte value \"{size}\" is invalid, must be an integer")
    };
    check_spec(
        json!({ "containers": [container], "overhead": amounts }),
        &[
            &text("overhead[memory]", "4m"),
            &text("overhead[ephemeral-storage]", "1500m"),
            &text("containers[0].resources.limits[memory]", "4m"),
            &text("containers[0].resources.requests[memory]", "4m"),
            &text("containers[0].resources.limits[ephemeral-storage]", "1500m"),
            &text("containers[0].resources.requests[ephemeral-storage]", "1500m"),
        ],
    );
    check_spec(json!({ "overhead": { "cpu": "1m", "memory": "1Ki" } }), &[]);
}

#[test]
fn ports_that_clash_are_told_of() {
    let port =
        |number: i64, fields: Value| changed(json!({ "containerPort": number, "protocol": "UDP" }), &fields);
    let check = |ports: Value, expect: &[&str]| {
        check_spec(json!({ "containers": [{ "name": "a", "image": "nginx", "ports": ports }] }), expect);
    };
    let clash = |how: &str| {
        format!("spec.containers[0].ports[1]: {how} port definition with spec.containers[0].ports[0]")
    };
    let host = |port: i64| json!({ "hostPort": port });
    let on = |address: &str| json!({ "hostPort": 80, "hostIP": address });
    check(json!([port(80, json!({})), port(81, json!({}))]), &[]);
    check(json!([port(80, json!({})), port(80, json!({ "protocol": "TCP" }))]), &[]);
    check(json!([port(80, host(80)), port(80, host(81))]), &[]);
    check(json!([port(80, on("10.0.0.1")), port(80, on("10.0.0.2"))]), &[]);
    check(json!([port(80, json!({})), port(80, json!({}))]), &[&clash("duplicate")]);
    check(json!([port(80, on("10.0.0.1")), port(80, on("10.0.0.1"))]), &[&clash("duplicate")]);
    check(json!([port(80, host(80)), port(80, json!({}))]), &[&clash("overlapping")]);
    check(json!([port(80, on("10.0.0.1")), port(80, host(80))]), &[&clash("dangerously ambiguous")]);
    check(
        json!([port(80, json!({ "hostIP": "10.0.0.1" }))]),
        &[
            "spec.containers[0].ports[0]: hostIP set without hostPort: {Name: HostPort:0 ContainerPort:80 Protocol:UDP HostIP:10.0.0.1}",
        ],
    );
    let named = |container: &str, number: i64| json!({ "name": container, "image": "nginx", "ports": [port(number, json!({ "name": "web" }))] });
    check_spec(
        json!({ "initContainers": [named("b", 80)], "containers": [named("a", 81)] }),
        &[
            "spec.containers[0].ports[0]: duplicate port name \"web\" with spec.initContainers[0].ports[0], services and probes that select ports by name will use spec.initContainers[0].ports[0]",
        ],
    );
}

#[test]
fn numbers_and_addresses_of_pods_are_as_they_should_be() {
    let impatient = template(json!({ "terminationGracePeriodSeconds": -1 }));
    check_warnings("Pod", impatient.clone(), &[]);
    check_warnings(
        "PodTemplate",
        json!({ "template": impatient }),
        &[
            "template.spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated \
             as 1",
        ],
    );
    let form = "should be in RFC 5952 canonical format (\"fd00::1\")";
    check_spec(
        json!({ "dnsConfig": { "nameservers": ["10.0.0.1", "FD00::1"] }, "hostAliases": [{ "ip": "fd00:0::1" }] }),
        &[
            &format!("spec.dnsConfig.nameservers[1]: IPv6 address \"FD00::1\" {form}"),
            &format!("spec.hostAliases[0].ip: IPv6 address \"fd00:0::1\" {form}"),
        ],
    );
    let pod = json!({ "status": { "podIPs": [{ "ip": "FD00::1" }], "hostIPs": [{ "ip": "10.0.0.1" }, { "ip": "FD00::1" }] } });
    assert_eq!(
        row("Pod").strategy.status_warnings(&pod),
        [
            format!("status.podIPs[0].ip: IPv6 address \"FD00::1\" {form}"),
            format!("status.hostIPs[1].ip: IPv6 address \"FD00::1\" {form}"),
        ]
    );
}

#[test]
fn updates_are_told_of_what_they_change() {
    let odd = template(json!({ "terminationGracePeriodSeconds": -1 }));
    let text = "must be >= 0; negative values are invalid and will be treated as 1";
    let selector = json!({ "matchLabels": { "app": "web" } });
    let job = changed(odd.clone(), &json!({ "spec": { "restartPolicy": "Never" } }));
    let (number, label) =
        (json!({ "spec": { "replicas": 7 } }), json!({ "metadata": { "labels": { "a": "b" } } }));
    for (kind, object, change, at) in [
        (
            "Deployment",
            json!({ "spec": { "selector": selector, "template": odd } }),
            &number,
            "spec.template",
        ),
        (
            "ReplicaSet",
            json!({ "spec": { "selector": selector, "template": odd } }),
            &number,
            "spec.template",
        ),
        (
            "StatefulSet",
            json!({ "spec": { "selector": selector, "template": odd } }),
            &number,
            "spec.template",
        ),
        ("ReplicationController", json!({ "spec": { "template": odd } }), &number, "spec.template"),
        (
            "DaemonSet",
            json!({ "spec": { "selector": selector, "template": odd } }),
            &json!({ "spec": { "minReadySeconds": 7 } }),
            "spec.template",
        ),
        (
            "Job",
            json!({ "spec": { "template": job } }),
            &json!({ "spec": { "parallelism": 7 } }),
            "spec.template",
        ),
        (
            "CronJob",
            json!({ "spec": { "schedule": "@daily", "jobTemplate": { "spec": { "template": job } } } }),
            &json!({ "spec": { "suspend": true } }),
            "spec.jobTemplate.spec.template",
        ),
        (
            "PodTemplate",
            json!({ "template": odd }),
            &json!({ "template": { "metadata": { "labels": { "a": "b" } } } }),
            "template",
        ),
    ] {
        let expect = format!("{at}.spec.terminationGracePeriodSeconds: {text}");
        check_warnings(kind, object.clone(), &[&expect]);
        check_update_warnings(kind, object.clone(), change.clone(), &[&expect]);
        check_update_warnings(kind, object, label.clone(), &[]);
    }
    check_update_warnings("Pod", odd, json!({ "spec": { "activeDeadlineSeconds": 7 } }), &[]);
    let dotted = json!({ "metadata": { "name": "a.b" }, "spec": { "selector": selector, "template": template(json!({})) } });
    check_update_warnings("Deployment", dotted, json!({ "spec": { "replicas": 7 } }), &[]);
}

#[test]
fn names_of_pods_become_hostnames() {
    let named = |name: &str| changed(template(json!({})), &json!({ "metadata": { "name": name } }));
    check_warnings("Pod", named("a"), &[]);
    check_warnings(
        "Pod",
        named("a.b"),
        &[
            "metadata.name: this is used in the Pod's hostname, which can result in surprising behavior; a DNS label is recommended: [must not contain dots]",
        ],
    );
}

#[test]
fn schedules_name_no_time_zone() {
    let once = template(json!({ "restartPolicy": "Never" }));
    let object = json!({ "spec": { "schedule": "TZ=UTC 0 * * * *", "jobTemplate": { "spec": { "template": once } } } });
    check_warnings("CronJob", object.clone(), &[]);
    check_update_warnings(
        "CronJob",
        object,
        json!({}),
        &[
            "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details",
        ],
    );
}

#[test]
fn claims_of_stateful_sets_are_whole_numbers_of_bytes() {
    let claim = json!({ "metadata": { "name": "c" }, "spec": { "resources": { "requests": { "storage": "1500m" } } } });
    let object = json!({ "spec": { "template": template(json!({})), "volumeClaimTemplates": [claim] } });
    let text = "resources.requests[storage]: fractional byte value \"1500m\" is invalid, must be an integer";
    check_warnings("StatefulSet", object.clone(), &[&format!("spec.volumeClaimTemplates[0].{text}")]);
    check_update_warnings(
        "StatefulSet",
        object,
        json!({}),
        &[&format!("spec.volumeClaimTemplates[0].Spec.{text}")],
    );
}

#[test]
fn what_services_have_no_use_for_is_told() {
    let check = |spec: Value, expect: &[&str]| {
        let plain =
            json!({ "spec": { "type": "ClusterIP", "sessionAffinity": "None", "ports": [{ "port": 80 }] } });
        let service = changed(plain, &json!({ "spec": spec }));
        check_warnings("Service", service.clone(), expect);
        check_update_warnings("Service", service, json!({}), expect);
    };
    check(json!({}), &[]);
    check(json!({ "clusterIP": "None" }), &[]);
    check(
        json!({ "clusterIP": "None", "loadBalancerIP": "10.0.0.1", "externalIPs": ["10.0.0.2"], "sessionAffinity": "ClientIP" }),
        &[
            "spec.loadBalancerIP is ignored for headless services",
            "spec.externalIPs is ignored for headless services",
            "spec.SessionAffinity is ignored for headless services",
        ],
    );
    let external = "spec.externalIPs is deprecated and may no longer be implemented in some clusters";
    check(json!({ "externalIPs": ["10.0.0.2"] }), &[external]);
    let form = "should be in RFC 5952 canonical format (\"fd00::1\")";
    check(
        json!({ "clusterIP": "FD00::1", "clusterIPs": ["FD00::1"], "externalIPs": ["FD00::1"], "loadBalancerIP": "FD00::1" }),
        &[
            &format!("spec.clusterIPs[0]: IPv6 address \"FD00::1\" {form}"),
            &format!("spec.externalIPs[0]: IPv6 address \"FD00::1\" {form}"),
            external,
            &format!("spec.loadBalancerIP: IPv6 address \"FD00::1\" {form}"),
        ],
    );
    check(
        json!({ "type": "LoadBalancer", "loadBalancerSourceRanges": ["10.0.0.0/8", "10.0.0.1/8"] }),
        &[
            "spec.loadBalancerSourceRanges[1]: CIDR value \"10.0.0.1/8\" is ambiguous in this context (should be \"10.0.0.0/8\" or \"10.0.0.1/32\"?)",
        ],
    );
    check(
        json!({ "type": "ExternalName", "externalName": "a.example", "externalIPs": ["10.0.0.2"] }),
        &["spec.externalIPs is ignored when spec.type is \"ExternalName\""],
    );
    check(
        json!({ "externalName": "a.example" }),
        &["spec.externalName is ignored when spec.type is not \"ExternalName\""],
    );
    check(
        json!({ "trafficDistribution": "PreferClose" }),
        &["spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\""],
    );
    check_warnings(
        "Service",
        json!({ "metadata": { "annotations": { "service.kubernetes.io/topology-aware-hints": "auto" } } }),
        &[
            "annotation service.kubernetes.io/topology-aware-hints is deprecated, please use service.kubernetes.io/topology-mode instead",
        ],
    );
    let status =
        json!({ "status": { "loadBalancer": { "ingress": [{ "hostname": "a" }, { "ip": "FD00::1" }] } } });
    assert_eq!(
        row("Service").strategy.status_warnings(&status),
        [format!("status.loadBalancer.ingress[1]: IPv6 address \"FD00::1\" {form}")]
    );
}

#[test]
fn addresses_of_endpoints_are_as_they_should_be() {
    let form = "should be in RFC 5952 canonical format (\"fd00::1\")";
    let by = |label: &str, maker: &str| json!({ "metadata": { "labels": { label: maker } } });
    let slice = json!({ "addressType": "IPv6", "endpoints": [{ "addresses": ["FD00::1"] }] });
    let told = format!("endpoints[0].addresses[0]: IPv6 address \"FD00::1\" {form}");
    check_warnings("EndpointSlice", slice.clone(), &[&told]);
    check_update_warnings("EndpointSlice", slice.clone(), json!({}), &[&told]);
    let label = "endpointslice.kubernetes.io/managed-by";
    for maker in ["endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"] {
        check_warnings("EndpointSlice", changed(slice.clone(), &by(label, maker)), &[]);
    }
    check_warnings("EndpointSlice", changed(slice, &by(label, "me")), &[&told]);
    let named = json!({ "addressType": "FQDN", "endpoints": [{ "addresses": ["a.example"] }] });
    check_warnings("EndpointSlice", named.clone(), &["spec.addressType: FQDN endpoints are deprecated"]);
    check_update_warnings("EndpointSlice", named, json!({}), &[]);
    let address = json!([{ "ip": "FD00::1" }]);
    let endpoints = json!({ "subsets": [{ "addresses": address, "notReadyAddresses": address }] });
    check_warnings(
        "Endpoints",
        endpoints.clone(),
        &[
            &format!("subsets[0].addresses[0].ip: IPv6 address \"FD00::1\" {form}"),
            &format!("subsets[0].notReadyAddresses[0].ip: IPv6 address \"FD00::1\" {form}"),
        ],
    );
    let made = by("endpoints.kubernetes.io/managed-by", "endpoint-controller");
    check_warnings("Endpoints", changed(endpoints, &made), &[]);
}

#[test]
fn updates_of_other_kinds_are_told_what_creations_are() {
    let ambiguous = "CIDR value \"10.0.0.1/8\" is ambiguous in this context (should be \"10.0.0.0/8\" or \"10.0.0.1/32\"?)";
    let node = json!({ "spec": { "podCIDR": "10.0.0.1/8", "podCIDRs": ["10.0.0.1/8"] } });
    check_warnings("Node", node.clone(), &[&format!("spec.podCIDRs[0]: {ambiguous}")]);
    check_update_warnings("Node", node, json!({}), &[&format!("spec.podCIDRs[0]: {ambiguous}")]);
    let policy = json!({ "spec": { "podSelector": {}, "egress": [{ "to": [{ "ipBlock": { "cidr": "10.0.0.1/8" } }] }] } });
    check_update_warnings(
        "NetworkPolicy",
        policy,
        json!({}),
        &[&format!("spec.egress[0].to[0].ipBlock.cidr: {ambiguous}")],
    );
    let noted = |key: &str| json!({ "metadata": { "annotations": { key: "true" } } });
    let options = "volume.beta.kubernetes.io/mount-options";
    let text = format!(
        "metadata.annotations[{options}]: deprecated since v1.31; use \"mountOptions\" attribute instead"
    );
    check_warnings("PersistentVolume", noted(options), &[&text]);
    check_update_warnings("PersistentVolume", noted(options), json!({}), &[&text]);
    check_warnings("PersistentVolumeClaim", noted(options), &[]);
    let mountable = "kubernetes.io/enforce-mountable-secrets";
    check_update_warnings("ServiceAccount", noted(mountable), json!({}), &[]);
    check_update_warnings(
        "ServiceAccount",
        json!({}),
        noted(mountable),
        &[&format!(
            "metadata.annotations[{mountable}]: deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets"
        )],
    );
    check_update_warnings("Ingress", noted("kubernetes.io/ingress.class"), json!({}), &[]);
}

#[test]
fn keys_belong_to_their_certificates() {
    let secret = |kind: &str| json!({ "type": kind, "data": { "tls.crt": "", "tls.key": "" } });
    let text = "tls: failed to find any PEM data in certificate input";
    check_warnings("Secret", secret("kubernetes.io/tls"), &[text]);
    check_update_warnings("Secret", secret("kubernetes.io/tls"), json!({}), &[text]);
    check_warnings("Secret", secret("Opaque"), &[]);
}

#[test]
fn apis_whose_time_is_over_say_so() {
    let told: Vec<String> = built_in().iter().filter_map(|kind| kind.deprecated.clone()).collect();
    assert_eq!(
        told,
        [
            "v1 ComponentStatus is deprecated in v1.19+",
            "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
        ]
    );
}
