//! Which of several classes is the default.

use std::cmp::Reverse;

use object::Value;

use crate::rules::Read;

/// What the text of a class holds that is marked as the default by an annotation, whatever that is called before the
/// slash.
pub(super) const MARK: &str = "/is-default-class\":\"true\"";

/// The name of the newest class that one of these annotations makes the default; of several of one second, the first
/// by name.
pub(super) fn newest<'a>(classes: &'a [Value], annotations: &[&str]) -> Option<&'a str> {
    let marked = |class: &Value| {
        annotations.iter().any(|name| class.at("metadata.annotations").get(name).is_some_and(|v| v == "true"))
    };
    let newest = classes.iter().filter(|class| marked(class)).max_by(|a, b| order(a).cmp(&order(b)))?;
    Some(newest.text("metadata.name"))
}

fn order(class: &Value) -> (&str, Reverse<&str>) {
    (class.text("metadata.creationTimestamp"), Reverse(class.text("metadata.name")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_newest_default_counts() {
        let class = |name: &str, minute: u8, value: &str| {
            json!({"metadata": {
                "name": name, "creationTimestamp": format!("2026-01-01T00:{minute:02}:00Z"), "annotations": {"a/x": value},
            }})
        };
        let check = |classes: &[Value], expect| assert_eq!(newest(classes, &["a/x"]), expect);
        check(&[], None);
        check(&[class("a", 1, "false")], None);
        check(&[class("a", 1, "true"), class("b", 2, "true"), class("c", 3, "")], Some("b"));
        check(&[class("a", 1, "true"), class("b", 1, "true")], Some("a"));
        assert_eq!(newest(&[class("a", 1, "true")], &["b/x"]), None);
    }
}
