//! Paths to fields that a schema describes, e.g. `.spec.size` or `.spec['a.b']`.

use object::Value;

use crate::rules::Read;

/// Where a path leads.
pub(super) struct Found<'a> {
    /// The first field on the way.
    pub(super) first: String,
    /// The path, in a form that all paths to the same place have.
    pub(super) text: String,
    /// What the schema says there; null where it says nothing.
    pub(super) schema: &'a Value,
}

/// Follows a path; fields in brackets are allowed or not.
///
/// # Errors
/// Why the path leads nowhere.
pub(super) fn find<'a>(schema: &'a Value, path: &str, with_brackets: bool) -> Result<Found<'a>, String> {
    let mut found = Found { first: String::new(), text: String::new(), schema };
    let mut tokens = Tokens(path);
    let end = || "unexpected end of JSON path".to_owned();
    while let Some(token) = tokens.next() {
        match token {
            "[" if !with_brackets => return Err("array notation is not allowed".to_owned()),
            "[" => {
                let quoted = tokens.next().ok_or_else(end)?;
                let inner = quoted.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
                let name = inner.ok_or_else(|| format!("expected single quoted string but got {quoted}"))?;
                found.step(&unescaped(name)?)?;
                match tokens.next().ok_or_else(end)? {
                    "]" => {}
                    other => return Err(format!("expected ] but got {other}")),
                }
            }
            "." => found.step(tokens.next().ok_or_else(end)?)?,
            other => return Err(format!("expected [ or . but got: {other}")),
        }
    }
    Ok(found)
}

impl Found<'_> {
    fn step(&mut self, name: &str) -> Result<(), String> {
        let is_listed = !self.schema.is_empty("properties");
        let inner = match is_listed {
            true => self.schema.at("properties").get(name),
            false => Some(self.schema.at("additionalProperties")).filter(|others| !others.is_null()),
        };
        self.schema = inner.ok_or("does not refer to a valid field")?;
        if self.text.is_empty() {
            self.first = name.to_owned();
        }
        self.text += &if is_listed { format!(".{name}") } else { format!("[{name}]") };
        Ok(())
    }
}

/// What is left of a path: marks, and what is between them; in quotes, marks are text.
struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Option<&'a str> {
        let text = self.0;
        let end = match text.chars().next()? {
            '.' | '[' | ']' => 1,
            '\'' => {
                let ends = |(i, _): &(usize, &str)| *i > 0 && !text[..*i].ends_with('\\');
                text.match_indices('\'').find(ends).map_or(text.len(), |(i, _)| i + 1)
            }
            _ => text.find(['.', '[', ']']).unwrap_or(text.len()),
        };
        let (token, rest) = text.split_at(end);
        self.0 = rest;
        Some(token)
    }
}

fn unescaped(text: &str) -> Result<String, String> {
    let (mut out, mut chars) = (String::new(), text.chars());
    while let Some(c) = chars.next() {
        out.push(match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('a')) => '\u{7}',
            ('\\', Some('b')) => '\u{8}',
            ('\\', Some('f')) => '\u{c}',
            ('\\', Some('n')) => '\n',
            ('\\', Some('r')) => '\r',
            ('\\', Some('t')) => '\t',
            ('\\', Some('v')) => '\u{b}',
            ('\\', Some(same @ ('\'' | '\\'))) => same,
            ('\\', Some(other)) => {
                return Err(format!("invalid string literal: invalid escape char \\{other}"));
            }
            (c, _) => c,
        });
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_lead_to_fields() {
        let schema = json!({ "properties": {
            "a": { "properties": { "b.c": { "type": "string" }, "it's": { "type": "integer" } } },
            "m": { "additionalProperties": { "type": "boolean" } },
            "n": {},
        } });
        let check = |path: &str, expect: Result<&str, &str>| {
            let found = find(&schema, path, true).map(|found| found.schema.text("type").to_owned());
            assert_eq!(found, expect.map(ToOwned::to_owned).map_err(ToOwned::to_owned), "{path}");
        };
        check("", Ok(""));
        check(".a['b.c']", Ok("string"));
        check("['a'][\'it\\\'s\']", Ok("integer"));
        check(".m.x", Ok("boolean"));
        check(".m['x']", Ok("boolean"));
        let nowhere = Err("does not refer to a valid field");
        check(".b", nowhere);
        check(".a.b.c", nowhere);
        check(".n.x", nowhere);
        check("..a", nowhere);
        check(".a.", Err("unexpected end of JSON path"));
        check(".a[", Err("unexpected end of JSON path"));
        check(".a['b.c'", Err("unexpected end of JSON path"));
        check(".a['b.c'x", Err("expected ] but got x"));
        check(".a[b]", Err("expected single quoted string but got b"));
        check(".a['\\x']", Err("invalid string literal: invalid escape char \\x"));
        check("a", Err("expected [ or . but got: a"));
        assert_eq!(find(&schema, ".a['x']", false).err().as_deref(), Some("array notation is not allowed"));
        let text = |path| find(&schema, path, true).map(|found| (found.first, found.text));
        assert_eq!(text("['m'].x"), Ok(("m".to_owned(), ".m[x]".to_owned())));
    }
}
