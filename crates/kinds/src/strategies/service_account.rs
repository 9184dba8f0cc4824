//! Rules of service accounts.

use object::Value;

use crate::rules::{At, Read};
use crate::{Strategy, warnings};

const MOUNTABLE: &str = "kubernetes.io/enforce-mountable-secrets";

/// Strategy of service accounts.
pub(crate) struct ServiceAccount;

impl Strategy for ServiceAccount {
    fn warnings(&self, new: &Value, old: Option<&Value>) -> Vec<String> {
        let had = old.is_some_and(|old| old.at("metadata.annotations").get(MOUNTABLE).is_some());
        let text = "deprecated in v1.32+; prefer separate namespaces to isolate access to mounted secrets";
        if had { Vec::new() } else { warnings::deprecated_notes(&At::root(new), &[(MOUNTABLE, text)]) }
    }
}
