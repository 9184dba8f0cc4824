//! RFC 3339 as Go's `time.Parse` reads it, for the sake of its messages.

const SECONDS: &str = "2006-01-02T15:04:05Z07:00";
const MICROS: &str = "2006-01-02T15:04:05.000000Z07:00";

/// The parts of the layout in order: Go's example text, how many digits (none: a literal), the values they may
/// have and what Go calls them.
const PARTS: [(&str, usize, std::ops::RangeInclusive<u32>, &str); 11] = [
    ("2006", 4, 0..=9999, "year"),
    ("-", 0, 0..=0, ""),
    ("01", 2, 1..=12, "month"),
    ("-", 0, 0..=0, ""),
    ("02", 2, 1..=31, "day"),
    ("T", 0, 0..=0, ""),
    ("15", 2, 0..=23, "hour"),
    (":", 0, 0..=0, ""),
    ("04", 2, 0..=59, "minute"),
    (":", 0, 0..=0, ""),
    ("05", 2, 0..=59, "second"),
];

/// Checks a time; fractions of seconds may have any length or be absent, `micro` only chooses the layout that the
/// message shows.
///
/// # Errors
/// Go's message, e.g. `parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"`.
pub(super) fn check(text: &str, micro: bool) -> Result<(), String> {
    let layout = if micro { MICROS } else { SECONDS };
    let cannot = |rest: &str, part: &str| {
        format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {part:?}")
    };
    let mut rest = text;
    for (part, digits, range, name) in &PARTS {
        let after = match digits {
            0 => rest.strip_prefix(part),
            &digits => split_number(rest, digits).map(|(_, after)| after),
        };
        let after = after.ok_or_else(|| cannot(rest, part))?;
        if let Some((number, _)) = split_number(rest, *digits)
            && *digits > 0
            && !range.contains(&number)
        {
            return Err(format!("parsing time {text:?}: {name} out of range"));
        }
        rest = after;
    }
    let rest = skip_fraction(rest);
    match skip_zone(rest) {
        None => Err(cannot(rest, "Z07:00")),
        Some("") => Ok(()),
        Some(extra) => Err(format!("parsing time {text:?}: extra text: {extra:?}")),
    }
}

fn split_number(text: &str, digits: usize) -> Option<(u32, &str)> {
    let (number, rest) = (text.get(..digits)?, text.get(digits..)?);
    let number = if number.bytes().all(|b| b.is_ascii_digit()) { number.parse().ok() } else { None };
    number.map(|number| (number, rest))
}

fn skip_fraction(text: &str) -> &str {
    match text.strip_prefix(['.', ',']) {
        Some(fraction) if fraction.starts_with(|c: char| c.is_ascii_digit()) => {
            fraction.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        _ => text,
    }
}

fn skip_zone(text: &str) -> Option<&str> {
    if let Some(rest) = text.strip_prefix('Z') {
        return Some(rest);
    }
    let (hours, rest) = split_number(text.strip_prefix(['+', '-'])?, 2)?;
    let (minutes, rest) = split_number(rest.strip_prefix(':')?, 2)?;
    (hours <= 24 && minutes < 60).then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::check as parse;

    #[test]
    fn times() {
        for text in ["2024-01-02T03:04:05Z", "2024-12-31T23:59:59.123456789Z", "2024-01-02T03:04:05-07:00"] {
            assert_eq!(parse(text, false), Ok(()), "{text}");
        }
    }

    #[test]
    fn messages() {
        let check = |text: &str, rest: &str| {
            assert_eq!(parse(text, false).unwrap_err(), format!("parsing time {text:?}{rest}"));
        };
        let layout = r#" as "2006-01-02T15:04:05Z07:00": cannot parse "#;
        check("", &format!(r#"{layout}"" as "2006""#));
        check("2024/01/02", &format!(r#"{layout}"/01/02" as "-""#));
        check("2024-01-02", &format!(r#"{layout}"" as "T""#));
        check("2024-01-02T03:04:05", &format!(r#"{layout}"" as "Z07:00""#));
        check("2024-1-02T03:04:05Z", &format!(r#"{layout}"1-02T03:04:05Z" as "01""#));
        check("2024-13-02T03:04:05Z", ": month out of range");
        check("2024-01-02T24:04:05Z", ": hour out of range");
        check("2024-01-02T03:04:05Zx", r#": extra text: "x""#);
        assert!(parse("x", true).unwrap_err().contains("05.000000Z07:00"));
    }
}
