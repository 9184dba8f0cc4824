//! YAML text in kubectl's layout: block style, two spaces, lists at their key's column, lines folded at 80.

use std::cmp::Ordering;
use std::fmt::Write;

use super::plain::is_text;
use crate::json::whole;
use crate::{Map, Value};

/// Lines are broken at the first single space behind this column.
const WIDTH: usize = 80;
/// Keys longer than this are written with `? `.
const MAX_SIMPLE_KEY: usize = 128;

/// The document as kubectl's `-o yaml` prints it, ending in a newline: keys in natural order, multi-line texts as
/// `|`, and quotes around texts that YAML 1.1 would read as something else.
pub fn to_yaml(value: &Value) -> String {
    let mut writer = Writer { out: String::new(), column: 0 };
    match value {
        Value::Object(map) if !map.is_empty() => writer.map(map, 0),
        Value::Array(items) if !items.is_empty() => writer.list(items, 0),
        scalar => {
            writer.scalar(scalar, 2);
            writer.end_line();
        }
    }
    writer.out
}

struct Writer {
    out: String,
    column: usize,
}

impl Writer {
    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column = if c == '\n' { 0 } else { self.column + 1 };
    }

    fn put_all(&mut self, text: &str) {
        text.chars().for_each(|c| self.put(c));
    }

    fn end_line(&mut self) {
        if !self.out.ends_with('\n') {
            self.put('\n');
        }
    }

    /// Starts a line at `column`, unless the cursor stands there already (behind `- `).
    fn start_line(&mut self, column: usize) {
        if self.column != column || column == 0 {
            if self.column != 0 {
                self.put('\n');
            }
            (0..column).for_each(|_| self.put(' '));
        }
    }

    fn map(&mut self, map: &Map, indent: usize) {
        let mut entries: Vec<(&String, &Value)> = map.iter().collect();
        entries.sort_by(|a, b| natural(a.0, b.0));
        for (key, value) in entries {
            self.start_line(indent);
            if key.chars().count() <= MAX_SIMPLE_KEY {
                self.text(key, indent + 2, true);
                self.put(':');
                self.map_value(value, indent);
            } else {
                self.put_all("? ");
                self.text(key, indent + 2, false);
                self.start_line(indent);
                self.put_all(": ");
                self.item(value, indent + 2);
            }
            self.end_line();
        }
    }

    fn map_value(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                self.end_line();
                self.map(map, indent + 2);
            }
            Value::Array(items) if !items.is_empty() => {
                self.end_line();
                self.list(items, indent);
            }
            scalar => {
                self.put(' ');
                self.scalar(scalar, indent + 2);
            }
        }
    }

    fn list(&mut self, items: &[Value], indent: usize) {
        for item in items {
            self.start_line(indent);
            self.put_all("- ");
            self.item(item, indent + 2);
            self.end_line();
        }
    }

    /// A value that begins where the cursor stands, at column `indent`.
    fn item(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Object(map) if !map.is_empty() => self.map(map, indent),
            Value::Array(items) if !items.is_empty() => self.list(items, indent),
            scalar => self.scalar(scalar, indent),
        }
    }

    fn scalar(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.put_all("null"),
            Value::Bool(value) => self.put_all(if *value { "true" } else { "false" }),
            Value::Number(number) => self.put_all(&number_text(number)),
            Value::String(text) => self.text(text, indent, false),
            Value::Array(_) => self.put_all("[]"),
            Value::Object(_) => self.put_all("{}"),
        }
    }

    fn text(&mut self, text: &str, indent: usize, key: bool) {
        match style(text, key) {
            Style::Plain => self.plain(text, indent, key),
            Style::Single => self.single(text, indent, key),
            Style::Double => self.double(text, indent, key),
            Style::Literal => self.literal(text, indent),
        }
    }

    fn plain(&mut self, text: &str, indent: usize, key: bool) {
        let mut chars = text.chars().peekable();
        let mut after_space = false;
        while let Some(c) = chars.next() {
            let fold = c == ' ' && !key && !after_space && self.column > WIDTH && chars.peek() != Some(&' ');
            if fold {
                self.start_line(indent)
            } else {
                self.put(c)
            }
            after_space = c == ' ';
        }
    }

    fn single(&mut self, text: &str, indent: usize, key: bool) {
        self.put('\'');
        let mut chars = text.chars().peekable();
        let (mut after_space, mut first) = (false, true);
        while let Some(c) = chars.next() {
            let inside = !first && chars.peek().is_some_and(|&next| next != ' ');
            match c {
                ' ' if !key && !after_space && inside && self.column > WIDTH => self.start_line(indent),
                '\'' => self.put_all("''"),
                c => self.put(c),
            }
            (after_space, first) = (c == ' ', false);
        }
        self.put('\'');
    }

    fn double(&mut self, text: &str, indent: usize, key: bool) {
        self.put('"');
        let mut chars = text.chars().peekable();
        let (mut after_space, mut first) = (false, true);
        while let Some(c) = chars.next() {
            let inside = !first && chars.peek().is_some();
            if c == ' ' && !key && !after_space && inside && self.column > WIDTH {
                self.start_line(indent);
                if chars.peek() == Some(&' ') {
                    self.put('\\');
                }
            } else {
                self.put_escaped(c);
            }
            (after_space, first) = (c == ' ', false);
        }
        self.put('"');
    }

    fn put_escaped(&mut self, c: char) {
        let short = match c {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0b' => 'v',
            '\x0c' => 'f',
            '\r' => 'r',
            '\x1b' => 'e',
            '"' | '\\' => c,
            '\u{85}' => 'N',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            c if is_printable(c) => return self.put(c),
            c => return self.put_code(u32::from(c)),
        };
        self.put('\\');
        self.put(short);
    }

    fn put_code(&mut self, code: u32) {
        let text = match code {
            0..=0xff => format!("\\x{code:02X}"),
            0x100..=0xffff => format!("\\u{code:04X}"),
            _ => format!("\\U{code:08X}"),
        };
        self.put_all(&text);
    }

    fn literal(&mut self, text: &str, indent: usize) {
        self.put('|');
        if text.starts_with([' ', '\n']) {
            self.put('2');
        }
        match text.strip_suffix('\n') {
            None => self.put('-'),
            Some(rest) if rest.is_empty() || rest.ends_with('\n') => self.put('+'),
            Some(_) => {}
        }
        self.put('\n');
        for line in text.split_inclusive('\n') {
            if line != "\n" {
                self.start_line(indent);
            }
            self.put_all(line);
        }
    }
}

enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

fn style(text: &str, key: bool) -> Style {
    let lines = text.contains('\n');
    let special = text.chars().any(|c| !is_printable(c) && c != '\n');
    if special || (lines && (key || text.contains(" \n") || text.ends_with(' '))) {
        Style::Double
    } else if lines {
        Style::Literal
    } else if !is_text(text) {
        Style::Double
    } else if may_be_plain(text) {
        Style::Plain
    } else {
        Style::Single
    }
}

/// Whether no part of a one-line text is taken for YAML's syntax.
fn may_be_plain(text: &str) -> bool {
    let first_is_syntax = text.starts_with(|c| "#,[]{}&*!|>'\"%@`".contains(c))
        || ["?", ":", "-"].contains(&text)
        || ["? ", ": ", "- ", "---", "..."].iter().any(|start| text.starts_with(start));
    let edges = text.starts_with(' ') || text.ends_with([' ', ':']);
    !(first_is_syntax || edges || text.contains(": ") || text.contains(" #"))
}

/// Printable as libyaml has it: the basic plane without controls, byte order mark and line separators.
fn is_printable(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}')
        && !matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// A number as Go's `%g` prints it once it went through JSON.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(value) if number.is_f64() => match whole(value) {
            Some(value) => value.to_string(),
            None => float_text(value),
        },
        _ => number.to_string(),
    }
}

fn float_text(value: f64) -> String {
    let text = format!("{value:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let most = if value.fract() == 0.0 { 21 } else { 6 };
    if (-4..most).contains(&exponent) {
        return value.to_string();
    }
    let mut out = mantissa.to_owned();
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(out, "e{sign}{:02}", exponent.abs()).expect("a String takes all writes");
    out
}

/// Natural order: runs of digits compare as numbers, and letters follow all else.
fn natural(a: &str, b: &str) -> Ordering {
    tokens(a).cmp(tokens(b))
}

/// A part of a key; the variants are in the order of their precedence.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Token<'a> {
    Mark(char),
    /// Digits without leading zeros, their count before them, and the count of all digits behind.
    Number(usize, &'a str, usize),
    Letter(char),
}

fn tokens(text: &str) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let first = rest.chars().next()?;
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (token, after) = rest.split_at(if digits == 0 { first.len_utf8() } else { digits });
        rest = after;
        let significant = token.trim_start_matches('0');
        Some(match (digits, first.is_alphabetic()) {
            (0, true) => Token::Letter(first),
            (0, false) => Token::Mark(first),
            (all, _) => Token::Number(significant.len(), significant, all),
        })
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::testing::{documents, texts};
    use crate::yaml::parse_yaml;

    fn check(value: Value, expect: &str) {
        let text = to_yaml(&value);
        assert_eq!(text, expect);
        assert_eq!(parse_yaml(text.as_bytes()).unwrap().value, value, "{text}");
    }

    #[test]
    fn layout() {
        check(
            json!({"spec": {"containers": [{"name": "a", "args": ["x", "z"], "env": []}, {"name": "b"}], "sel": {}}, "num": 1}),
            "num: 1\nspec:\n  containers:\n  - args:\n    - x\n    - z\n    env: []\n    name: a\n  - name: b\n  sel: {}\n",
        );
        check(
            json!([[1, [2]], [], {"a": {"b": [true]}}]),
            "- - 1\n  - - 2\n- []\n- a:\n    b:\n    - true\n",
        );
        check(json!({}), "{}\n");
        check(json!("x"), "x\n");
        check(json!(null), "null\n");
    }

    #[test]
    fn scalars() {
        let check = |value: Value, expect: &str| check(json!({ "a": value }), &format!("a: {expect}\n"));
        check(json!("plain text: no".replace(": ", ":")), "plain text:no");
        for text in ["yes", "0644", "null", "1e3", "2001-01-01T00:00:00Z", "1:30", "", "~", "true", "1"] {
            check(json!(text), &format!("{text:?}"));
        }
        for text in ["a: b", "- a", "#x", "*x", "a #b", " a", "a ", "%", "{}", "a:", "-", "@x", "[a]"] {
            check(json!(text), &format!("'{text}'"));
        }
        check(json!("it's: so"), "'it''s: so'");
        check(json!("it's so"), "it's so");
        check(json!("a\tb"), "\"a\\tb\"");
        check(json!("\u{1f600}\u{7}é"), "\"\\U0001F600\\aé\"");
        check(json!(1.5), "1.5");
        check(json!(1e300), "1e+300");
        check(json!(1_000_000.5), "1.0000005e+06");
        check(json!(1e20), "100000000000000000000");
        check(json!(1.5e-7), "1.5e-07");
        check(json!(u64::MAX), "18446744073709551615");
    }

    #[test]
    fn lines() {
        check(
            json!({"a": "x\ny\n", "b": "x\ny", "c": "x\n\n"}),
            "a: |\n  x\n  y\nb: |-\n  x\n  y\nc: |+\n  x\n\n",
        );
        check(json!({"a": ["  x\ny\n"]}), "a:\n- |2\n    x\n  y\n");
        check(json!({"a": "x \ny"}), "a: \"x \\ny\"\n");
        check(json!({"a": "x\r\ny"}), "a: \"x\\r\\ny\"\n");
        check(json!({"a\nb": 1}), "\"a\\nb\": 1\n");
    }

    #[test]
    fn long_lines_are_folded() {
        let words = ["0123456789"; 10].join(" ");
        let (head, tail) = words.split_at(87);
        check(
            json!({ "a": words }),
            &format!("a: {head}\n {tail}\n").replace("\n ", "\n  ").replace("   ", "  "),
        );
        let key = "k".repeat(129);
        check(json!({ key.clone(): {"b": [1]} }), &format!("? {key}\n: b:\n  - 1\n"));
    }

    #[test]
    fn keys_in_natural_order() {
        let mut keys = ["b", "a10", "a2", "a", "A", "a-b", "ab", "1", "a02", "_"];
        keys.sort_by(|a, b| natural(a, b));
        assert_eq!(keys, ["_", "1", "A", "a", "a-b", "a2", "a02", "a10", "ab", "b"]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn what_is_written_is_read(value in documents()) {
            let text = to_yaml(&value);
            let parsed = parse_yaml(text.as_bytes());
            prop_assert!(parsed.is_ok(), "{:?}\n{}", parsed, text);
            prop_assert_eq!(parsed.unwrap().value, value, "{}", text);
        }

        #[test]
        fn texts_stay_texts(text in texts()) {
            let value = json!({"a": text, "b": [text]});
            let written = to_yaml(&value);
            let parsed = parse_yaml(written.as_bytes());
            prop_assert!(parsed.is_ok(), "{:?}\n{}", parsed, written);
            prop_assert_eq!(parsed.unwrap().value, value, "{}", written);
        }
    }
}
