//! The text form of label selectors.

use super::{LabelRequirement, Operator, SelectorError};

/// What stands between labels and values.
const SYMBOLS: [&str; 9] = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];

/// Reads all requirements.
pub(super) fn parse(text: &str) -> Result<Vec<LabelRequirement>, SelectorError> {
    let mut tokens = Tokens { rest: text };
    let mut requirements = Vec::new();
    loop {
        let next = tokens.peek();
        match next {
            "" => return Ok(requirements),
            next if next == "!" || is_word(next) => {
                let requirement = requirement(&mut tokens)
                    .map_err(|e| SelectorError::new(format!("unable to parse requirement: {e}")))?;
                requirements.push(requirement);
            }
            _ => return unexpected(next, "!, identifier, or 'end of string'"),
        }
        match tokens.take() {
            "" => return Ok(requirements),
            "," => {
                let next = tokens.peek();
                if next != "!" && !is_word(next) {
                    return unexpected(next, "identifier after ','");
                }
            }
            other => return unexpected(other, "',' or 'end of string'"),
        }
    }
}

fn unexpected<T>(found: &str, expected: &str) -> Result<T, SelectorError> {
    Err(SelectorError::new(format!("found '{found}', expected: {expected}")))
}

fn is_word(token: &str) -> bool {
    !token.is_empty() && !SYMBOLS.contains(&token)
}

fn requirement(tokens: &mut Tokens<'_>) -> Result<LabelRequirement, SelectorError> {
    let absent = tokens.peek() == "!";
    if absent {
        tokens.take();
    }
    let key = tokens.take();
    if !is_word(key) {
        return unexpected(key, "identifier");
    }
    if absent {
        return LabelRequirement::new(key, Operator::DoesNotExist, Vec::new());
    }
    if matches!(tokens.peek(), "" | ",") {
        return LabelRequirement::new(key, Operator::Exists, Vec::new());
    }
    let operator = operator(tokens.take())?;
    let values = match operator {
        Operator::In | Operator::NotIn => values(tokens)?,
        _ => vec![exact_value(tokens)?],
    };
    LabelRequirement::new(key, operator, values)
}

fn operator(token: &str) -> Result<Operator, SelectorError> {
    Ok(match token {
        "=" | "==" => Operator::Equals,
        "!=" => Operator::NotEquals,
        "in" => Operator::In,
        "notin" => Operator::NotIn,
        ">" => Operator::GreaterThan,
        "<" => Operator::LessThan,
        other => return unexpected(other, "in, notin, =, ==, !=, gt, lt"),
    })
}

/// The value after `=` and the like, which may be empty.
fn exact_value(tokens: &mut Tokens<'_>) -> Result<String, SelectorError> {
    match tokens.peek() {
        "" | "," => Ok(String::new()),
        next if is_word(next) => Ok(tokens.take().to_owned()),
        other => unexpected(other, "identifier"),
    }
}

/// `(x,y)`; values may be empty.
fn values(tokens: &mut Tokens<'_>) -> Result<Vec<String>, SelectorError> {
    let open = tokens.take();
    if open != "(" {
        return Err(SelectorError::new(format!("found '{open}' expected: '('")));
    }
    let mut values = Vec::new();
    loop {
        values.push(match tokens.peek() {
            "," | ")" => String::new(),
            next if is_word(next) => tokens.take().to_owned(),
            other => return unexpected(other, "',', ')' or identifier"),
        });
        match tokens.take() {
            "," => {}
            ")" => return Ok(values),
            other => return unexpected(other, "',' or ')'"),
        }
    }
}

/// Symbols and words; the empty text at the end.
struct Tokens<'a> {
    rest: &'a str,
}

impl<'a> Tokens<'a> {
    fn peek(&self) -> &'a str {
        let text = self.rest.trim_start_matches(is_space);
        if let Some(symbol) = SYMBOLS.iter().find(|s| text.starts_with(**s)) {
            return &text[..symbol.len()];
        }
        let end = text.find(|c: char| is_space(c) || "=!(),><".contains(c)).unwrap_or(text.len());
        &text[..end]
    }

    fn take(&mut self) -> &'a str {
        let token = self.peek();
        let start = self.rest.trim_start_matches(is_space);
        self.rest = &start[token.len()..];
        token
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\r' | '\n')
}
