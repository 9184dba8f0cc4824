//! `$(VAR)` in commands, arguments and environment.

/// Replaces references to variables. `$$` stands for one `$` and keeps the following from being a reference;
/// references to unknown variables, and incomplete ones, stay as they are.
pub fn expand<'a>(text: &str, value_of: impl Fn(&str) -> Option<&'a str>) -> String {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            expanded.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|r| r.split_once(')')) {
            match value_of(name) {
                Some(value) => expanded.push_str(value),
                None => expanded.extend(["$(", name, ")"]),
            }
            rest = after;
        } else {
            expanded.push('$');
        }
    }
    expanded.push_str(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn follows_upstream() {
        let rows = [
            ("", ""),
            ("plain", "plain"),
            ("$(A)", "a"),
            ("x$(A)y$(B)z", "xayz"),
            ("$(UNKNOWN)", "$(UNKNOWN)"),
            ("$$(A)", "$(A)"),
            ("$$$(A)", "$a"),
            ("$$$$(A)", "$$(A)"),
            ("$A", "$A"),
            ("$(A", "$(A"),
            ("$", "$"),
            ("end$", "end$"),
            ("$$", "$"),
            ("$()", "$()"),
            ("$($(A))", "$($(A))"),
            ("${A}", "${A}"),
            ("$(REF)", "$(A)"),
        ];
        let value = |name: &str| match name {
            "A" => Some("a"),
            "B" => Some(""),
            "REF" => Some("$(A)"),
            _ => None,
        };
        for (text, expected) in rows {
            assert_eq!(expand(text, value), expected, "{text}");
        }
    }
}
