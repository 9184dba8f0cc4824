//! kubectl's dialect of JSONPath: templates of texts and expressions in braces.

use object::Value;

use crate::Error;

/// A template, read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct JsonPath(Vec<Part>);

#[derive(Clone, Debug, PartialEq)]
enum Part {
    Text(String),
    Path(Vec<Step>),
    Range(Vec<Step>, Vec<Part>),
}

#[derive(Clone, Debug, PartialEq)]
enum Step {
    Field(String),
    /// Anywhere below.
    Deep(String),
    All,
    /// Names and positions, each if it is there.
    Union(Vec<Pick>),
    Slice(Option<i64>, Option<i64>),
    Filter(Operand, Option<(Compare, Operand)>),
}

#[derive(Clone, Debug, PartialEq)]
enum Pick {
    Name(String),
    At(i64),
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Path(Vec<Step>),
    Value(Value),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Compare {
    Eq,
    Ne,
    Le,
    Ge,
    Lt,
    Gt,
}

const COMPARES: [(&str, Compare); 6] = [
    ("==", Compare::Eq),
    ("!=", Compare::Ne),
    ("<=", Compare::Le),
    (">=", Compare::Ge),
    ("<", Compare::Lt),
    (">", Compare::Gt),
];

impl JsonPath {
    /// Reads a template.
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let mut rest = text;
        let (parts, ended) = template(&mut rest)?;
        if ended { Err(bad(text, "end without range")) } else { Ok(Self(parts)) }
    }

    /// Reads one expression, with or without braces and leading dot.
    pub(crate) fn parse_expression(text: &str) -> Result<Self, Error> {
        let inner = text.trim().trim_start_matches('{').trim_end_matches('}');
        let dot = if inner.starts_with(['.', '[', '$', '@']) { "" } else { "." };
        Self::parse(&format!("{{{dot}{inner}}}"))
    }

    /// The template filled in.
    pub(crate) fn render(&self, root: &Value) -> String {
        let mut out = String::new();
        fill(&self.0, root, &mut out);
        out
    }

    /// The values of the template's expressions.
    pub(crate) fn values<'a>(&self, root: &'a Value) -> Vec<&'a Value> {
        let paths = self.0.iter().filter_map(|part| match part {
            Part::Path(steps) => Some(walk(steps, root)),
            _ => None,
        });
        paths.flatten().collect()
    }
}

fn fill(parts: &[Part], current: &Value, out: &mut String) {
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Path(steps) => {
                let texts: Vec<_> = walk(steps, current).into_iter().map(shown).collect();
                out.push_str(&texts.join(" "));
            }
            Part::Range(steps, body) => {
                walk(steps, current).into_iter().for_each(|item| fill(body, item, out));
            }
        }
    }
}

/// A value as a template shows it.
pub(crate) fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn walk<'a>(steps: &[Step], from: &'a Value) -> Vec<&'a Value> {
    steps
        .iter()
        .fold(vec![from], |values, step| values.into_iter().flat_map(|value| take(step, value)).collect())
}

fn take<'a>(step: &Step, value: &'a Value) -> Vec<&'a Value> {
    match step {
        Step::Field(name) => value.get(name).into_iter().collect(),
        Step::All => children(value),
        Step::Deep(name) => deep(name, value),
        Step::Union(picks) => picks.iter().filter_map(|pick| picked(pick, value)).collect(),
        Step::Slice(from, to) => {
            let list = value.as_array().map_or(&[][..], Vec::as_slice);
            let at = |index: Option<i64>, default| index.map_or(default, |i| position(i, list.len()));
            let (from, to) = (at(*from, 0), at(*to, list.len()));
            list.get(from..to.max(from)).unwrap_or_default().iter().collect()
        }
        Step::Filter(left, right) => {
            children(value).into_iter().filter(|item| holds(item, left, right.as_ref())).collect()
        }
    }
}

/// Where an index that may count from the end lies, at most the length.
fn position(index: i64, len: usize) -> usize {
    let from_start = if index < 0 { index.saturating_add(len as i64).max(0) } else { index };
    usize::try_from(from_start).unwrap_or(usize::MAX).min(len)
}

fn picked<'a>(pick: &Pick, value: &'a Value) -> Option<&'a Value> {
    match pick {
        Pick::Name(name) => value.get(name),
        Pick::At(index) => {
            let list = value.as_array()?;
            let too_low = index.checked_add(list.len() as i64).is_none_or(|at| at < 0);
            if too_low { None } else { list.get(position(*index, list.len())) }
        }
    }
}

fn children(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

fn deep<'a>(name: &str, value: &'a Value) -> Vec<&'a Value> {
    let mut found: Vec<_> = value.get(name).into_iter().collect();
    found.extend(children(value).into_iter().flat_map(|child| deep(name, child)));
    found
}

fn holds(item: &Value, left: &Operand, right: Option<&(Compare, Operand)>) -> bool {
    let value = |operand: &Operand| match operand {
        Operand::Value(value) => Some(value.clone()),
        Operand::Path(steps) => walk(steps, item).first().map(|value| (*value).clone()),
    };
    let Some(left) = value(left) else { return false };
    let Some((compare, right)) = right else { return true };
    let Some(right) = value(right) else { return false };
    let order = match (left.as_f64(), right.as_f64()) {
        (Some(left), Some(right)) => left.partial_cmp(&right),
        _ => shown(&left).partial_cmp(&shown(&right)),
    };
    let Some(order) = order else { return false };
    match compare {
        Compare::Eq => order.is_eq(),
        Compare::Ne => order.is_ne(),
        Compare::Le => order.is_le(),
        Compare::Ge => order.is_ge(),
        Compare::Lt => order.is_lt(),
        Compare::Gt => order.is_gt(),
    }
}

fn bad(text: &str, why: &str) -> Error {
    Error::msg(format!("error parsing jsonpath {text}, {why}"))
}

/// The parts up to the text's end or an `{end}`, and whether it was that.
fn template(rest: &mut &str) -> Result<(Vec<Part>, bool), Error> {
    let mut parts = Vec::new();
    while !rest.is_empty() {
        let Some((before, after)) = rest.split_once('{') else {
            parts.push(Part::Text(std::mem::take(rest).to_owned()));
            break;
        };
        if !before.is_empty() {
            parts.push(Part::Text(before.to_owned()));
        }
        let end = closing(after, '}').ok_or_else(|| bad(rest, "unclosed action"))?;
        let action = after[..end].trim();
        *rest = &after[end + 1..];
        if action == "end" {
            return Ok((parts, true));
        }
        if let Some(path) = action.strip_prefix("range ") {
            let (body, ended) = template(rest)?;
            if !ended {
                return Err(bad(action, "unclosed range"));
            }
            parts.push(Part::Range(steps(path.trim())?, body));
        } else if action.starts_with(['"', '\'']) {
            parts.push(Part::Text(quoted(action)?));
        } else {
            parts.push(Part::Path(steps(action)?));
        }
    }
    Ok((parts, false))
}

/// Where the first closing character lies that no quotes and no brackets enclose.
fn closing(text: &str, close: char) -> Option<usize> {
    let (mut quote, mut depth, mut escaped) = (None, 0_usize, false);
    for (i, c) in text.char_indices() {
        if escaped {
            escaped = false;
            continue;
        }
        match (quote, c) {
            (Some(_), '\\') => escaped = true,
            (Some(q), c) if c == q => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c == close && depth == 0 => return Some(i),
            (None, '[' | '(') => depth += 1,
            (None, ']' | ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    None
}

fn quoted(text: &str) -> Result<String, Error> {
    let mut chars = text.chars();
    let quote = chars.next();
    let inner = chars.as_str();
    let inner =
        quote.and_then(|quote| inner.strip_suffix(quote)).ok_or_else(|| bad(text, "unclosed text"))?;
    let mut out = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            other => out.extend(other),
        }
    }
    Ok(out)
}

fn steps(text: &str) -> Result<Vec<Step>, Error> {
    let mut steps = Vec::new();
    let mut rest = text.strip_prefix(['$', '@']).unwrap_or(text);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('[') {
            let end = closing(after, ']').ok_or_else(|| bad(text, "unterminated array"))?;
            steps.push(bracket(after[..end].trim())?);
            rest = &after[end + 1..];
            continue;
        }
        let Some(after) = rest.strip_prefix('.') else {
            return Err(bad(
                text,
                &format!("unrecognized character {:?}", rest.chars().next().unwrap_or(' ')),
            ));
        };
        let (after, deep) = after.strip_prefix('.').map_or((after, false), |after| (after, true));
        let (name, left) = field(after);
        rest = left;
        match name.as_str() {
            "" => {}
            "*" => steps.push(Step::All),
            _ if deep => steps.push(Step::Deep(name)),
            _ => steps.push(Step::Field(name)),
        }
    }
    Ok(steps)
}

/// A field's name, where a backslash takes the next character as it is, and what follows.
fn field(text: &str) -> (String, &str) {
    let mut name = String::new();
    let mut chars = text.char_indices();
    while let Some((i, c)) = chars.next() {
        match c {
            '.' | '[' => return (name, &text[i..]),
            '\\' => name.extend(chars.next().map(|(_, c)| c)),
            c => name.push(c),
        }
    }
    (name, "")
}

fn bracket(text: &str) -> Result<Step, Error> {
    if text == "*" {
        return Ok(Step::All);
    }
    if let Some(filter) = text.strip_prefix("?(").and_then(|rest| rest.strip_suffix(')')) {
        return condition(filter.trim());
    }
    let number = |text: &str| text.trim().parse::<i64>().map_err(|_| bad(text, "invalid array index"));
    if !text.starts_with(['"', '\''])
        && let Some((from, to)) = text.split_once(':')
    {
        let bound = |text: &str| if text.trim().is_empty() { Ok(None) } else { number(text).map(Some) };
        return Ok(Step::Slice(bound(from)?, bound(to)?));
    }
    let mut picks = Vec::new();
    let mut rest = text;
    loop {
        let end = closing(rest, ',').unwrap_or(rest.len());
        let item = rest[..end].trim();
        picks.push(match item.starts_with(['"', '\'']) {
            true => Pick::Name(quoted(item)?),
            false => Pick::At(number(item)?),
        });
        match rest.get(end + 1..) {
            Some(more) => rest = more,
            None => return Ok(Step::Union(picks)),
        }
    }
}

fn condition(text: &str) -> Result<Step, Error> {
    let found = COMPARES.iter().filter_map(|(sign, compare)| Some((text.find(sign)?, *sign, *compare)));
    let first = found.min_by_key(|(at, sign, _)| (*at, std::cmp::Reverse(sign.len())));
    match first {
        None => Ok(Step::Filter(operand(text)?, None)),
        Some((at, sign, compare)) => {
            let right = operand(&text[at + sign.len()..])?;
            Ok(Step::Filter(operand(&text[..at])?, Some((compare, right))))
        }
    }
}

fn operand(text: &str) -> Result<Operand, Error> {
    let text = text.trim();
    Ok(match text.chars().next() {
        Some('@' | '$' | '.') => Operand::Path(steps(text)?),
        Some('"' | '\'') => Operand::Value(quoted(text)?.into()),
        _ => Operand::Value(serde_json::from_str(text).map_err(|_| bad(text, "unrecognized identifier"))?),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn templates() {
        let object = json!({"items": [
            {"metadata": {"name": "a", "labels": {"x.y/z": "1"}}, "n": 1, "c": [{"type": "Ready", "status": "True"}]},
            {"metadata": {"name": "b"}, "n": 2, "c": [{"type": "Other", "status": "False"}]},
        ]});
        for (text, expect) in [
            ("{.items[*].metadata.name}", "a b"),
            ("{.items[0].metadata.name}", "a"),
            ("{$.items[-1].metadata.name}", "b"),
            ("{.items[-3].metadata.name}", ""),
            ("{.items[0:1].n}{.items[1:].n}", "12"),
            ("{.items[0,1].n}", "1 2"),
            ("{.items[*]['n']}", "1 2"),
            ("{.items[0].metadata.labels.x\\.y/z}", "1"),
            ("{.items[0].metadata.labels['x.y/z']}", "1"),
            ("{range .items[*]}{.metadata.name}{\"\\t\"}{.n}{'\\n'}{end}", "a\t1\nb\t2\n"),
            ("{.items[?(@.metadata.name==\"b\")].n}", "2"),
            ("{.items[?(@.n>=2)].n}", "2"),
            ("{.items[?(@.metadata.labels)].n}", "1"),
            ("{.items[*].c[?(@.type=='Ready')].status}", "True"),
            ("{..name}", "a b"),
            ("x={.items[0].metadata}!", "x={\"labels\":{\"x.y/z\":\"1\"},\"name\":\"a\"}!"),
            (".plain", ".plain"),
            ("{.missing}", ""),
        ] {
            assert_eq!(JsonPath::parse(text).unwrap().render(&object), expect, "{text}");
        }
    }

    #[test]
    fn expressions_need_no_braces() {
        let object = json!({"status": {"phase": "Running"}});
        for text in ["{.status.phase}", ".status.phase", "status.phase"] {
            assert_eq!(JsonPath::parse_expression(text).unwrap().values(&object), [&json!("Running")]);
        }
    }

    #[test]
    fn mistakes() {
        for text in ["{.a", "{range .a[*]}", "{.a[x]}", "{end}", "{.a[0}", "{a}", "{.a[?(@.x==)]}"] {
            assert!(JsonPath::parse(text).is_err(), "{text}");
        }
    }
}
