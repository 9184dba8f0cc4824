//! Literals that a function will refuse whenever it is called are refused at once.

use cel_core::{Expr, SpannedExpr};

/// How much a compiled pattern may take, in bytes.
const LARGEST_PATTERN: usize = 1 << 20;

/// Whether a function takes the literal that it is given; if not, what to say.
pub(crate) fn refused(function: &str, argument: &SpannedExpr) -> Option<String> {
    let Expr::String(text) = &argument.node else {
        return None;
    };
    let takes = match function {
        "matches" => regex::RegexBuilder::new(text).size_limit(LARGEST_PATTERN).build().is_ok(),
        "duration" => is_duration(text),
        "timestamp" => text.parse::<jiff::Timestamp>().is_ok(),
        _ => true,
    };
    (!takes).then(|| format!("invalid {function} argument"))
}

/// Whether a text is a length of time as Go writes it: numbers with units.
fn is_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    let mut parts = 0;
    while !rest.is_empty() {
        let number = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let digits = &rest[..rest.len() - number.len()];
        let unit =
            ["ns", "us", "µs", "μs", "ms", "s", "m", "h"].iter().find_map(|unit| number.strip_prefix(unit));
        match unit {
            Some(more) if digits.parse::<f64>().is_ok() => rest = more,
            _ => return false,
        }
        parts += 1;
    }
    parts > 0
}
