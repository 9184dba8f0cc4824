//! Ingresses, policies and addresses.

use super::*;

const SUBDOMAIN: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or \
     '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const WILDCARD: &str = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, \
     which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character \
     (e.g. '*.example.com', regex used for validation is \
     '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const PORT: &str = "must be between 1 and 65535, inclusive";
const IMMUTABLE: &str = "field is immutable";

fn service(port: Value) -> Value {
    json!({ "service": { "name": "web", "port": port } })
}

/// An ingress with one path.
fn with_path(path: Value) -> Value {
    let good = json!({ "pathType": "Prefix", "path": "/", "backend": service(json!({ "number": 80 })) });
    json!({ "spec": { "rules": [{ "host": "a.example", "http": { "paths": [changed(good, &path)] } }] } })
}

fn check_path(path: Value, expect: &[&str]) {
    let at = "spec.rules[0].http.paths[0]";
    let expect: Vec<String> = expect.iter().map(|text| format!("{at}{text}")).collect();
    check_create("Ingress", with_path(path), &expect.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn paths_of_ingresses_are_checked() {
    check_path(json!({}), &[]);
    check_path(json!({ "pathType": null }), &[".pathType: Required value: pathType must be specified"]);
    check_path(
        json!({ "pathType": "Regex" }),
        &[
            ".pathType: Unsupported value: \"Regex\": supported values: \"Exact\", \"ImplementationSpecific\", \"Prefix\"",
        ],
    );
    check_path(json!({ "path": null }), &[".path: Invalid value: \"\": must be an absolute path"]);
    check_path(json!({ "path": "/a//b" }), &[".path: Invalid value: \"/a//b\": must not contain '//'"]);
    check_path(json!({ "path": "/a%2Fb" }), &[".path: Invalid value: \"/a%2Fb\": must not contain '%2F'"]);
    check_path(
        json!({ "pathType": "Exact", "path": "/./.." }),
        &[
            ".path: Invalid value: \"/./..\": must not contain '/./'",
            ".path: Invalid value: \"/./..\": cannot end with '/..'",
        ],
    );
    check_path(json!({ "pathType": "ImplementationSpecific", "path": null }), &[]);
    check_path(json!({ "pathType": "ImplementationSpecific", "path": "/a//b" }), &[]);
    check_path(
        json!({ "pathType": "ImplementationSpecific", "path": "a" }),
        &[".path: Invalid value: \"a\": must be an absolute path"],
    );
    let nothing = json!({ "spec": { "rules": [{ "http": { "paths": [] } }] } });
    check_create("Ingress", nothing, &["spec.rules[0].http.paths: Required value"]);
}

#[test]
fn backends_of_ingresses_are_checked() {
    let check = |backend: Value, expect: &[&str]| check_path(json!({ "backend": backend }), expect);
    let both = "cannot set both port name & port number";
    check(service(json!({ "number": null, "name": "http" })), &[]);
    check(service(json!({ "name": "http" })), &[&format!(".backend: Invalid value: \"\": {both}")]);
    check(
        service(json!({ "number": 70000 })),
        &[&format!(".backend.service.port.number: Invalid value: 70000: {PORT}")],
    );
    check(
        service(json!({ "number": null, "name": "Http" })),
        &[
            ".backend.service.port.name: Invalid value: \"Http\": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)",
        ],
    );
    check(service(json!(null)), &[".backend: Required value: port name or number is required"]);
    check(json!({ "service": { "name": "" } }), &[".backend.service.name: Required value"]);
    check(json!({ "service": { "name": "1web", "port": { "number": 80 } } }), &[]);
    check(
        json!({ "service": { "name": "a.b", "port": { "number": 80 } } }),
        &[".backend.service.name: Invalid value: \"a.b\": must not contain dots"],
    );
    check(
        json!({ "service": null }),
        &[".backend: Invalid value: \"\": resource or service backend is required"],
    );
    check(
        json!({ "resource": { "kind": "Bucket", "name": "b" } }),
        &[".backend: Invalid value: \"\": cannot set both resource and service backends"],
    );
    check(
        json!({ "service": null, "resource": { "apiGroup": "-", "kind": "a/b" } }),
        &[
            &format!(".backend.resource.apiGroup: Invalid value: \"-\": {SUBDOMAIN}"),
            ".backend.resource.kind: Invalid value: \"a/b\": may not contain '/'",
            ".backend.resource.name: Required value",
        ],
    );
}

#[test]
fn ingresses_are_checked() {
    let check = |spec: Value, expect: &[&str]| {
        let good = json!({ "spec": { "defaultBackend": service(json!({ "number": 80 })) } });
        check_create("Ingress", changed(good, &json!({ "spec": spec })), expect);
    };
    check(
        json!({ "defaultBackend": null }),
        &["spec: Invalid value: null: either `defaultBackend` or `rules` must be specified"],
    );
    check(json!({ "rules": [{ "host": "*.example" }, {}] }), &[]);
    check(
        json!({ "rules": [{ "host": "10.0.0.1" }] }),
        &["spec.rules[0].host: Invalid value: \"10.0.0.1\": must be a DNS name, not an IP address"],
    );
    check(
        json!({ "rules": [{ "host": "a.*" }, { "host": "A" }] }),
        &[
            &format!("spec.rules[0].host: Invalid value: \"a.*\": {WILDCARD}"),
            &format!("spec.rules[1].host: Invalid value: \"A\": {SUBDOMAIN}"),
        ],
    );
    check(
        json!({ "tls": [{ "hosts": ["*.example", "*"], "secretName": "-" }] }),
        &[
            &format!("spec.tls[0].hosts[1]: Invalid value: \"*\": {WILDCARD}"),
            &format!("spec.tls[0].secretName: Invalid value: \"-\": {SUBDOMAIN}"),
        ],
    );
    check(
        json!({ "ingressClassName": "A" }),
        &[&format!("spec.ingressClassName: Invalid value: \"A\": {SUBDOMAIN}")],
    );
}

#[test]
fn the_class_of_an_ingress_is_said_once() {
    let of = |class: Value| {
        let old = json!({ "metadata": { "annotations": { "kubernetes.io/ingress.class": "a" } }, "spec": { "ingressClassName": class } });
        changed(with_path(json!({})), &old)
    };
    check_create("Ingress", of(json!("a")), &[]);
    check_create(
        "Ingress",
        of(json!("b")),
        &[
            "annotations.kubernetes.io/ingress.class: Invalid value: \"a\": must match `ingressClassName` when both are specified",
        ],
    );
    check_update("Ingress", of(json!("a")), json!({ "spec": { "ingressClassName": "b" } }), &[]);
    check_warnings("Ingress", of(json!("a")), &[]);
    let expect = "annotation \"kubernetes.io/ingress.class\" is deprecated, please use 'spec.ingressClassName' instead";
    check_warnings("Ingress", of(Value::Null), &[expect]);
}

#[test]
fn the_status_of_an_ingress_has_addresses_or_names() {
    let check = |point: Value, expect: &[&str]| {
        let status = json!({ "status": { "loadBalancer": { "ingress": [point] } } });
        check_status("Ingress", json!({}), status, expect);
    };
    let at = "status.loadBalancer.ingress[0]";
    check(json!({ "ip": "192.0.2.1", "hostname": "a.example" }), &[]);
    check(
        json!({ "ip": "x" }),
        &[&format!(
            "{at}.ip: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        )],
    );
    check(
        json!({ "hostname": "192.0.2.1" }),
        &[&format!("{at}.hostname: Invalid value: \"192.0.2.1\": must be a DNS name, not an IP address")],
    );
    check(json!({ "hostname": "A" }), &[&format!("{at}.hostname: Invalid value: \"A\": {SUBDOMAIN}")]);
}

#[test]
fn ingress_classes_are_checked() {
    let class = |controller: &str, parameters: Value| json!({ "spec": { "controller": controller, "parameters": parameters } });
    let with =
        |parameters: Value| class("a.example/b", changed(json!({ "kind": "K", "name": "n" }), &parameters));
    check_field("IngressClass", with(json!({})), "spec.parameters.scope", json!("Cluster"));
    check_create("IngressClass", json!({ "spec": {} }), &["spec.controller: Required value"]);
    let shape = "must be a domain-prefixed path (such as \"acme.io/foo\")";
    check_create(
        "IngressClass",
        class("a.example", Value::Null),
        &[&format!("spec.controller: Invalid value: \"a.example\": {shape}")],
    );
    check_create(
        "IngressClass",
        class("A/b c", Value::Null),
        &[
            &format!("spec.controller: Invalid value: \"A\": {SUBDOMAIN}"),
            "spec.controller: Invalid value: \"b c\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
        ],
    );
    check_create(
        "IngressClass",
        class(&format!("a.example/{}", "b".repeat(250)), Value::Null),
        &["spec.controller: Too long: may not be more than 250 bytes"],
    );
    check_create("IngressClass", with(json!({ "kind": null })), &["spec.parameters.kind: Required value"]);
    check_create(
        "IngressClass",
        with(json!({ "name": ".." })),
        &["spec.parameters.name: Invalid value: \"..\": may not be '..'"],
    );
    check_create(
        "IngressClass",
        with(json!({ "scope": "Zone" })),
        &["spec.parameters.scope: Unsupported value: \"Zone\": supported values: \"Cluster\", \"Namespace\""],
    );
    check_create(
        "IngressClass",
        with(json!({ "scope": "Namespace" })),
        &["spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'"],
    );
    check_create("IngressClass", with(json!({ "scope": "Namespace", "namespace": "n" })), &[]);
    check_create(
        "IngressClass",
        with(json!({ "scope": "Namespace", "namespace": "a.b" })),
        &["spec.parameters.namespace: Invalid value: \"a.b\": must not contain dots"],
    );
    check_create(
        "IngressClass",
        with(json!({ "namespace": "n" })),
        &["spec.parameters.namespace: Forbidden: `parameters.scope` is set to 'Cluster'"],
    );
    check_update(
        "IngressClass",
        with(json!({})),
        json!({ "spec": { "controller": "a.example/c" } }),
        &[&format!("spec.controller: Invalid value: \"a.example/c\": {IMMUTABLE}")],
    );
}

#[test]
fn policies_have_types() {
    let policy = |spec: Value| json!({ "spec": spec });
    let types = |spec: Value, expect: Value| {
        check_field("NetworkPolicy", policy(spec), "spec.policyTypes", expect);
    };
    types(json!({}), json!(["Ingress"]));
    types(json!({ "egress": [] }), json!(["Ingress"]));
    types(json!({ "egress": [{}] }), json!(["Ingress", "Egress"]));
    types(json!({ "egress": [{}], "policyTypes": ["Egress"] }), json!(["Egress"]));
    check_create(
        "NetworkPolicy",
        policy(json!({ "policyTypes": ["ingress"] })),
        &["spec.policyTypes[0]: Unsupported value: \"ingress\": supported values: \"Egress\", \"Ingress\""],
    );
    check_create(
        "NetworkPolicy",
        policy(json!({ "policyTypes": ["Ingress", "Egress", "Ingress"] })),
        &[
            "spec.policyTypes: Invalid value: [\"Ingress\",\"Egress\",\"Ingress\"]: may not specify more than two policyTypes",
        ],
    );
    check_create(
        "NetworkPolicy",
        policy(json!({ "podSelector": { "matchExpressions": [{ "key": "a", "operator": "In" }] } })),
        &[
            "spec.podSelector.matchExpressions[0].values: Required value: must be specified when `operator` is 'In' or 'NotIn'",
        ],
    );
}

#[test]
fn ports_of_policies_are_checked() {
    let check = |port: Value, expect: &[&str]| {
        let policy = json!({ "spec": { "egress": [{ "ports": [port] }] } });
        let expect: Vec<String> =
            expect.iter().map(|text| format!("spec.egress[0].ports[0]{text}")).collect();
        check_create("NetworkPolicy", policy, &expect.iter().map(String::as_str).collect::<Vec<_>>());
    };
    check(json!({}), &[]);
    check(json!({ "port": 80, "endPort": 90 }), &[]);
    check(json!({ "port": "http", "protocol": "UDP" }), &[]);
    check(
        json!({ "protocol": "ICMP" }),
        &[".protocol: Unsupported value: \"ICMP\": supported values: \"SCTP\", \"TCP\", \"UDP\""],
    );
    check(json!({ "port": 0 }), &[&format!(".port: Invalid value: 0: {PORT}")]);
    check(
        json!({ "port": 80, "endPort": 79 }),
        &[".endPort: Invalid value: 79: must be greater than or equal to `port`"],
    );
    check(json!({ "port": 80, "endPort": 70000 }), &[&format!(".endPort: Invalid value: 70000: {PORT}")]);
    check(
        json!({ "port": "http", "endPort": 90 }),
        &[".endPort: Invalid value: 90: may not be specified when `port` is non-numeric"],
    );
    check(
        json!({ "endPort": 90 }),
        &[".endPort: Invalid value: 90: may not be specified when `port` is not specified"],
    );
    check(
        json!({ "port": "-" }),
        &[
            ".port: Invalid value: \"-\": must contain at least one letter (a-z)",
            ".port: Invalid value: \"-\": must not begin or end with a hyphen",
        ],
    );
}

#[test]
fn peers_of_policies_are_checked() {
    let policy = |peer: Value| json!({ "spec": { "ingress": [{ "from": [peer] }] } });
    let check = |peer: Value, expect: &[&str]| {
        let expect: Vec<String> =
            expect.iter().map(|text| format!("spec.ingress[0].from[0]{text}")).collect();
        check_create("NetworkPolicy", policy(peer), &expect.iter().map(String::as_str).collect::<Vec<_>>());
    };
    let block = |cidr: &str, except: Value| json!({ "ipBlock": { "cidr": cidr, "except": except } });
    let cidr = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
    let subset = "must be a strict subset of `cidr`";
    check(json!({ "podSelector": {}, "namespaceSelector": {} }), &[]);
    check(json!({}), &[": Required value: must specify a peer"]);
    check(
        json!({ "podSelector": {}, "ipBlock": { "cidr": "10.0.0.0/8" } }),
        &[": Forbidden: may not specify both ipBlock and another peer"],
    );
    check(block("10.0.0.0/8", json!(["10.1.0.0/16"])), &[]);
    check(block("fd00::/16", json!(["fd00:1::/32"])), &[]);
    check(block("", json!(["x"])), &[".ipBlock.cidr: Required value"]);
    check(block("10.0.0.0", json!(["x"])), &[&format!(".ipBlock.cidr: Invalid value: \"10.0.0.0\": {cidr}")]);
    for outside in ["11.0.0.0/16", "10.0.0.0/8", "0.0.0.0/0", "fd00::/32"] {
        check(
            block("10.0.0.0/8", json!(["x", outside])),
            &[
                &format!(".ipBlock.except[0]: Invalid value: \"x\": {cidr}"),
                &format!(".ipBlock.except[1]: Invalid value: \"{outside}\": {subset}"),
            ],
        );
    }
    check_warnings("NetworkPolicy", policy(block("10.0.0.0/8", json!(["10.1.0.0/16"]))), &[]);
    check_warnings(
        "NetworkPolicy",
        policy(block("10.0.0.1/8", json!(["FD00::/16"]))),
        &[
            "spec.ingress[0].from[0].ipBlock.cidr: CIDR value \"10.0.0.1/8\" is ambiguous in this context (should be \"10.0.0.0/8\" or \"10.0.0.1/32\"?)",
            "spec.ingress[0].from[0].ipBlock.except[0]: IPv6 CIDR value \"FD00::/16\" should be in RFC 5952 canonical format (\"fd00::/16\")",
        ],
    );
}

#[test]
fn addresses_are_named_by_themselves() {
    let address = |name: &str| json!({ "metadata": { "name": name }, "spec": { "parentRef": { "resource": "services", "name": "web", "namespace": "n" } } });
    let check = |name: &str, detail: &str| {
        let expect = format!("metadata.name: Invalid value: \"{name}\": {detail}");
        check_create("IPAddress", address(name), &[&expect]);
    };
    check_create("IPAddress", address("10.0.0.1"), &[]);
    check("web", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    check("fd00::0:1", "must be in canonical form (\"fd00::1\")");
    check("::ffff:10.0.0.1", "must not be an IPv4-mapped IPv6 address");
}

#[test]
fn addresses_are_claimed_unless_they_only_show_a_service() {
    let check = |labels: Value, expect: &[crate::Claim]| {
        let object = json!({ "metadata": { "name": "10.0.0.1", "labels": labels } });
        assert_eq!(row("IPAddress").strategy.claims(&object), expect);
    };
    let itself = [crate::Claim::Address([10, 0, 0, 1].into())];
    check(Value::Null, &itself);
    check(json!({ "ipaddress.kubernetes.io/managed-by": "somebody" }), &itself);
    check(json!({ "ipaddress.kubernetes.io/managed-by": "ipallocator.k8s.io" }), &[]);
}

#[test]
fn addresses_have_an_owner() {
    let address = |parent: Value| {
        let good = json!({ "resource": "services", "name": "web" });
        json!({ "metadata": { "name": "10.0.0.1" }, "spec": { "parentRef": changed(good, &parent) } })
    };
    let check = |parent: Value, expect: &[&str]| check_create("IPAddress", address(parent), expect);
    check(
        json!({ "resource": "", "name": null }),
        &["spec.parentRef.name: Required value", "spec.parentRef.resource: Required value"],
    );
    check(
        json!({ "group": "-", "resource": "a/b", "name": "..", "namespace": "%" }),
        &[
            &format!("spec.parentRef.group: Invalid value: \"-\": {SUBDOMAIN}"),
            "spec.parentRef.resource: Invalid value: \"a/b\": may not contain '/'",
            "spec.parentRef.name: Invalid value: \"..\": may not be '..'",
            "spec.parentRef.namespace: Invalid value: \"%\": may not contain '%'",
        ],
    );
    let nobody = json!({ "metadata": { "name": "10.0.0.1" }, "spec": {} });
    check_create("IPAddress", nobody, &["spec.parentRef: Required value"]);
    check_update(
        "IPAddress",
        address(json!({})),
        json!({ "spec": { "parentRef": { "name": "b" } } }),
        &[&format!(
            "spec.parentRef: Invalid value: {{\"name\":\"b\",\"resource\":\"services\"}}: {IMMUTABLE}"
        )],
    );
}

#[test]
fn ranges_of_services_are_checked() {
    let range = |cidrs: Value| json!({ "spec": { "cidrs": cidrs } });
    let check = |cidrs: Value, expect: &[&str]| check_create("ServiceCIDR", range(cidrs), expect);
    check(json!([]), &["spec.cidrs: Required value: at least one CIDR required"]);
    check(
        json!(["a", "b", "c"]),
        &["spec.cidrs: Invalid value: {\"cidrs\":[\"a\",\"b\",\"c\"]}: may only hold up to 2 values"],
    );
    check(
        json!(["10.0.0.0"]),
        &[
            "spec.cidrs[0]: Invalid value: \"10.0.0.0\": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)",
        ],
    );
    check(
        json!(["10.0.0.1/24", "fd00::0:0/108"]),
        &[
            "spec.cidrs[0]: Invalid value: \"10.0.0.1/24\": must not have bits set beyond the prefix length",
            "spec.cidrs[1]: Invalid value: \"fd00::0:0/108\": must be in canonical form (\"fd00::/108\")",
        ],
    );
    check(
        json!(["::ffff:10.0.0.0/112"]),
        &["spec.cidrs[0]: Invalid value: \"::ffff:10.0.0.0/112\": must not have an IPv4-mapped IPv6 address"],
    );
    check(
        json!(["10.0.0.0/24", "10.0.1.0/24"]),
        &[
            "spec.cidrs: Invalid value: [\"10.0.0.0/24\",\"10.0.1.0/24\"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64",
        ],
    );
}

#[test]
fn ranges_of_services_stay() {
    let check = |before: Value, now: Value, expect: &[&str]| {
        let range = |cidrs: Value| json!({ "spec": { "cidrs": cidrs } });
        check_update("ServiceCIDR", range(before), range(now), expect);
    };
    let (one, other, six) = ("10.0.0.0/24", "10.0.1.0/24", "fd00::/108");
    check(json!([one]), json!([one, six]), &[]);
    check(
        json!([one]),
        json!([other, six]),
        &[&format!("spec.cidrs[0]: Invalid value: \"{other}\": {IMMUTABLE}")],
    );
    check(
        json!([one, six]),
        json!([one, "fd01::/108"]),
        &[&format!("spec.cidrs[1]: Invalid value: \"fd01::/108\": {IMMUTABLE}")],
    );
    check(
        json!([one, six]),
        json!([one]),
        &[&format!("spec.cidrs: Invalid value: [\"{one}\"]: {IMMUTABLE}")],
    );
}
