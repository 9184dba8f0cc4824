//! Compact YAML: a field in one line where it fits.

use object::{Map, Value, parse_yaml};

/// How wide a line may be, in bytes.
const WIDTH: usize = 116;

/// The lines of a document.
pub(super) fn lines(value: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    match value {
        Value::Null => {}
        Value::Object(map) if !map.is_empty() => fields(map, 0, &mut lines),
        value => lines.push(flow(value)),
    }
    lines
}

fn fields(map: &Map, indent: usize, lines: &mut Vec<String>) {
    // as kubectl's readers are used to it
    let rank = |name: &str| ["apiVersion", "kind", "metadata"].iter().position(|first| *first == name);
    let mut sorted: Vec<_> = map.iter().collect();
    sorted.sort_by_key(|(name, _)| rank(name).unwrap_or(usize::MAX));
    for (name, value) in sorted {
        let line = format!("{:indent$}{}: {}", "", plain(name), flow(value));
        match value {
            Value::Object(map) if line.len() > WIDTH => {
                lines.push(format!("{:indent$}{}:", "", plain(name)));
                fields(map, indent + 2, lines);
            }
            Value::Array(items) if line.len() > WIDTH => {
                lines.push(format!("{:indent$}{}:", "", plain(name)));
                lines.extend(items.iter().map(|item| format!("{:indent$}- {}", "", flow(item))));
            }
            _ => lines.push(line),
        }
    }
}

/// A value in one line.
pub(super) fn flow(value: &Value) -> String {
    match value {
        Value::Null => "~".to_owned(),
        Value::String(text) => plain(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let fields = map.iter().map(|(name, value)| format!("{}: {}", plain(name), flow(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// A text without quotes where YAML reads it back so, as a key and as a value.
fn plain(text: &str) -> String {
    let odd = text.is_empty()
        || text.contains(['\n', ',', '[', ']', '{', '}', '#', '"', '\''])
        || text.contains(": ");
    let same = |yaml: String| {
        parse_yaml(yaml.as_bytes()).is_ok_and(|read| read.value == serde_json::json!([{text: text}]))
    };
    if !odd && same(format!("[{{{text}: {text}}}]")) {
        text.to_owned()
    } else {
        Value::from(text).to_string()
    }
}
