//! Documents from YAML text as kubectl reads it (YAML 1.1), and YAML text as kubectl prints it.

mod plain;
mod write;

use std::cell::RefCell;

use serde::de::DeserializeSeed;
use serde::{Deserialize, Deserializer};
use serde_saphyr::{DuplicateKeyPolicy, Options, alias_limits, budget, options};

use crate::Value;
use crate::frame::Frame;
use crate::json::{Dialect, Left, MAX_DEPTH, MAX_TEXT, ParseError, Parsed, Reader};

pub use write::to_yaml;

/// Values that aliases may add to a document.
const MAX_ALIAS_VALUES: usize = 100_000;
/// What the library's message says to programmers, not to users.
const LIBRARY_ADVICE: &str = ", set DuplicateKeyPolicy in Options if acceptable";

/// Parses one YAML document; an empty text is null. Of several the first is read, as in Go.
///
/// # Errors
/// Bad syntax, invalid UTF-8, nesting deeper than [`MAX_DEPTH`], and aliases that multiply
/// without bound; the message has line and column.
pub fn parse_yaml(text: &[u8]) -> Result<Parsed, ParseError> {
    let first = parse(text, DuplicateKeyPolicy::LastWins)?.into_iter().next();
    Ok(first.map(|document| document.0).unwrap_or_default())
}

/// Parses a stream of YAML documents; empty ones are skipped.
///
/// # Errors
/// As [`parse_yaml`], but for the number of documents; and duplicate keys, which nobody reports here.
pub fn parse_yaml_documents(text: &[u8]) -> Result<Vec<Value>, ParseError> {
    let documents = parse(text, DuplicateKeyPolicy::Error)?;
    Ok(documents.into_iter().map(|document| document.0.value).collect())
}

fn parse(text: &[u8], duplicate_keys: DuplicateKeyPolicy) -> Result<Vec<Document>, ParseError> {
    let text = std::str::from_utf8(text).map_err(|e| ParseError(format!("yaml: {e}")))?;
    serde_saphyr::from_multiple_with_options(text, reading(duplicate_keys))
        .map_err(|e| ParseError(format!("yaml: {}", e.to_string().replace(LIBRARY_ADVICE, ""))))
}

fn reading(duplicate_keys: DuplicateKeyPolicy) -> Options {
    options! {
        legacy_octal_numbers: true,
        duplicate_keys: duplicate_keys,
        with_snippet: false,
        emit_comments: false,
        alias_limits: alias_limits! { max_total_replayed_events: MAX_ALIAS_VALUES },
        budget: budget! { max_depth: MAX_DEPTH, max_nodes: 4_000_000, max_events: 8_000_000 },
    }
}

/// A document read by the reader that JSON uses.
struct Document(Parsed);

impl<'de> Deserialize<'de> for Document {
    fn deserialize<D: Deserializer<'de>>(text: D) -> Result<Self, D::Error> {
        let duplicates = RefCell::default();
        let left = Left::new(MAX_TEXT);
        let reader =
            Reader { at: &Frame::ROOT, duplicates: &duplicates, left: &left, dialect: Dialect::Yaml };
        let value = reader.deserialize(text)?;
        Ok(Self(Parsed { value, duplicates: duplicates.into_inner() }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn scalars_as_yaml_1_1() {
        let check = |text: &str, expect: Value| {
            let parsed =
                parse_yaml(format!("a: {text}").as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(parsed.value["a"], expect, "{text}");
        };
        for (text, expect) in
            [("yes", true), ("y", true), ("On", true), ("no", false), ("N", false), ("OFF", false)]
        {
            check(text, json!(expect));
        }
        for (text, expect) in
            [("0644", 420), ("0o17", 15), ("0x1F", 31), ("0b11", 3), ("1_000", 1000), ("+1", 1)]
        {
            check(text, json!(expect));
        }
        for (text, expect) in [("1e3", 1000), ("1.0", 1), ("08", 8), ("-0", 0)] {
            check(text, json!(expect));
        }
        check("1.5", json!(1.5));
        check("~", Value::Null);
        check("", Value::Null);
        for text in ["1:30", "2001-01-01", "2001-01-01T00:00:00Z", "1.2.3", "NaN"] {
            check(text, json!(text));
        }
        check("'yes'", json!("yes"));
        check("!!str 5", json!("5"));
        check("|\n  x\n  y\n", json!("x\ny\n"));
    }

    #[test]
    fn keys_are_texts() {
        let check = |text: &str, expect: Value| {
            assert_eq!(parse_yaml(text.as_bytes()).unwrap().value, expect, "{text}")
        };
        check("80: x", json!({"80": "x"}));
        check("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2", json!({"a": {"b": 1}, "c": {"b": 1, "d": 2}}));
    }

    #[test]
    fn documents() {
        let check = |text: &str, expect: &[Value]| {
            assert_eq!(parse_yaml_documents(text.as_bytes()).unwrap(), expect, "{text}");
        };
        check("", &[]);
        check("# only a comment\n", &[]);
        check("---\na: 1\n---\n# nothing\n---\n- 2\n", &[json!({"a": 1}), json!([2])]);
        check("{\"a\": [1, true]}", &[json!({"a": [1, true]})]);
        assert_eq!(parse_yaml(b"a: 1\n---\nb: 2").unwrap().value, json!({"a": 1}), "the first of several");
    }

    #[test]
    fn failures() {
        let check = |text: &[u8], part: &str| {
            let error = parse_yaml(text).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        };
        check(b"a: \xff", "utf-8");
        check(b"a: [1", "line");
        check(b"a: .nan", ".nan");
        check("- ".repeat(500).as_bytes(), "depth");
        check("[".repeat(100_000).as_bytes(), "");
    }

    #[test]
    fn duplicates_are_reported_or_refused() {
        let text = b"a: {b: 1, b: 2}\nc: 3\nc: 4";
        let expect =
            Parsed { value: json!({"a": {"b": 2}, "c": 4}), duplicates: vec!["a.b".into(), "c".into()] };
        assert_eq!(parse_yaml(text).unwrap(), expect);
        let error = parse_yaml_documents(b"a: 1\na: 2").unwrap_err().to_string();
        assert!(error.contains("duplicate mapping key: a at line 2, column 1"), "{error}");
    }

    #[test]
    fn aliases_are_bounded() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let items = vec![format!("*a{}", level - 1); 9].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        assert!(parse_yaml(bomb.as_bytes()).is_err());
        let anchors: String = (0..1000).map(|i| format!("k{i}: &k{i} x\n")).collect();
        let long =
            format!("{anchors}long: &long {}\nmany:\n{}", "x".repeat(1 << 20), "- *long\n".repeat(5000));
        let error = parse_yaml(long.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("document contains excessive aliasing"), "{error}");
    }
}
