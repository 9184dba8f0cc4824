//! What a story expects, held against what was answered.

use std::collections::BTreeMap;

use object::{Map, Value};

/// What the steps of a story captured, by name.
pub(super) type Captured = BTreeMap<String, String>;

/// Of a list: and others.
const OTHERS: &str = "...";

/// A text in which captured names stand for what they are.
pub(super) fn fill(text: &str, captured: &Captured) -> String {
    // names that others begin with come last
    captured
        .iter()
        .rev()
        .fold(text.to_owned(), |text, (name, value)| text.replace(&format!("${name}"), value))
}

/// What of an answer a story is about: the expected value itself where the answer fits it, and otherwise the same
/// fields as they were answered. Names that nothing was captured for capture what stands in their place.
pub(super) fn excerpt(expected: &Value, actual: &Value, captured: &mut Captured) -> Value {
    match (expected, actual) {
        (Value::Object(wanted), Value::Object(there)) if !wanted.is_empty() => {
            let field = |(name, wanted): (&String, &Value)| {
                (name.clone(), excerpt(wanted, there.get(name).unwrap_or(&Value::Null), captured))
            };
            Value::Object(wanted.iter().map(field).collect())
        }
        (Value::Array(wanted), Value::Array(there)) if !wanted.is_empty() => {
            Value::Array(items(wanted, there, captured))
        }
        (Value::String(wanted), actual) => match fits_value(wanted, actual, captured) {
            true => expected.clone(),
            false => stable(actual, captured),
        },
        (expected, actual) if expected == actual => expected.clone(),
        (_, actual) => stable(actual, captured),
    }
}

fn items(wanted: &[Value], there: &[Value], captured: &mut Captured) -> Vec<Value> {
    if let Some((others, wanted)) = wanted.split_last().filter(|(last, _)| *last == OTHERS) {
        let mut rest = there.iter();
        let found = wanted.iter().filter(|wanted| rest.any(|item| fits(wanted, item, captured)));
        return found.chain([others]).cloned().collect();
    }
    let shapes = wanted.iter().chain(std::iter::repeat(&wanted[wanted.len() - 1]));
    there.iter().zip(shapes).map(|(item, wanted)| excerpt(wanted, item, captured)).collect()
}

fn fits(wanted: &Value, actual: &Value, captured: &mut Captured) -> bool {
    let mut tried = captured.clone();
    let fits = excerpt(wanted, actual, &mut tried) == *wanted;
    if fits {
        *captured = tried;
    }
    fits
}

fn fits_value(wanted: &str, actual: &Value, captured: &mut Captured) -> bool {
    let text = match actual {
        Value::String(text) => text.clone(),
        Value::Number(number) if wanted.starts_with(['$', '<']) => number.to_string(),
        _ => return false,
    };
    let name = wanted.strip_prefix('$').filter(|name| name.bytes().all(|b| b.is_ascii_alphanumeric()));
    match name {
        Some(name) if !captured.contains_key(name) => {
            captured.insert(name.to_owned(), text);
            true
        }
        _ => fits_text(&fill(wanted, captured), &text),
    }
}

/// Whether a text is a pattern's: the same but for what stands in `<…>`.
pub(super) fn fits_text(pattern: &str, text: &str) -> bool {
    let Some((before, what, behind)) = first_mark(pattern) else { return pattern == text };
    let Some(rest) = text.strip_prefix(before) else { return false };
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    ends.into_iter().any(|end| is_a(what, &rest[..end]) && fits_text(behind, &rest[end..]))
}

/// The first `<…>` that stands for something, with what is before and behind it.
fn first_mark(pattern: &str) -> Option<(&str, &str, &str)> {
    let marks = ["<uid>", "<time>", "<rv>", "<token>", "<suffix>", "<text>"];
    let (at, mark) = marks.iter().filter_map(|mark| Some((pattern.find(mark)?, mark))).min()?;
    Some((&pattern[..at], &mark[1..mark.len() - 1], &pattern[at + mark.len()..]))
}

fn is_a(what: &str, text: &str) -> bool {
    match what {
        "uid" => text.len() == 36 && text.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-'),
        "time" => text.ends_with('Z') && text.parse::<jiff::Timestamp>().is_ok(),
        "rv" => text.parse::<u64>().is_ok_and(|revision| revision > 0),
        "suffix" => text.len() == 5 && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()),
        "token" => text.len() > 5,
        _ => true,
    }
}

/// What was answered, with names for what is never the same.
pub(super) fn stable(actual: &Value, captured: &Captured) -> Value {
    stable_field("", actual, captured)
}

fn stable_field(name: &str, actual: &Value, captured: &Captured) -> Value {
    match actual {
        Value::Object(map) => {
            let fields = map.iter().filter(|(name, _)| *name != "managedFields");
            let field =
                |(name, value): (&String, &Value)| (name.clone(), stable_field(name, value, captured));
            Value::Object(fields.map(field).collect::<Map>())
        }
        Value::Array(items) => items.iter().map(|item| stable_field(name, item, captured)).collect(),
        Value::String(text) => {
            let mark = match name {
                "resourceVersion" => "rv",
                "continue" => "token",
                _ if is_a("uid", text) => "uid",
                _ if is_a("time", text) => "time",
                _ => return actual.clone(),
            };
            let known = captured.iter().find(|(_, value)| *value == text);
            known.map_or_else(|| format!("<{mark}>"), |(name, _)| format!("${name}")).into()
        }
        _ => actual.clone(),
    }
}
