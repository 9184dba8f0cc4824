//! `ServiceAccount`: a pod runs as an account that is there, and gets what that gives.

mod credentials;

use object::Value;

use super::{Needs, Resource, Review};
use crate::rules::{Read, Write};
pub(crate) use credentials::run_as;

const ACCOUNTS: Resource = ("", "serviceaccounts");
/// The account that every namespace gets.
const DEFAULT: &str = "default";

/// The account that the pod runs as.
pub fn needs<'a>(pod: &'a Value, _: Option<&'a Value>) -> Needs<'a> {
    match name(pod) {
        DEFAULT => Needs::Awaited(ACCOUNTS, DEFAULT),
        name => Needs::Named(ACCOUNTS, name),
    }
}

fn name(pod: &Value) -> &str {
    Some(pod.text("spec.serviceAccountName")).filter(|name| !name.is_empty()).unwrap_or(DEFAULT)
}

/// Completes a new pod by its account.
pub fn complete(pod: &mut Value, review: &Review<'_>) -> Result<(), String> {
    let (namespace, name) = (review.namespace, name(pod).to_owned());
    let Some(account) = review.documents.first() else {
        return Err(format!(
            "error looking up service account {namespace}/{name}: serviceaccount {name:?} not found"
        ));
    };
    if pod.has("spec") {
        pod.put("spec.serviceAccountName", name);
        run_as(pod, account, review.suffix);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::testing::{mutate, pod};
    use super::*;

    #[test]
    fn a_pod_runs_as_an_account() {
        let robot = json!({"serviceAccountName": "robot"});
        assert_eq!(needs(&pod(json!({})), None), Needs::Awaited(ACCOUNTS, "default"));
        assert_eq!(needs(&pod(robot.clone()), None), Needs::Named(ACCOUNTS, "robot"));
        let text = "error looking up service account n/robot: serviceaccount \"robot\" not found";
        assert_eq!(mutate(complete, pod(robot), &[]), Err(text.into()));
        let account = [json!({"metadata": {"name": "default"}, "imagePullSecrets": [{"name": "s"}]})];
        let completed = mutate(complete, pod(json!({"containers": [{"name": "a"}]})), &account);
        let spec = completed.expect("admitted")["spec"].take();
        assert_eq!(spec["serviceAccountName"], "default");
        assert_eq!(spec["imagePullSecrets"], json!([{"name": "s"}]));
        assert_eq!(spec["volumes"][0]["name"], "kube-api-access-abcde");
    }
}
