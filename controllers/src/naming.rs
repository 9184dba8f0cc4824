//! Names and hashes: stable, made of letters and digits that spell no words.

use object::Value;
use sha2::{Digest, Sha256};

/// Consonants and digits that are hard to confuse, as upstream's safe encoding uses.
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
/// Names of pods are cut so that the suffix still fits a label.
const MAX_BASE: usize = 58;
/// Characters of a pod name's suffix.
const SUFFIX: usize = 5;

/// `length` characters that depend on all parts, and on where one part ends and the next begins.
pub(crate) fn hash(parts: &[&str], length: usize) -> String {
    let mut sha = Sha256::new();
    for part in parts {
        sha.update((part.len() as u64).to_le_bytes());
        sha.update(part.as_bytes());
    }
    let digest = sha.finalize();
    let mut number = u64::from_le_bytes(digest[..8].try_into().expect("a digest has 32 bytes"));
    let mut text = String::with_capacity(length);
    for _ in 0..length {
        text.push(char::from(ALPHABET[(number % 27) as usize]));
        number /= 27;
    }
    text
}

/// What the names of an owner's pods begin with, as its `generateName`.
pub(crate) fn pod_base(owner: &str) -> String {
    format!("{owner}-").chars().take(MAX_BASE).collect()
}

/// The name of the pod in a slot. `seed` stands for owner and template.
pub(crate) fn pod_name(base: &str, seed: &str, slot: u32) -> String {
    format!("{base}{}", hash(&[seed, &slot.to_string()], SUFFIX))
}

/// A document as text in which order of keys, nulls and empty lists and label maps make no difference.
pub(crate) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut fields: Vec<_> = map.iter().filter(|(key, value)| !is_void(key, value)).collect();
            fields.sort_by_key(|(key, _)| key.as_str());
            out.push('{');
            for (key, value) in fields {
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                write(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write(item, out);
                out.push(',');
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

/// Whether a field says no more than its absence.
fn is_void(key: &str, value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => {
            map.is_empty()
                && matches!(
                    key,
                    "labels" | "annotations" | "nodeSelector" | "limits" | "requests" | "metadata"
                )
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_stable_and_differ_by_slot() {
        let base = pod_base("web-abc");
        assert_eq!(pod_name(&base, "s", 0), pod_name(&base, "s", 0));
        assert_ne!(pod_name(&base, "s", 0), pod_name(&base, "s", 1));
        assert_eq!(pod_name(&base, "s", 0).len(), "web-abc-".len() + 5);
        assert_eq!(pod_base(&"x".repeat(80)).len(), 58);
        assert_ne!(hash(&["ab", "c"], 10), hash(&["a", "bc"], 10));
    }

    #[test]
    fn canonical_text_ignores_what_says_nothing() {
        let rows = [
            (json!({"a": 1, "b": null}), json!({"a": 1}), true),
            (json!({"a": []}), json!({}), true),
            (json!({"labels": {}}), json!({}), true),
            (json!({"emptyDir": {}}), json!({}), false),
            (json!({"a": [1, 2]}), json!({"a": [2, 1]}), false),
            (json!({"a": "1"}), json!({"a": 1}), false),
        ];
        for (left, right, same) in rows {
            assert_eq!(canonical(&left) == canonical(&right), same, "{left} {right}");
        }
    }
}
