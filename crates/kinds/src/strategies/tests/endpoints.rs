//! Endpoints and endpoint slices.

use super::*;

const NAME: &str = "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an \
     alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is \
     '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const LABEL: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must \
     start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
     '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

/// Addresses at which nobody else finds anything, and what is said of each.
pub(super) const USELESS: [(&str, &str); 9] = [
    ("0.0.0.0", "may not be unspecified (0.0.0.0)"),
    ("::", "may not be unspecified (::)"),
    ("127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("::ffff:127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"),
    ("169.254.1.1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
    ("fe80::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"),
    ("224.0.0.1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
    ("ff12::1", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"),
];

#[test]
fn addresses_are_of_use_to_others() {
    for (ip, detail) in USELESS {
        check_create(
            "Endpoints",
            json!({ "subsets": [{ "notReadyAddresses": [{ "ip": ip }] }] }),
            &[&format!("subsets[0].notReadyAddresses[0].ip: Invalid value: \"{ip}\": {detail}")],
        );
        let family = if ip.contains(':') { "IPv6" } else { "IPv4" };
        check_create(
            "EndpointSlice",
            json!({ "addressType": family, "endpoints": [{ "addresses": [ip] }] }),
            &[&format!("endpoints[0].addresses[0]: Invalid value: \"{ip}\": {detail}")],
        );
    }
    for good in ["10.0.0.1", "224.0.1.1", "fd00::1"] {
        check_create("Endpoints", json!({ "subsets": [{ "addresses": [{ "ip": good }] }] }), &[]);
    }
}

#[test]
fn endpoints_are_checked() {
    let check = |address: Value, port: Value, expect: &[&str]| {
        let address = changed(json!({ "ip": "10.0.0.1" }), &address);
        let port = changed(json!({ "port": 80 }), &port);
        let expect: Vec<String> = expect.iter().map(|text| format!("subsets[0].{text}")).collect();
        check_create(
            "Endpoints",
            json!({ "subsets": [{ "addresses": [address], "ports": [port] }] }),
            &expect.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    };
    check(json!({}), json!({ "appProtocol": "kubernetes.io/h2c" }), &[]);
    check(
        json!({ "ip": "x" }),
        json!({ "appProtocol": "a b" }),
        &[
            "addresses[0].ip: Invalid value: \"x\": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)",
            "addresses[0].ip: Invalid value: \"x\": must be a valid IP address",
            &format!("ports[0].appProtocol: Invalid value: \"a b\": {NAME}"),
        ],
    );
    check(
        json!({ "nodeName": "", "hostname": "a.b" }),
        json!({}),
        &[
            "addresses[0].hostname: Invalid value: \"a.b\": must not contain dots",
            &format!("addresses[0].nodeName: Invalid value: \"\": {SUBDOMAIN}"),
        ],
    );
}

#[test]
fn slices_are_checked() {
    let check = |fields: Value, expect: &[&str]| {
        check_create("EndpointSlice", changed(json!({ "addressType": "IPv4" }), &fields), expect);
    };
    let endpoint =
        |changes: Value| json!({ "endpoints": [changed(json!({ "addresses": ["10.0.0.1"] }), &changes)] });
    check(
        endpoint(json!({ "nodeName": "n", "hostname": "h", "hints": { "forZones": [{ "name": "z" }] } })),
        &[],
    );
    check(
        endpoint(json!({ "nodeName": "-", "hostname": "", "deprecatedTopology": { "a b": "c" } })),
        &[
            &format!("endpoints[0].nodeName: Invalid value: \"-\": {SUBDOMAIN}"),
            &format!("endpoints[0].deprecatedTopology: Invalid value: \"a b\": {NAME}"),
            &format!("endpoints[0].hostname: Invalid value: \"\": {LABEL}"),
        ],
    );
    let names = |count: usize| (0..count).map(|i| json!({ "name": format!("n{i}") })).collect::<Vec<_>>();
    check(
        endpoint(
            json!({ "hints": { "forZones": names(9), "forNodes": [{ "name": "n" }, { "name": "n" }] } }),
        ),
        &[
            "endpoints[0].hints.forZones: Too many: 9: must have at most 8 items",
            "endpoints[0].hints.forNodes[1].name: Duplicate value: \"n\"",
        ],
    );
    check(
        json!({ "ports": [{ "name": "a", "appProtocol": "" }] }),
        &[
            "ports[0].appProtocol: Invalid value: \"\": name part must be non-empty",
            &format!("ports[0].appProtocol: Invalid value: \"\": {NAME}"),
        ],
    );
}

#[test]
fn names_of_slices_have_a_domain() {
    let check = |name: &str, expect: &[&str]| {
        let expect: Vec<String> =
            expect.iter().map(|text| format!("endpoints[0].addresses[0]: {text}")).collect();
        check_create(
            "EndpointSlice",
            json!({ "addressType": "FQDN", "endpoints": [{ "addresses": [name] }] }),
            &expect.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    };
    check("a.example", &[]);
    check("a.example.", &[]);
    check("", &["Required value"]);
    check("a", &["Invalid value: \"a\": should be a domain with at least two segments separated by dots"]);
    check("A", &[&format!("Invalid value: \"A\": {SUBDOMAIN}")]);
    let long = "a".repeat(64);
    check(&format!("{long}.b"), &[&format!("Invalid value: \"{long}\": must be no more than 63 bytes")]);
}
