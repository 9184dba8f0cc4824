//! `DefaultTolerationSeconds`: a pod stays for a while on a node that has become unusable.

use object::Value;
use serde_json::json;

use super::Review;
use crate::rules::{Read, Write};

const TAINTS: [&str; 2] = ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"];
/// For how many seconds, where the pod does not say.
const SECONDS: i64 = 300;

/// Adds the tolerations that a pod, which may be changed, does not have in any form.
pub fn tolerate(pod: &mut Value, _: &Review<'_>) -> Result<(), String> {
    if !pod.has("spec") {
        return Ok(());
    }
    let mut tolerations = pod.items("spec.tolerations").to_vec();
    for taint in TAINTS {
        let has_opinion = |toleration: &Value| {
            (toleration.is_empty("key") || toleration.text("key") == taint)
                && (toleration.is_empty("effect") || toleration.text("effect") == "NoExecute")
        };
        if !tolerations.iter().any(has_opinion) {
            tolerations.push(json!({
                "key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": SECONDS,
            }));
        }
    }
    if !tolerations.is_empty() {
        pod.put("spec.tolerations", tolerations);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{mutate, pod};
    use super::*;

    #[test]
    fn pods_stay_for_a_while() {
        let tolerations = |own: Value| {
            let pod = mutate(tolerate, pod(json!({"tolerations": own})), &[]).expect("admitted");
            pod["spec"]["tolerations"].clone()
        };
        let stay = |taint: &str| json!({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
        let [not_ready, unreachable] = TAINTS.map(stay);
        assert_eq!(tolerations(json!([])), json!([not_ready, unreachable]));
        let short =
            json!({"key": TAINTS[0], "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5});
        assert_eq!(tolerations(json!([short])), json!([short, unreachable]));
        let all = json!([{"operator": "Exists"}]);
        assert_eq!(tolerations(all.clone()), all);
        let other = json!({"key": TAINTS[0], "operator": "Exists", "effect": "NoSchedule"});
        assert_eq!(tolerations(json!([other])), json!([other, not_ready, unreachable]));
    }
}
