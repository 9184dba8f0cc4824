//! `CertificateSubjectRestriction`: nobody asks for a certificate of those who may do everything.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use kinds::admission::Review;
use object::Value;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::pem::parse_x509_pem;
use x509_parser::prelude::FromDer;

use crate::identity::MASTERS;

/// The signer of certificates for any client of the API server.
const SIGNER: &str = "kubernetes.io/kube-apiserver-client";

/// Checks the groups that a certificate signing request names.
pub(super) fn check(request: &Value, _: &Review<'_>) -> Result<(), String> {
    let spec = &request["spec"];
    if spec["signerName"] != SIGNER {
        return Ok(());
    }
    let groups = groups(spec["request"].as_str().unwrap_or_default());
    let groups = groups.map_err(|why| format!("failed to parse CSR: {why}"))?;
    match groups.iter().any(|group| group == MASTERS) {
        true => Err(format!("use of {SIGNER} signer with {MASTERS} group is not allowed")),
        false => Ok(()),
    }
}

/// The organizations of a request (PKCS #10) as PEM in base64.
fn groups(text: &str) -> Result<Vec<String>, String> {
    let bytes = STANDARD.decode(text).map_err(|e| e.to_string())?;
    let (_, pem) = parse_x509_pem(&bytes).map_err(|e| e.to_string())?;
    let (_, request) = X509CertificationRequest::from_der(&pem.contents).map_err(|e| e.to_string())?;
    let subject = &request.certification_request_info.subject;
    Ok(subject.iter_organization().filter_map(|name| name.as_str().ok().map(str::to_owned)).collect())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
    use serde_json::json;

    use super::*;

    fn refusal(signer: &str, request: &str) -> String {
        let review = Review { namespace: "", old: None, documents: &[], suffix: "" };
        let document = json!({"spec": {"signerName": signer, "request": request}});
        check(&document, &review).err().unwrap_or_default()
    }

    fn request(group: &str) -> String {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "anna");
        params.distinguished_name.push(DnType::OrganizationName, group);
        let key = KeyPair::generate().expect("a key");
        STANDARD.encode(params.serialize_request(&key).expect("a request").pem().expect("PEM"))
    }

    #[test]
    fn nobody_asks_to_be_a_master() {
        let text =
            "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed";
        assert_eq!(refusal(SIGNER, &request(MASTERS)), text);
        assert_eq!(refusal(SIGNER, &request("writers")), "");
        assert_eq!(refusal("example.com/other", &request(MASTERS)), "");
        assert!(refusal(SIGNER, "bm9uc2Vuc2U=").starts_with("failed to parse CSR: "));
    }
}
