//! Reading only parts of a document: what is not asked for is passed over, and costs no memory.

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{Map, Value};

/// Parts of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Excerpt {
    /// What is wanted below each of these names; empty: everything.
    parts: Vec<(String, Excerpt)>,
}

impl Excerpt {
    /// Everything at and below these dotted paths, which lead through lists to each item. Of no path: everything.
    pub fn of(paths: &[&str]) -> Self {
        let mut excerpt = Self::default();
        paths.iter().for_each(|path| excerpt.add(path));
        excerpt
    }

    fn add(&mut self, path: &str) {
        let (name, rest) = path.split_once('.').unwrap_or((path, ""));
        let at = self.parts.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
            self.parts.push((name.to_owned(), Self::default()));
            self.parts.len() - 1
        });
        if !rest.is_empty() {
            self.parts[at].1.add(rest);
        }
    }

    /// Reads them from JSON. Objects and lists on the way are there with what is wanted of them; anything else on the
    /// way is null.
    pub fn read(&self, json: &[u8]) -> serde_json::Result<Value> {
        let mut deserializer = serde_json::Deserializer::from_slice(json);
        let value = self.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }
}

impl<'de> DeserializeSeed<'de> for &Excerpt {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.parts.is_empty() {
            Value::deserialize(deserializer)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for &Excerpt {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = access.next_key::<Cow<'de, str>>()? {
            match self.parts.iter().find(|(wanted, _)| *wanted == name) {
                Some((_, part)) => drop(map.insert(name.into_owned(), access.next_value_seed(part)?)),
                None => drop(access.next_value::<IgnoredAny>()?),
            }
        }
        Ok(map.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = access.next_element_seed(self)? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, _: &str) -> Result<Value, E> {
        Ok(Value::Null)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(paths: &[&str], document: Value, expect: Value) {
        assert_eq!(Excerpt::of(paths).read(document.to_string().as_bytes()).unwrap(), expect, "{paths:?}");
    }

    #[test]
    fn only_what_is_asked_for_is_read() {
        let document =
            json!({"a": {"b": [{"c": 1, "d": 2}, {"d": 3}], "e": "x"}, "f": [1, {"g": null}], "h": 1.5});
        check(&[], document.clone(), document.clone());
        check(&["f", "none"], document.clone(), json!({"f": [1, {"g": null}]}));
        check(
            &["a.b.c", "a.e", "f.g"],
            document.clone(),
            json!({"a": {"b": [{"c": 1}, {}], "e": "x"}, "f": [null, {"g": null}]}),
        );
        check(&["h.i"], document, json!({"h": null}));
        check(&["a"], json!({"\u{e9}\n": 1, "a": true}), json!({"a": true}));
    }

    #[test]
    fn broken_documents_are_errors() {
        for text in ["", "{", "{\"a\":1}x", "{\"x\":[}", "{\"a\" 1}"] {
            assert!(Excerpt::of(&["a.b"]).read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
