//! Rules of service accounts.

use object::Value;

use crate::Strategy;
use crate::rules::Read;

const MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";

/// Strategy of service accounts.
pub(crate) struct ServiceAccount;

impl Strategy for ServiceAccount {
    fn warnings(&self, account: &Value) -> Vec<String> {
        let set = account.at("metadata.annotations").get(MOUNTABLE).is_some();
        let text = format!(
            "metadata.annotations[{MOUNTABLE}]: deprecated in v1.32+; prefer separate namespaces to isolate access to \
             mounted secrets"
        );
        set.then_some(text).into_iter().collect()
    }
}
