//! `TaintNodesByCondition`: a new node takes no pods before it is known to be ready. The controller of nodes takes the
//! taint off.

use object::Value;
use serde_json::json;

use super::Review;
use crate::rules::{Read, Write};

const TAINT: (&str, &str) = ("node.kubernetes.io/not-ready", "NoSchedule");

/// Gives a new node the taint.
pub fn taint(node: &mut Value, _: &Review<'_>) -> Result<(), String> {
    let mut taints = node.items("spec.taints").to_vec();
    if !taints.iter().any(|taint| (taint.text("key"), taint.text("effect")) == TAINT) {
        taints.push(json!({"key": TAINT.0, "effect": TAINT.1}));
        node.put("spec.taints", taints);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::mutate;
    use super::*;

    #[test]
    fn new_nodes_are_not_ready() {
        let tainted = |node: Value| mutate(taint, node, &[]).expect("admitted");
        let taint = json!({"key": TAINT.0, "effect": TAINT.1});
        let node = tainted(json!({"metadata": {"name": "n"}}));
        assert_eq!(node["spec"]["taints"], json!([taint]));
        assert_eq!(tainted(node.clone()), node, "once");
        let own = json!({"key": TAINT.0, "effect": "NoExecute"});
        assert_eq!(tainted(json!({"spec": {"taints": [own]}}))["spec"]["taints"], json!([own, taint]));
    }
}
