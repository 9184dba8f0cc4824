//! Documents from JSON text, and the reader that YAML shares.

mod syntax;

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::frame::{Frame, report};
use crate::{Map, Value};

/// How deep a document may nest. Every reader of JSON in the system that stops at serde_json's 128 levels must be
/// able to read what was accepted once, also inside a list, a watch event or an admission review.
pub const MAX_DEPTH: usize = 120;

/// Bytes that the texts and keys of a document may have together. A JSON body has no more than itself; aliases in YAML
/// could multiply a long text without many values.
pub(crate) const MAX_TEXT: usize = 16 << 20;

/// Objects and lists that a document may have. Each costs many times what its text does, and some rule may have
/// something to say about each; the largest documents in use have a quarter of this.
pub const MAX_PARTS: usize = 100_000;

/// A document, and what its text said twice.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// The document; of duplicate keys the last wins.
    pub value: Value,
    /// Paths of keys that occur more than once, in order, each once, at most 100: `spec.containers[0].image`.
    pub duplicates: Vec<String>,
}

/// Why a text is not a document: in the words of Go's decoder where it has some for it, else with line and column where
/// they are known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(pub(crate) String);

/// Parses one JSON document.
///
/// # Errors
/// Bad syntax, invalid UTF-8, text after the document, numbers beyond a 64-bit float, and nesting deeper than
/// [`MAX_DEPTH`]. Whole numbers beyond 64 bits become floats, as in Go.
pub fn parse_json(bytes: &[u8]) -> Result<Parsed, ParseError> {
    let duplicates = RefCell::default();
    let mut text = serde_json::Deserializer::from_slice(bytes);
    let left = Left::new(usize::MAX);
    let reader = Reader { at: &Frame::ROOT, duplicates: &duplicates, left: &left, dialect: Dialect::Json };
    let value = reader.deserialize(&mut text).and_then(|value| text.end().map(|()| value));
    let value = value.map_err(|e| ParseError(syntax::told(&e, bytes)))?;
    Ok(Parsed { value, duplicates: duplicates.into_inner() })
}

/// What the text is, where that matters.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// Keys are text, numbers stay as they are.
    Json,
    /// Keys of other types become text; whole floats become integers, as they do on kubectl's way to JSON.
    Yaml,
}

/// What a document may still have.
pub(crate) struct Left {
    /// Bytes of texts and keys.
    text: Cell<usize>,
    /// Objects and lists.
    parts: Cell<usize>,
}

impl Left {
    pub(crate) fn new(text: usize) -> Self {
        Self { text: Cell::new(text), parts: Cell::new(MAX_PARTS) }
    }
}

/// Reads the value at one place of a document.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    pub(crate) at: &'a Frame<'a>,
    pub(crate) duplicates: &'a RefCell<Vec<String>>,
    pub(crate) left: &'a Left,
    pub(crate) dialect: Dialect,
}

impl<'de> DeserializeSeed<'de> for Reader<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<Value, D::Error> {
        text.deserialize_any(self)
    }
}

impl Reader<'_> {
    /// Counts an object or a list.
    fn enter<E: de::Error>(&self) -> Result<(), E> {
        if self.at.depth() >= MAX_DEPTH {
            return Err(E::custom("exceeded max depth"));
        }
        let left = self.left.parts.get().checked_sub(1);
        self.left.parts.set(left.ok_or_else(|| E::custom(TOO_MANY_PARTS))?);
        Ok(())
    }

    fn take<E: de::Error>(&self, text: &str) -> Result<(), E> {
        let left = self.left.text.get().checked_sub(text.len());
        self.left.text.set(left.ok_or_else(|| E::custom("document contains excessive aliasing"))?);
        Ok(())
    }
}

impl<'de> Visitor<'de> for Reader<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        match whole(value) {
            Some(value) if self.dialect == Dialect::Yaml => Ok(value.into()),
            _ if value.is_finite() => Ok(value.into()),
            _ => Err(E::custom(format_args!("unsupported value: {value}"))),
        }
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Value, E> {
        self.take(value)?;
        Ok(value.into())
    }

    fn visit_string<E: de::Error>(self, value: String) -> Result<Value, E> {
        self.take(&value)?;
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, text: D) -> Result<Value, D::Error> {
        text.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Reader { at: &self.at.index(list.len()), ..self })? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.enter()?;
        let mut map = Map::new();
        while let Some(key) = entries.next_key_seed(Key(self.dialect))? {
            self.take(&key)?;
            let at = self.at.key(&key);
            let value = entries.next_value_seed(Reader { at: &at, ..self })?;
            if map.contains_key(&key) {
                report(&mut self.duplicates.borrow_mut(), || at.dotted());
            }
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

/// What is said of a document with more than [`MAX_PARTS`].
pub(crate) const TOO_MANY_PARTS: &str = "exceeded max number of objects and lists";

/// Levels of nesting of a value, 0 for a scalar.
pub(crate) fn nesting(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(nesting).max().unwrap_or(0),
        Value::Object(map) => 1 + map.values().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}

/// Objects and lists of a value, itself included.
pub(crate) fn parts(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(parts).sum::<usize>(),
        Value::Object(map) => 1 + map.values().map(parts).sum::<usize>(),
        _ => 0,
    }
}

/// A float as the integer it is, if it is one that 64 bits hold.
pub(crate) fn whole(value: f64) -> Option<i64> {
    let fits =
        value.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&value);
    fits.then_some(value as i64)
}

/// Reads a key; one that is not text becomes the text that JSON needs.
struct Key(Dialect);

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, text: D) -> Result<String, D::Error> {
        match self.0 {
            Dialect::Json => text.deserialize_str(self),
            Dialect::Yaml => text.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for Key {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<String, E> {
        Ok(key.to_owned())
    }

    fn visit_string<E>(self, key: String) -> Result<String, E> {
        Ok(key)
    }

    fn visit_bool<E>(self, key: bool) -> Result<String, E> {
        Ok(key.to_string())
    }

    fn visit_i64<E>(self, key: i64) -> Result<String, E> {
        Ok(key.to_string())
    }

    fn visit_u64<E>(self, key: u64) -> Result<String, E> {
        Ok(key.to_string())
    }

    fn visit_f64<E>(self, key: f64) -> Result<String, E> {
        Ok(key.to_string())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::documents;

    fn check(text: &str, value: Value, duplicates: &[&str]) {
        let parsed = parse_json(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
        assert_eq!(parsed.value, value, "{text}");
        assert_eq!(parsed.duplicates, duplicates, "{text}");
    }

    #[test]
    fn values() {
        check(
            " {\"a\": [1, -2, 1.5, true, null, \"x\\u00e9\\n\"]} ",
            json!({"a": [1, -2, 1.5, true, null, "xé\n"]}),
            &[],
        );
        check("18446744073709551615", json!(u64::MAX), &[]);
        check("12345678901234567890123", json!(1.234_567_890_123_456_8e22), &[]);
        check("1.0", json!(1.0), &[]);
    }

    #[test]
    fn duplicates_are_reported_and_the_last_wins() {
        check(r#"{"a": 1, "a": 2}"#, json!({"a": 2}), &["a"]);
        check(r#"{"a": 1, "a": 2, "a": 3}"#, json!({"a": 3}), &["a"]);
        check(
            r#"{"spec": {"foo": 1, "foo": 2, "containers": [{}, {"image": "a", "image": "b"}]}}"#,
            json!({"spec": {"foo": 2, "containers": [{}, {"image": "b"}]}}),
            &["spec.foo", "spec.containers[1].image"],
        );
    }

    #[test]
    fn failures() {
        for text in [
            &b"{"[..],
            b"",
            b"{} x",
            b"{} {}",
            b"\"\xff\"",
            b"1e999",
            b"[1,]",
            b"{1: 2}",
            b"nul",
            b"\"\\ud800\"",
            b"\"\n\"",
        ] {
            assert!(parse_json(text).is_err(), "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn failures_are_told_as_go_tells_them() {
        let check = |text: &[u8], expect: &str| {
            let error = parse_json(text).expect_err(expect).to_string();
            assert_eq!(error, expect, "{}", String::from_utf8_lossy(text));
        };
        for text in ["", "{", "[1", "\"a", "{\"a\":", "tru", "-"] {
            check(text.as_bytes(), "unexpected end of JSON input");
        }
        let rows = [
            ("x", "invalid character 'x' looking for beginning of value"),
            (" [1,]", "invalid character ']' looking for beginning of value"),
            ("{\"a\": True}", "invalid character 'T' looking for beginning of value"),
            ("{\"a\":\n\n  'x'}", "invalid character '\\'' looking for beginning of value"),
            ("\0{}", "invalid character '\\x00' looking for beginning of value"),
            ("\u{feff}{}", "invalid character 'ï' looking for beginning of value"),
            ("{} \"", "invalid character '\"' after top-level value"),
            ("{a: 1}", "invalid character 'a' looking for beginning of object key string"),
            ("{\"a\":1,}", "invalid character '}' looking for beginning of object key string"),
            ("{\"a\" 1}", "invalid character '1' after object key"),
            ("{\"a\":1\n\"b\":2}", "invalid character '\"' after object key:value pair"),
            ("[1 2]", "invalid character '2' after array element"),
            ("\"a\nb\"", "invalid character '\\n' in string literal"),
            ("\"\\x\"", "invalid character 'x' in string escape code"),
            ("\"\\u00g0\"", "invalid character 'g' in \\u hexadecimal character escape"),
            ("[nule]", "invalid character 'e' in literal null (expecting 'l')"),
            ("-x", "invalid character 'x' in numeric literal"),
            ("[1.]", "invalid character ']' after decimal point in numeric literal"),
            ("[1e+]", "invalid character ']' in exponent of numeric literal"),
        ];
        for (text, expect) in rows {
            check(text.as_bytes(), expect);
        }
        check(b"\x1f\x8b", "invalid character '\\x1f' looking for beginning of value");
        check(b"[\n 1e999]", "number out of range at line 2 column 6");
    }

    #[test]
    fn nesting_is_bounded() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse_json(nested(MAX_DEPTH).as_bytes()).is_ok());
        let error = parse_json(nested(MAX_DEPTH + 1).as_bytes()).unwrap_err();
        assert!(error.to_string().starts_with("exceeded max depth"), "{error}");
        assert!(parse_json("[".repeat(1_000_000).as_bytes()).is_err());
        assert!(parse_json("{\"a\":".repeat(1_000_000).as_bytes()).is_err());
    }

    #[test]
    fn objects_and_lists_are_bounded() {
        let many = |count: usize| format!("[{}]", vec!["{}"; count].join(","));
        let parsed = parse_json(many(MAX_PARTS - 1).as_bytes()).unwrap();
        assert_eq!(parts(&parsed.value), MAX_PARTS);
        let error = parse_json(many(MAX_PARTS).as_bytes()).unwrap_err().to_string();
        assert!(error.starts_with(TOO_MANY_PARTS), "{error}");
    }

    #[test]
    fn duplicate_reports_are_bounded() {
        let text = format!(
            "{{{}}}",
            (0..500).map(|i| format!("\"k{i}\":1,\"k{i}\":1")).collect::<Vec<_>>().join(",")
        );
        assert_eq!(parse_json(text.as_bytes()).unwrap().duplicates.len(), crate::frame::MAX_REPORTS);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value in documents()) {
            let text = serde_json::to_vec(&value).unwrap();
            prop_assert_eq!(parse_json(&text).unwrap(), Parsed { value, duplicates: vec![] });
        }
    }
}
