//! Field selectors: `metadata.name=x,status.phase!=Running`.

use std::fmt;
use std::str::FromStr;

use super::SelectorError;

/// One requirement on one field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FieldRequirement {
    /// Dotted path of the field.
    pub field: String,
    /// Whether the field must equal the value, or must not.
    pub equals: bool,
    /// The value.
    pub value: String,
}

/// Requirements that an object's fields must all meet; without any, every object is selected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct FieldSelector {
    requirements: Vec<FieldRequirement>,
}

impl FieldSelector {
    /// The selector of all objects.
    pub fn everything() -> Self {
        Self::default()
    }

    /// The selector of objects whose field has this value.
    pub fn equal(field: impl Into<String>, value: impl Into<String>) -> Self {
        let requirement = FieldRequirement { field: field.into(), equals: true, value: value.into() };
        Self { requirements: vec![requirement] }
    }

    /// The requirements, in the order of the text.
    pub fn requirements(&self) -> &[FieldRequirement] {
        &self.requirements
    }

    /// The same about fields of other names.
    pub fn renamed(mut self, name: impl Fn(&str) -> &str) -> Self {
        for requirement in &mut self.requirements {
            requirement.field = name(&requirement.field).to_owned();
        }
        self
    }

    /// Whether every object is selected.
    pub fn is_everything(&self) -> bool {
        self.requirements.is_empty()
    }

    /// Whether an object whose fields this function looks up is selected; an absent field is the empty text.
    pub fn matches<'a>(&self, field: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.requirements.iter().all(|r| (field(&r.field).unwrap_or("") == r.value) == r.equals)
    }
}

impl FromStr for FieldSelector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let mut requirements = Vec::new();
        for term in terms(text).filter(|t| !t.is_empty()) {
            let (field, equals, value) = split(term).ok_or_else(|| {
                SelectorError::new(format!("invalid selector: '{text}'; can't understand '{term}'"))
            })?;
            requirements.push(FieldRequirement { field: field.to_owned(), equals, value: unescape(value)? });
        }
        Ok(Self { requirements })
    }
}

/// The parts between commas that no backslash precedes.
fn terms(text: &str) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |c| {
        let splits = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
        splits
    })
}

fn split(term: &str) -> Option<(&str, bool, &str)> {
    let at = term.char_indices().find(|(i, c)| *c == '=' || term[*i..].starts_with("!="))?.0;
    let (field, rest) = term.split_at(at);
    if let Some(value) = rest.strip_prefix("!=") {
        return Some((field, false, value));
    }
    Some((field, true, rest.strip_prefix("==").or_else(|| rest.strip_prefix('='))?))
}

fn unescape(text: &str) -> Result<String, SelectorError> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(c @ ('\\' | ',' | '=')) => out.push(c),
                other => {
                    let sequence: String = std::iter::once('\\').chain(other).collect();
                    return Err(SelectorError::new(format!(
                        "invalid field selector: invalid escape sequence: {sequence}"
                    )));
                }
            },
            ',' | '=' => {
                return Err(SelectorError::new(format!(
                    "invalid field selector: unescaped character in value: {c}"
                )));
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, FieldRequirement { field, equals, value }) in self.requirements.iter().enumerate() {
            let comma = if i > 0 { "," } else { "" };
            let operator = if *equals { "=" } else { "!=" };
            let value = value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=");
            write!(f, "{comma}{field}{operator}{value}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(&str, bool, &str)]) {
        let selector: FieldSelector = text.parse().unwrap_or_else(|e| panic!("{text}: {e}"));
        let found: Vec<_> =
            selector.requirements().iter().map(|r| (r.field.as_str(), r.equals, r.value.as_str())).collect();
        assert_eq!(found, expect, "{text}");
        assert_eq!(selector.to_string().parse(), Ok(selector));
    }

    #[test]
    fn texts_are_read() {
        check("", &[]);
        check("a=b,c!=d,e==f", &[("a", true, "b"), ("c", false, "d"), ("e", true, "f")]);
        check(",a=,", &[("a", true, "")]);
        check(r"a=b\,c\=d\\", &[("a", true, r"b,c=d\")]);
    }

    #[test]
    fn broken_texts_say_why() {
        let error = |text: &str| text.parse::<FieldSelector>().unwrap_err().to_string();
        assert_eq!(error("a=b,c"), "invalid selector: 'a=b,c'; can't understand 'c'");
        assert_eq!(error(r"a=\x"), r"invalid field selector: invalid escape sequence: \x");
        assert_eq!(error("a=b=c"), "invalid field selector: unescaped character in value: =");
    }

    #[test]
    fn absent_fields_are_empty() {
        let selector: FieldSelector = "spec.nodeName=,status.phase!=Running".parse().unwrap();
        assert!(selector.matches(|_| None));
        assert!(!selector.matches(|f| (f == "status.phase").then_some("Running")));
        assert!(!selector.matches(|f| (f == "spec.nodeName").then_some("n")));
    }
}
