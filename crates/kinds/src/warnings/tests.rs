//! What no single kind shows.

use object::Path;
use serde_json::json;

use super::*;

#[test]
fn addresses_are_written_in_one_way() {
    let check = |text: &str, expect: &[&str]| {
        let told: Vec<String> = address(&Path::new("ip"), text).into_iter().collect();
        assert_eq!(told, expect, "{text}");
    };
    check("10.0.0.1", &[]);
    check("fd00::1", &[]);
    check("x", &[]);
    check("", &[]);
    check("FD00::1", &["ip: IPv6 address \"FD00::1\" should be in RFC 5952 canonical format (\"fd00::1\")"]);
    check(
        "::ffff:10.0.0.1",
        &[
            "ip: non-standard IP address \"::ffff:10.0.0.1\" will be considered invalid in a future Kubernetes release: use \"10.0.0.1\"",
        ],
    );
}

#[test]
fn blocks_are_written_in_one_way() {
    let check = |text: &str, expect: &[&str]| assert_eq!(block(&Path::new("b"), text), expect, "{text}");
    check("10.0.0.0/8", &[]);
    check("fd00::/16", &[]);
    check("x", &[]);
    check(
        "10.0.0.1/8",
        &[
            "b: CIDR value \"10.0.0.1/8\" is ambiguous in this context (should be \"10.0.0.0/8\" or \"10.0.0.1/32\"?)",
        ],
    );
    check(
        "FD00::/16",
        &["b: IPv6 CIDR value \"FD00::/16\" should be in RFC 5952 canonical format (\"fd00::/16\")"],
    );
    check(
        "::ffff:10.0.0.0/104",
        &[
            "b: non-standard CIDR value \"::ffff:10.0.0.0/104\" will be considered invalid in a future Kubernetes release: use \"10.0.0.0/8\"",
        ],
    );
}

#[test]
fn owners_are_named_once() {
    let owner =
        |uid: &str, field: Value| json!({ "kind": "Job", "name": "a", "uid": uid, "controller": field });
    let check = |owners: Value, expect: Value, told: Option<&str>| {
        let mut object = json!({ "metadata": { "ownerReferences": owners } });
        let text = dedup_owners(&mut object, false);
        assert_eq!(object["metadata"]["ownerReferences"], expect);
        let whole = told.map(|uids| format!(".metadata.ownerReferences contains duplicate entries; API server dedups owner references in 1.20+, and may reject such requests as early as 1.24; please fix your requests; duplicate UID(s) observed: [{uids}]"));
        assert_eq!(text, whole);
    };
    check(json!([owner("1", json!(true))]), json!([owner("1", json!(true))]), None);
    let two = json!([owner("1", json!(true)), owner("1", Value::Null)]);
    check(two.clone(), two, None);
    let (one, other) = (owner("1", Value::Null), owner("2", Value::Null));
    check(json!([one, other, one, other]), json!([one, other]), Some("1 2"));
    let mut patched = json!({ "metadata": { "ownerReferences": [one, one] } });
    let text = dedup_owners(&mut patched, true).expect("told");
    assert!(text.starts_with(
        ".metadata.ownerReferences contains duplicate entries after mutating admission happens; "
    ));
}
