//! The server's tables as rows of text.

use object::Value;

use crate::jsonpath::{JsonPath, shown};
use crate::resource::{items, text};

/// What a row shows beyond the server's cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Style {
    pub(crate) wide: bool,
    pub(crate) namespace: bool,
    pub(crate) labels: bool,
    /// Labels that have a column each.
    pub(crate) label_columns: Vec<String>,
    /// What names begin with: `pod/`.
    pub(crate) prefix: String,
}

/// The titles of a table.
pub(crate) fn titles(table: &Value, style: &Style) -> Vec<String> {
    let shown = columns(table, style).map(|(_, column)| text(&column["name"]).to_uppercase());
    let named =
        style.label_columns.iter().map(|label| label.rsplit('/').next().unwrap_or(label).to_uppercase());
    let namespace = style.namespace.then(|| "NAMESPACE".to_owned());
    namespace.into_iter().chain(shown).chain(named).chain(style.labels.then(|| "LABELS".to_owned())).collect()
}

/// The rows of a table.
pub(crate) fn rows(table: &Value, style: &Style) -> Vec<Vec<String>> {
    items(&table["rows"]).iter().map(|row| cells(table, row, style)).collect()
}

fn columns<'a>(table: &'a Value, style: &Style) -> impl Iterator<Item = (usize, &'a Value)> {
    let wide = style.wide;
    let all = items(&table["columnDefinitions"]).iter().enumerate();
    all.filter(move |(_, column)| wide || column["priority"].as_i64().unwrap_or_default() == 0)
}

fn cells(table: &Value, row: &Value, style: &Style) -> Vec<String> {
    let metadata = &row["object"]["metadata"];
    let label = |name: &String| match &metadata["labels"][name] {
        Value::String(value) => value.clone(),
        _ => String::new(),
    };
    let mut cells = Vec::new();
    cells.extend(style.namespace.then(|| text(&metadata["namespace"]).to_owned()));
    for (shown, (index, _)) in columns(table, style).enumerate() {
        let cell = one_line(&row["cells"][index]);
        cells.push(if shown == 0 { format!("{}{cell}", style.prefix) } else { cell });
    }
    cells.extend(style.label_columns.iter().map(label));
    cells.extend(style.labels.then(|| labels(&metadata["labels"])));
    cells
}

/// A cell's first line; dots tell that there is more.
fn one_line(cell: &Value) -> String {
    let text = shown(cell);
    match text.find(['\n', '\r', '\u{c}']) {
        Some(end) => format!("{}...", &text[..end]),
        None => text,
    }
}

/// Labels as `a=b,c=d`.
pub(crate) fn labels(labels: &Value) -> String {
    match labels.as_object().filter(|map| !map.is_empty()) {
        None => "<none>".to_owned(),
        Some(map) => {
            let pairs = map.iter().map(|(name, value)| format!("{name}={}", shown(value)));
            pairs.collect::<Vec<_>>().join(",")
        }
    }
}

/// Sorts by what a path finds in each: numbers as such, all else as text.
pub(crate) fn sort(list: &mut [Value], object: impl Fn(&Value) -> &Value, path: &JsonPath) {
    let compare = |a: &Value, b: &Value| {
        let (a, b) = (path.values(object(a)), path.values(object(b)));
        match (a.first(), b.first()) {
            (Some(a), Some(b)) => match (a.as_f64(), b.as_f64()) {
                (Some(a), Some(b)) => a.total_cmp(&b),
                _ => shown(a).cmp(&shown(b)),
            },
            (a, b) => a.is_some().cmp(&b.is_some()),
        }
    };
    list.sort_by(compare);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn table() -> Value {
        json!({
            "columnDefinitions": [{"name": "Name"}, {"name": "Ready", "priority": 0}, {"name": "Node", "priority": 1}],
            "rows": [
                {"cells": ["b", 2, "n1"], "object": {"metadata": {"namespace": "x", "name": "b", "labels": {"k/a": "1"}}}},
                {"cells": ["a", "two\nlines", null], "object": {"metadata": {"namespace": "y", "name": "a"}}},
            ],
        })
    }

    #[test]
    fn styles() {
        let check = |style: Style, expect: &[&str]| {
            let table = table();
            let mut lines = vec![titles(&table, &style)];
            lines.extend(rows(&table, &style));
            let lines: Vec<_> = lines.iter().map(|cells| cells.join("|")).collect();
            assert_eq!(lines, expect);
        };
        check(Style::default(), &["NAME|READY", "b|2", "a|two..."]);
        let wide = Style { wide: true, namespace: true, prefix: "pod/".into(), ..Style::default() };
        check(wide, &["NAMESPACE|NAME|READY|NODE", "x|pod/b|2|n1", "y|pod/a|two...|"]);
        let labels = Style { labels: true, label_columns: vec!["k/a".into()], ..Style::default() };
        check(labels, &["NAME|READY|A|LABELS", "b|2|1|k/a=1", "a|two...||<none>"]);
    }

    #[test]
    fn sorted() {
        let mut list = vec![json!({"n": 10}), json!({"n": 9}), json!({})];
        sort(&mut list, |value| value, &JsonPath::parse_expression(".n").unwrap());
        assert_eq!(list, [json!({}), json!({"n": 9}), json!({"n": 10})]);
    }
}
