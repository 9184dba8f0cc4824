//! Who a request comes from.

use std::collections::BTreeMap;
use std::fmt::Write;

use object::Value;
use serde_json::json;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

/// The user that stands for requests without credentials.
pub const ANONYMOUS: &str = "system:anonymous";
/// Group of all requests without credentials.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// Group of all requests with valid credentials.
pub const AUTHENTICATED: &str = "system:authenticated";
/// Group that may do everything, whatever the rules say.
pub const MASTERS: &str = "system:masters";
/// Group of all node agents.
pub const NODES: &str = "system:nodes";
/// Group of all service accounts.
pub const SERVICE_ACCOUNTS: &str = "system:serviceaccounts";

/// Prefix of the user name of a service account: `system:serviceaccount:NAMESPACE:NAME`.
const SERVICE_ACCOUNT_PREFIX: &str = "system:serviceaccount:";
/// Extra that tells which credential was used (KEP-4193).
const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// An authenticated (or anonymous) user, as in `authentication.k8s.io/v1` `UserInfo`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// User name; never empty.
    pub user: String,
    /// Unique id of the user, empty where there is none.
    pub uid: String,
    /// Groups.
    pub groups: Vec<String>,
    /// What else the authenticator knows.
    pub extra: BTreeMap<String, Vec<String>>,
}

/// Why a certificate names nobody.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The certificate cannot be decoded.
    #[error("the client certificate cannot be read: {0}")]
    Unreadable(String),
    /// The subject has no common name.
    #[error("the client certificate's subject has no common name")]
    Nameless,
}

impl Identity {
    /// A user with these groups.
    pub fn new(user: impl Into<String>, groups: &[&str]) -> Self {
        let groups = groups.iter().map(|&g| g.to_owned()).collect();
        Self { user: user.into(), groups, ..Self::default() }
    }

    /// Whoever brings no credentials.
    pub fn anonymous() -> Self {
        Self::new(ANONYMOUS, &[UNAUTHENTICATED])
    }

    /// The administrator whose certificate is in the admin kubeconfig.
    pub fn admin() -> Self {
        Self::new("kubernetes-admin", &[MASTERS, AUTHENTICATED])
    }

    /// A part of the control plane by its user name, e.g. `system:kube-scheduler`.
    pub fn component(user: &str) -> Self {
        Self::new(user, &[AUTHENTICATED])
    }

    /// The agent of a node.
    pub fn node(name: &str) -> Self {
        Self::new(format!("system:node:{name}"), &[NODES, AUTHENTICATED])
    }

    /// A service account.
    pub fn service_account(namespace: &str, name: &str, uid: &str) -> Self {
        let groups =
            service_account_groups(namespace).into_iter().chain([AUTHENTICATED.to_owned()]).collect();
        Self {
            user: service_account_user(namespace, name),
            uid: uid.to_owned(),
            groups,
            extra: BTreeMap::new(),
        }
    }

    /// The subject of a verified client certificate: the common name is the user, organizations are groups.
    pub fn from_certificate(der: &[u8]) -> Result<Self, CertificateError> {
        let (_, certificate) =
            X509Certificate::from_der(der).map_err(|e| CertificateError::Unreadable(e.to_string()))?;
        let subject = certificate.subject();
        let user = subject.iter_common_name().find_map(|a| a.as_str().ok()).filter(|name| !name.is_empty());
        let user = user.ok_or(CertificateError::Nameless)?.to_owned();
        let mut groups: Vec<String> =
            subject.iter_organization().filter_map(|a| a.as_str().ok()).map(str::to_owned).collect();
        groups.push(AUTHENTICATED.to_owned());
        let extra =
            BTreeMap::from([(CREDENTIAL_ID.to_owned(), vec![format!("X509SHA256={}", fingerprint(der))])]);
        Ok(Self { user, uid: String::new(), groups, extra })
    }

    /// The same identity with the id of the credential that proved it.
    pub(crate) fn with_credential(mut self, id: String) -> Self {
        self.extra.insert(CREDENTIAL_ID.to_owned(), vec![id]);
        self
    }

    /// Whether the request brought no credentials.
    pub fn is_anonymous(&self) -> bool {
        self.user == ANONYMOUS
    }

    /// Whether the user is in a group.
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|g| g == group)
    }

    /// Namespace and name of the service account, if it is one.
    pub fn as_service_account(&self) -> Option<(&str, &str)> {
        split_service_account(&self.user)
    }

    /// The `UserInfo` document (`SelfSubjectReview`, `TokenReview`, `AdmissionReview`).
    pub fn to_value(&self) -> Value {
        let mut info = json!({ "username": self.user, "groups": self.groups });
        if !self.uid.is_empty() {
            info["uid"] = json!(self.uid);
        }
        if !self.extra.is_empty() {
            info["extra"] = json!(self.extra);
        }
        info
    }
}

/// The user name of a service account.
pub fn service_account_user(namespace: &str, name: &str) -> String {
    format!("{SERVICE_ACCOUNT_PREFIX}{namespace}:{name}")
}

/// Groups that every service account of a namespace is in, beyond `system:authenticated`.
pub fn service_account_groups(namespace: &str) -> [String; 2] {
    [SERVICE_ACCOUNTS.to_owned(), format!("{SERVICE_ACCOUNTS}:{namespace}")]
}

/// Namespace and name out of a service account's user name.
pub fn split_service_account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix(SERVICE_ACCOUNT_PREFIX)?.split_once(':')?;
    let whole = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
    whole.then_some((namespace, name))
}

fn fingerprint(der: &[u8]) -> String {
    Sha256::digest(der).iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn service_account_names_are_split_strictly() {
        let cases = [
            ("system:serviceaccount:default:builder", Some(("default", "builder"))),
            ("system:serviceaccount:default:", None),
            ("system:serviceaccount::builder", None),
            ("system:serviceaccount:default:a:b", None),
            ("system:kube-scheduler", None),
        ];
        for (user, expected) in cases {
            assert_eq!(split_service_account(user), expected, "{user}");
        }
    }

    #[test]
    fn user_info_leaves_out_what_is_empty() {
        let info = Identity::anonymous().to_value();
        assert_eq!(info, json!({ "username": ANONYMOUS, "groups": [UNAUTHENTICATED] }));
        let account = Identity::service_account("ns", "sa", "u1").to_value();
        assert_eq!(account["uid"], "u1");
        assert_eq!(account["groups"], json!([SERVICE_ACCOUNTS, "system:serviceaccounts:ns", AUTHENTICATED]));
    }
}
