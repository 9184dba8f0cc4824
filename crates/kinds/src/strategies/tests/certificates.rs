//! Trust bundles and requests for the certificates of pods.

use super::*;
use crate::Part;

/// A certificate of an authority.
const AUTHORITY: &str = "-----BEGIN CERTIFICATE-----
MIIBcDCCARegAwIBAgIUDitIJJ5z6PwsgUTodiWE2W58N2kwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTI4MjIzMDAyWhgPMjEyNjExMDQyMjMwMDJa
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAES/uQMg5J
HeV2yq97LfeF/lwG+Qvrr7THZ/FnoOdl1JdpCq8+5rre5Yqs7FTAaLwx3JfJfifZ
Q474mHKQLEt9M6NTMFEwHQYDVR0OBBYEFEazHjvJ3EFa3ltuj+ZaAbXjH62TMB8G
A1UdIwQYMBaAFEazHjvJ3EFa3ltuj+ZaAbXjH62TMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDRwAwRAIgRCTpgANdAvrtEirabnp9HQzFD2duFnp9uS/Pgl0/
7B4CIH6T/PQI4rJLcgAVQbnidZJf5X3lvwmx76IZlAGv8+0i
-----END CERTIFICATE-----
";
/// A certificate that the authority made for [`REQUEST`], for a day from [`FROM`].
const LEAF: &str = "-----BEGIN CERTIFICATE-----
MIIBFjCBvAIUM4AL0lvJK+aPA5jYo5sg1Rihf6gwCgYIKoZIzj0EAwIwDTELMAkG
A1UEAwwCY2EwHhcNMjYxMTI4MjIzMTE2WhcNMjYxMTI5MjIzMTE2WjAOMQwwCgYD
VQQDDANwb2QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATp5W+uWEbRedxgPj0v
XMWbUWc0xxV3fUnqCUbV6Vjc136jyejBjxoda4JbAITF/EQjHsYw2LuNxwv+bV44
8J5xMAoGCCqGSM49BAMCA0kAMEYCIQDITnBkOrIaSdBcbSHeBzaOIUTUu8Rf3ZHE
XiZFNOYJkQIhALrilXPNct5MZdhSdAqqePvtxcg1hqb/GLkh3Zjlyk5n
-----END CERTIFICATE-----
";
const FROM: &str = "2026-11-28T22:31:16Z";
const UNTIL: &str = "2026-11-29T22:31:16Z";
/// Requests in base64: of P-256, of P-224, of Ed25519, of RSA with 2048 bits.
const REQUEST: &str = concat!(
    "MIHIMHACAQAwDjEMMAoGA1UEAwwDcG9kMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE6eVvrlhG0XncYD49L1zFm1FnNMcVd31J",
    "6glG1elY3Nd+o8nowY8aHWuCWwCExfxEIx7GMNi7jccL/m1eOPCecaAAMAoGCCqGSM49BAMCA0gAMEUCIQCOmwkqezR7Lzme0FK1",
    "iZ/UrsJB8I80aX3uJ18sdxvibQIgIvQBh0n/tS44KB0O8oQhOCwFZ3ZQBtGnxyHZrH/kMio=",
);
const OF_P224: &str = concat!(
    "MIG2MGUCAQAwDjEMMAoGA1UEAwwDcG9kME4wEAYHKoZIzj0CAQYFK4EEACEDOgAEey3W48/k9VLUXccQu1qXWj6oRBnAyPvLpkX7",
    "eXujgtYDyjtMZO0AYXOyn09wSogr7DBNX7SlW/6gADAKBggqhkjOPQQDAgNBADA+Ah0Asb7pK9ofNKrovNVQ2fXEo+upDriianoS",
    "JghO+gIdAMwuYBa5u60u8JfT4cuson9EQs1TvuJZrSeaxNY=",
);
const OF_ED25519: &str = concat!(
    "MIGNMEECAQAwDjEMMAoGA1UEAwwDcG9kMCowBQYDK2VwAyEAtZHP5+1vrXIXDWF/uams385OM+F3X+MrOdO42w2POyigADAFBgMr",
    "ZXADQQD3+SjeaMgUvP4pXkjsG/XaQyWVLU/+4v1p3ycClxlKnTcJN0bBAfRQD6inIwXuMXR9pQfEsoLIKs3AWnjojw8K",
);
const OF_RSA: &str = concat!(
    "MIICUzCCATsCAQAwDjEMMAoGA1UEAwwDcG9kMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAsgp7cTQNBM8TC9kN0GII",
    "W8hOYIghxeLc1M6agqdu8KPfi4GJDhKSkHHtWXeo9SU8MUucWTfd8Mk9+LaGvU7/JO9ZeiUPThzhZuTe8NXNwUXLDz5f1l4IYuFb",
    "HVscyg78jvpCUFwKJgFNZJDmQTBlltslO3Ai4DwoaokFjFBlWEma/hD6nhv+YmdA6jlY+41DStkEe1s2/g9iVSl0uO/dGrEE5P1y",
    "lagYqGCVCHgLSihSnaRm0dt0X0ogBsagD8tCnjCW7T7VRBKCXvnC8reZS6GgoAxTlMTmKgERBrLZ6OyvAUGVdwUUKJt8aj7KPukk",
    "gIYRHEUitNCLdrL3jtC9KwIDAQABoAAwDQYJKoZIhvcNAQELBQADggEBAJQ0ntL8w/cwByZmj36w+SCvgSBLQgL7VuU0jyAx8l4r",
    "qXQHq4KIKLgA1JdI92RxDX8qriwW3MPkcGnrNxWmhq4rvKHWRu5AQc1D1KjgICYV7mNeZKe3XBme8B1nHGUKd4HUaL6VFDVwFga3",
    "O/JWmtx1RueBIWNLz8KukHfSlXQFEZ/k9Z+551W6aRJZaHvIXbCBqmbI3yqApidYeIUyIdBJGbaJpR/1eMVNCrVim9ej2+4pYeQY",
    "Li4Vc2mTYUWaAD37rA1EV9WCpQZgREkmD4tXTCc4vbo185XJRUiXXRasvTiBTZe4I7ePi0NJx42URodr+1l4emTOALa9r08xHrc=",
);

fn bundle(name: &str, signer: &str, certificates: &str) -> Value {
    json!({"metadata": {"name": name}, "spec": {"signerName": signer, "trustBundle": certificates}})
}

#[test]
fn bundles_are_named_by_their_signer() {
    let check = |name, signer, expect: &[&str]| {
        check_create("ClusterTrustBundle", bundle(name, signer, AUTHORITY), expect)
    };
    check("a", "", &[]);
    check("example.com:foo:bar", "example.com/foo", &[]);
    check(
        "example.com:foo:bar",
        "",
        &[
            "metadata.name: Invalid value: \"example.com:foo:bar\": ClusterTrustBundle without signer name must not \
           have \":\" in its name",
        ],
    );
    check(
        "bar",
        "example.com/foo",
        &[
            "metadata.name: Invalid value: \"bar\": ClusterTrustBundle for signerName example.com/foo must be named \
           with prefix example.com:foo:",
        ],
    );
    check(
        "example.com:foo:B",
        "example.com/foo",
        &[&format!("metadata.name: Invalid value: \"example.com:foo:B\": {SUBDOMAIN}")],
    );
    check(
        "foo:a",
        "foo",
        &["spec.signerName: Invalid value: \"foo\": must be a fully qualified domain and path of the form \
           'example.com/signer-name'"],
    );
    let long = format!("{}.example/foo", ["a"; 124].join("."));
    check(
        &format!("{}:a", long.replace('/', ":")),
        &long,
        &["spec.signerName: Too long: may not be more than 253 bytes"],
    );
}

#[test]
fn bundles_hold_certificates_of_authorities() {
    let check = |certificates: &str, expect: &[&str]| {
        let expect: Vec<String> = expect
            .iter()
            .map(|text| format!("spec.trustBundle: Invalid value: \"<value omitted>\": {text}"))
            .collect();
        let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
        check_create("ClusterTrustBundle", bundle("a", "", certificates), &expect);
    };
    check(&format!("the first\n{AUTHORITY}"), &[]);
    check("", &["at least one trust anchor must be provided"]);
    check(
        "-----BEGIN CERTIFICATE-----\n???\n-----END CERTIFICATE-----\n",
        &["at least one trust anchor must be provided"],
    );
    check(&format!("{AUTHORITY}{AUTHORITY}"), &["duplicate trust anchor (indices [0 1])"]);
    check(&format!("{AUTHORITY}{LEAF}"), &["entry 1 does not have the CA bit set"]);
    check(&AUTHORITY.replace("CERTIFICATE", "PUBLIC KEY"), &["entry 0 has bad block type: PUBLIC KEY"]);
    check(
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        &["entry 0 does not parse as X.509"],
    );
    let with_header = AUTHORITY.replacen("E-----\n", "E-----\nNote: mine\n\n", 1);
    check(&with_header, &["entry 0 has PEM block headers"]);
    let long = bundle("a", "", &" ".repeat(1024 * 1024 + 1));
    check_create(
        "ClusterTrustBundle",
        long,
        &["spec.trustBundle: Too long: may not be more than 1048576 bytes"],
    );
}

#[test]
fn bundles_keep_their_signer() {
    let old = bundle("example.com:foo:bar", "example.com/foo", AUTHORITY);
    let check =
        |changes: Value, expect: &[&str]| check_update("ClusterTrustBundle", old.clone(), changes, expect);
    check(json!({"spec": {"trustBundle": format!("more\n{AUTHORITY}")}}), &[]);
    check(
        json!({"spec": {"trustBundle": LEAF}}),
        &["spec.trustBundle: Invalid value: \"<value omitted>\": entry 0 does not have the CA bit set"],
    );
    check(
        json!({"metadata": {"name": "example.org:foo:bar"}, "spec": {"signerName": "example.org/foo"}}),
        &[&format!("spec.signerName: Invalid value: \"example.org/foo\": {IMMUTABLE}")],
    );
    let unread = bundle("a", "", "nothing");
    check_update("ClusterTrustBundle", unread, json!({"metadata": {"labels": {"a": "b"}}}), &[]);
}

fn request(spec: Value) -> Value {
    let base = json!({
        "signerName": "example.com/foo", "podName": "p", "podUID": "1", "serviceAccountName": "default",
        "serviceAccountUID": "2", "nodeName": "n", "nodeUID": "3", "stubPKCS10Request": REQUEST,
    });
    json!({"metadata": {"name": "r", "labels": {"a": "b"}}, "spec": changed(base, &spec)})
}

#[test]
fn requests_of_pods_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("PodCertificateRequest", request(spec), expect);
    check(json!({}), &[]);
    check(json!({"stubPKCS10Request": OF_ED25519, "maxExpirationSeconds": 7_862_400}), &[]);
    check(json!({"unverifiedUserAnnotations": {"Example.com/Key": "any thing"}}), &[]);
    check(
        json!({"signerName": null, "podName": "A", "podUID": null, "nodeUID": "a".repeat(129)}),
        &[
            "spec.signerName: Required value",
            &format!("spec.podName: Invalid value: \"A\": {SUBDOMAIN}"),
            "spec.podUID: Invalid value: \"\": must not be empty",
            "spec.nodeUID: Too long: may not be more than 128 bytes",
        ],
    );
    check(
        json!({"unverifiedUserAnnotations": {"key": "a"}}),
        &["spec.unverifiedUserAnnotations: Invalid value: \"key\": must be a domain-prefixed key (such as \
           \"acme.io/foo\")"],
    );
    let range = |n: i64, longest: i64| {
        format!("spec.maxExpirationSeconds: Invalid value: {n}: must be in the range [3600, {longest}]")
    };
    check(json!({"maxExpirationSeconds": 3599}), &[&range(3599, 7_862_400)]);
    check(
        json!({"maxExpirationSeconds": 86_401, "signerName": "kubernetes.io/foo"}),
        &[&range(86_401, 86_400)],
    );
    let key =
        |value: &str, detail: &str| format!("spec.stubPKCS10Request: Invalid value: \"{value}\": {detail}");
    let curves = "elliptic public keys must use curve P256, P384, or P521";
    check(json!({"stubPKCS10Request": OF_P224}), &[&key("curve P-224", curves)]);
    let sizes = "RSA keys must have modulus size 3072 or 4096";
    check(json!({"stubPKCS10Request": OF_RSA}), &[&key("2048-bit modulus", sizes)]);
    check(json!({"stubPKCS10Request": "AAAA"}), &[&key("AAAA", "must be a valid PKCS#10 request")]);
}

#[test]
fn requests_of_pods_last_a_day_and_stay() {
    let made = created("PodCertificateRequest", request(json!({})));
    assert_eq!(made["spec"]["maxExpirationSeconds"], 86_400);
    let mut spec = made["spec"].clone();
    spec["podName"] = "q".into();
    check_update(
        "PodCertificateRequest",
        request(json!({})),
        json!({"spec": {"podName": "q"}}),
        &[&format!("spec: Invalid value: {spec}: {IMMUTABLE}")],
    );
}

fn ended(kind: &str) -> Value {
    json!({"type": kind, "status": "True", "reason": "Because", "message": "m"})
}

fn issued() -> Value {
    let renewal = FROM.replace("T22", "T23");
    json!({
        "conditions": [ended("Issued")], "certificateChain": format!("{LEAF}{AUTHORITY}"),
        "notBefore": FROM, "notAfter": UNTIL, "beginRefreshAt": renewal,
    })
}

/// What a write of `status` makes of a request that has `was`.
fn answered(was: Value, status: Value) -> (Value, Value) {
    let mut old = created("PodCertificateRequest", request(json!({})));
    old["status"] = was;
    let mut new = old.clone();
    new["metadata"]["labels"] = json!({"c": "d"});
    new["status"] = status;
    let now = object::parse_time("2026-11-28T23:00:00Z").expect("a time");
    row("PodCertificateRequest").strategy.prepare_part(&Part::STATUS, &mut new, &old, now);
    (new, old)
}

fn check_answer(was: Value, status: Value, expect: &[&str]) {
    let (new, old) = answered(was, status);
    assert_eq!(texts(row("PodCertificateRequest").strategy.validate_status(&new, &old)), expect, "{new}");
}

#[test]
fn an_answer_has_its_time_and_leaves_labels() {
    let (new, _) = answered(json!({}), json!({"conditions": [ended("Denied")]}));
    assert_eq!(new["metadata"]["labels"], json!({"a": "b"}));
    assert_eq!(new["status"]["conditions"][0]["lastTransitionTime"], "2026-11-28T23:00:00Z");
    let (again, old) = answered(new["status"].clone(), json!({"conditions": [ended("Denied")]}));
    assert_eq!(again["status"], old["status"]);
}

#[test]
fn requests_of_pods_end_once() {
    check_answer(json!({}), json!({}), &[]);
    check_answer(json!({}), json!({"conditions": [ended("Denied")]}), &[]);
    check_answer(
        json!({}),
        json!({"conditions": [ended("Failed")], "certificateChain": LEAF}),
        &["status: Invalid value: non-condition status fields must be empty when denying or failing the \
           PodCertificateRequest"],
    );
    check_answer(
        json!({}),
        json!({"certificateChain": LEAF}),
        &[
            "status: Invalid value: status is immutable unless transitioning to \"Issued\", \"Denied\", or \"Failed\"",
        ],
    );
    let (old, _) = answered(json!({}), json!({"conditions": [ended("Denied")]}));
    check_answer(
        old["status"].clone(),
        issued(),
        &["status: Invalid value: immutable after PodCertificateRequest is issued, denied, or failed"],
    );
    check_answer(
        json!({}),
        json!({"conditions": [ended("Denied"), ended("Failed")]}),
        &[
            "status.conditions[1].type: Invalid value: \"Failed\": There may be at most one condition with type \
           \"Issued\", \"Denied\", or \"Failed\"",
        ],
    );
    let other = changed(ended("Denied"), &json!({"type": "Ready", "status": "False"}));
    check_answer(
        json!({}),
        json!({"conditions": [other, changed(ended("Denied"), &json!({"status": "False"}))]}),
        &[
            "status.conditions[0].type: Unsupported value: \"Ready\": supported values: \"Issued\", \"Denied\", \"Failed\"",
            "status.conditions[1].status: Unsupported value: \"False\": supported values: \"True\"",
        ],
    );
}

#[test]
fn what_is_issued_is_for_the_key_and_of_its_time() {
    let check = |changes: Value, expect: &[&str]| {
        let expect: Vec<String> = expect.iter().map(|text| format!("status.{text}")).collect();
        let expect: Vec<&str> = expect.iter().map(String::as_str).collect();
        check_answer(json!({}), changed(issued(), &changes), &expect);
    };
    check(json!({}), &[]);
    check(json!({"certificateChain": LEAF}), &[]);
    let chain = |chain: &str, detail: &str| {
        let text = format!("certificateChain: Invalid value: {}: {detail}", Value::from(chain));
        check(json!({"certificateChain": chain}), &[&text]);
    };
    chain("none", "issued certificate chain must contain at least one certificate");
    let only = "issued certificate chain must consist entirely of CERTIFICATE PEM blocks";
    chain(&LEAF.replace("CERTIFICATE", "PUBLIC KEY"), only);
    chain(&format!("{LEAF}{}", AUTHORITY.replace("CERTIFICATE", "PUBLIC KEY")), only);
    chain(AUTHORITY, "leaf certificate was not issued to the requested public key");
    let odd = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    chain(odd, "leaf certificate does not parse as valid X.509");
    chain(&format!("{LEAF}{odd}"), "intermediate certificate does not parse as valid X.509");
    check(
        json!({"notBefore": null, "beginRefreshAt": null}),
        &[
            "notBefore: Required value: must be present and consistent with the issued certificate",
            "beginRefreshAt: Required value: must be present and in the range [notbefore+10min, notafter-10min]",
        ],
    );
    check(
        json!({"notAfter": FROM}),
        &[&format!(
            "notAfter: Invalid value: \"{FROM}\": must be set to the NotAfter time encoded in the leaf certificate"
        )],
    );
    check(
        json!({"beginRefreshAt": UNTIL}),
        &[&format!(
            "beginRefreshAt: Invalid value: \"{UNTIL}\": must be at least 10 minutes before status.notAfter"
        )],
    );
    check(
        json!({"beginRefreshAt": FROM}),
        &[&format!(
            "beginRefreshAt: Invalid value: \"{FROM}\": must be at least 10 minutes after status.notBefore"
        )],
    );
}
