use rcgen::{CertificateParams, DnType, KeyPair};

use super::*;

fn request(user: &str, group: &str, names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, user);
    params.distinguished_name.push(DnType::OrganizationName, group);
    let key = KeyPair::generate().unwrap();
    STANDARD.encode(params.serialize_request(&key).unwrap().pem().unwrap())
}

fn document(signer: &str, request: &str, conditions: &[&str]) -> Value {
    let conditions: Vec<Value> = conditions.iter().map(|kind| json!({"type": kind})).collect();
    json!({
        "spec": {
            "signerName": signer, "request": request, "username": "system:bootstrap:abcdef",
            "usages": ["digital signature", "client auth"],
        },
        "status": {"conditions": conditions},
    })
}

#[test]
fn nodes_get_certificates_by_themselves_and_others_once_approved() {
    let node = request("system:node:a", "system:nodes", &[]);
    let year = Verdict::Sign(LONGEST);
    let check = |document: &Value, may: &[&str], expect: &Verdict| {
        assert_eq!(judge(document, |subresource| may.contains(&subresource)), *expect, "{document}");
    };
    let fresh = document(KUBELET_CLIENT, &node, &[]);
    check(&fresh, &["nodeclient"], &Verdict::Approve);
    check(&fresh, &[], &Verdict::Leave);
    check(&fresh, &["selfnodeclient"], &Verdict::Leave);
    let mut own = fresh.clone();
    own["spec"]["username"] = "system:node:a".into();
    check(&own, &["selfnodeclient"], &Verdict::Approve);
    check(&document(KUBELET_CLIENT, &node, &["Approved"]), &[], &year);
    check(&document(KUBELET_CLIENT, &node, &["Approved", "Denied"]), &[], &Verdict::Leave);
    let mut signed = document(KUBELET_CLIENT, &node, &["Approved"]);
    signed["status"]["certificate"] = "x".into();
    check(&signed, &[], &Verdict::Leave);
    let mut brief = document(KUBELET_CLIENT, &node, &["Approved"]);
    brief["spec"]["expirationSeconds"] = 3600.into();
    check(&brief, &[], &Verdict::Sign(Duration::from_secs(3600)));

    let person = request("anna", "writers", &[]);
    check(&document(CLIENT, &person, &[]), &["nodeclient"], &Verdict::Leave);
    check(&document(CLIENT, &person, &["Approved"]), &[], &year);
    let master = request("anna", "system:masters", &[]);
    let why = Verdict::Fail("certificates of the group system:masters are not signed".into());
    check(&document(CLIENT, &master, &["Approved"]), &[], &why);
    check(&document("example.com/other", &person, &["Approved"]), &[], &Verdict::Leave);
}

#[test]
fn what_is_not_a_nodes_is_no_node_certificate() {
    let why = || {
        Verdict::Fail("it is not for a node: system:node:NAME of system:nodes, for client auth alone".into())
    };
    let check = |request: &str, usages: &[&str], approved: Verdict| {
        let mut document = document(KUBELET_CLIENT, request, &[]);
        document["spec"]["usages"] = json!(usages);
        assert_eq!(judge(&document, |_| true), Verdict::Leave);
        document["status"]["conditions"] = json!([{"type": "Approved"}]);
        assert_eq!(judge(&document, |_| true), approved);
    };
    let usages = ["digital signature", "client auth"];
    check(&request("system:node:a", "system:masters", &[]), &usages, why());
    check(&request("kubernetes-admin", "system:nodes", &[]), &usages, why());
    check(&request("system:node:", "system:nodes", &[]), &usages, why());
    check(&request("system:node:a", "system:nodes", &["api.example"]), &usages, why());
    let node = request("system:node:a", "system:nodes", &[]);
    check(&node, &["client auth", "server auth"], why());
    check(&node, &["digital signature"], why());
    check("bm9uc2Vuc2U=", &usages, Verdict::Fail("the request is not PEM".into()));
}
