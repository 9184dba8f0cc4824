//! Tolerations as sets of taints.

use object::Value;

use crate::rules::Read;

/// Both lists as one, without what another of them tolerates as well.
pub(super) fn merge(first: &[Value], second: &[Value]) -> Vec<Value> {
    let all: Vec<&Value> = first.iter().chain(second).collect();
    let mut merged: Vec<Value> = Vec::new();
    for (i, one) in all.iter().enumerate() {
        let is_wider = |other: &&&Value| !object::alike(other, one) && covers(other, one);
        if !merged.iter().any(|kept| covers(kept, one)) && !all[i + 1..].iter().any(|other| is_wider(&other))
        {
            merged.push((*one).clone());
        }
    }
    merged
}

/// Whether one toleration tolerates all that the other does, for as long.
fn covers(wide: &Value, narrow: &Value) -> bool {
    if object::alike(wide, narrow) {
        return true;
    }
    let operator = |toleration: &Value| match toleration.text("operator") {
        "" => "Equal".to_owned(),
        operator => operator.to_owned(),
    };
    let any_key = wide.text("key").is_empty() && operator(wide) == "Exists";
    if wide.text("key") != narrow.text("key") && !any_key {
        return false;
    }
    if !wide.text("effect").is_empty() && wide.text("effect") != narrow.text("effect") {
        return false;
    }
    if wide.text("effect") == "NoExecute"
        && let Some(seconds) = wide.int("tolerationSeconds")
        && narrow.int("tolerationSeconds").is_none_or(|other| other > seconds)
    {
        return false;
    }
    match operator(wide).as_str() {
        "Exists" => true,
        "Equal" => operator(narrow) == "Equal" && narrow.text("value") == wide.text("value"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_wider_one_stays() {
        let check = |first: Value, second: Value, expect: Value| {
            let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
            assert_eq!(Value::Array(merge(&list(&first), &list(&second))), expect);
        };
        let a = json!({"key": "a", "operator": "Equal", "value": "1", "effect": "NoSchedule"});
        let b = json!({"key": "b", "operator": "Exists"});
        let any_a = json!({"key": "a", "operator": "Exists"});
        let all = json!({"operator": "Exists"});
        check(json!([a]), json!([b]), json!([a, b]));
        check(json!([a]), json!([a]), json!([a]));
        check(json!([a, b]), json!([any_a]), json!([b, any_a]));
        check(json!([any_a]), json!([a]), json!([any_a]));
        check(json!([a, b]), json!([all]), json!([all]));
        let stay = |seconds: i64| json!({"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": seconds});
        check(json!([stay(5)]), json!([stay(9)]), json!([stay(9)]));
        let other = json!({"key": "a", "operator": "Equal", "value": "2", "effect": "NoSchedule"});
        check(json!([a]), json!([other]), json!([a, other]));
    }
}
