//! Reads labels and a few values from a JSON document and skips the rest without building it.

use std::fmt;

use object::Labels;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// `metadata.labels`.
    pub(crate) labels: Labels,
    /// The scalar at each path, as text; none where it is absent or null.
    pub(crate) values: Vec<Option<Box<str>>>,
}

/// Reads `metadata.labels` and the scalars at these dotted paths; none where the document is not JSON.
pub(crate) fn extract<'p>(document: &[u8], paths: impl Iterator<Item = &'p str>) -> Option<Found> {
    let mut wants = vec![Want { path: "metadata.labels", slot: Slot::Labels }];
    wants.extend(paths.enumerate().map(|(i, path)| Want { path, slot: Slot::Value(i) }));
    let mut found = Found { labels: Labels::default(), values: vec![None; wants.len() - 1] };
    let mut input = serde_json::Deserializer::from_slice(document);
    Node { wants: &wants, found: &mut found }.deserialize(&mut input).ok()?;
    Some(found)
}

/// Where a value goes.
#[derive(Clone, Copy)]
enum Slot {
    Labels,
    Value(usize),
}

/// A value that is wanted: what remains of its path below the current node.
#[derive(Clone, Copy)]
struct Want<'a> {
    path: &'a str,
    slot: Slot,
}

impl<'a> Want<'a> {
    /// The want below the field `key`, where its path leads there.
    fn below(self, key: &str) -> Option<Want<'a>> {
        let rest = self.path.strip_prefix(key)?;
        let path = if rest.is_empty() { rest } else { rest.strip_prefix('.')? };
        Some(Want { path, slot: self.slot })
    }
}

/// One value of the document, below which something is wanted.
struct Node<'a, 'w> {
    wants: &'w [Want<'a>],
    found: &'w mut Found,
}

impl Node<'_, '_> {
    fn set(self, text: &str) {
        for want in self.wants.iter().filter(|w| w.path.is_empty()) {
            if let Slot::Value(i) = want.slot {
                self.found.values[i] = Some(text.into());
            }
        }
    }

    fn is_labels(&self) -> bool {
        self.wants.iter().any(|w| w.path.is_empty() && matches!(w.slot, Slot::Labels))
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_, '_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        if self.is_labels() {
            self.found.labels = read_labels(map)?;
            return Ok(());
        }
        while let Some(below) = map.next_key_seed(Below(self.wants))? {
            if below.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                map.next_value_seed(Node { wants: &below, found: self.found })?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.set(text);
        Ok(())
    }

    fn visit_bool<E>(self, value: bool) -> Result<(), E> {
        self.set(if value { "true" } else { "false" });
        Ok(())
    }

    fn visit_i64<E>(self, value: i64) -> Result<(), E> {
        self.set(&value.to_string());
        Ok(())
    }

    fn visit_u64<E>(self, value: u64) -> Result<(), E> {
        self.set(&value.to_string());
        Ok(())
    }

    fn visit_f64<E>(self, value: f64) -> Result<(), E> {
        self.set(&value.to_string());
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

/// Reads a field's name as what is wanted below it.
struct Below<'a, 'w>(&'w [Want<'a>]);

impl<'de, 'a> DeserializeSeed<'de> for Below<'a, '_> {
    type Value = Vec<Want<'a>>;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Self::Value, D::Error> {
        input.deserialize_str(self)
    }
}

impl<'a> Visitor<'_> for Below<'a, '_> {
    type Value = Vec<Want<'a>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().filter_map(|w| w.below(key)).collect())
    }
}

/// Reads a map of texts; entries that are not text are left out.
fn read_labels<'de, A: MapAccess<'de>>(mut map: A) -> Result<Labels, A::Error> {
    let mut labels = Vec::new();
    while let Some((key, value)) = map.next_entry::<String, serde_json::Value>()? {
        if let serde_json::Value::String(text) = value {
            labels.push((key, text));
        }
    }
    Ok(labels.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_labels_and_scalars_and_skips_the_rest() {
        let document = br#"{"metadata":{"name":"a","labels":{"b":"2","a":"1"},"x":[{"labels":{"no":"no"}}]},
            "spec":{"nodeName":"n1","unschedulable":true,"nodeNames":"no","deep":{"er":3}},"status":null}"#;
        let paths =
            ["spec.nodeName", "spec.unschedulable", "status.phase", "spec.deep.er", "spec.deep", "spec"];
        let found = extract(document, paths.into_iter()).unwrap();
        let labels: Vec<_> = found.labels.iter().collect();
        assert_eq!(labels, [("a", "1"), ("b", "2")]);
        let values: Vec<_> = found.values.iter().map(Option::as_deref).collect();
        assert_eq!(values, [Some("n1"), Some("true"), None, Some("3"), None, None]);
    }

    #[test]
    fn refuses_what_is_not_json() {
        assert!(extract(b"{\"metadata\":", std::iter::empty()).is_none());
        assert!(extract(b"", std::iter::empty()).is_none());
    }
}
