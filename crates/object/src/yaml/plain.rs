//! Which texts YAML 1.1 would read as something else when they stand unquoted.

/// Words with a meaning; their case does not matter here, as more quotes than needed do no harm.
const WORDS: [&str; 17] = [
    "", "~", "null", "y", "yes", "true", "on", "n", "no", "false", "off", ".nan", ".inf", "+.inf", "-.inf",
    "<<", "\u{feff}",
];

/// Whether an unquoted text stays a text.
pub(super) fn is_text(text: &str) -> bool {
    !(WORDS.iter().any(|word| word.eq_ignore_ascii_case(text))
        || is_number(text)
        || is_timestamp(text)
        || is_base_60(text))
}

/// Integers of base 2, 8, 10 and 16 and floats, with sign and underscores.
fn is_number(text: &str) -> bool {
    if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) {
        return false;
    }
    let text = text.replace('_', "");
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    is_prefixed(digits) || is_float(digits)
}

fn is_prefixed(text: &str) -> bool {
    let (Some(prefix), Some(digits)) = (text.get(..2), text.get(2..)) else { return false };
    let radix = match prefix {
        "0b" | "0B" => 2,
        "0o" | "0O" => 8,
        "0x" | "0X" => 16,
        _ => return false,
    };
    !digits.is_empty() && digits.chars().all(|c| c.is_digit(radix))
}

fn is_float(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.strip_prefix(['+', '-']).unwrap_or(exponent)),
        None => (text, "0"),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && !(whole.is_empty() && fraction.is_empty())
        && !exponent.is_empty()
        && digits(exponent)
}

/// `2001-1-2`, and with a time behind it.
fn is_timestamp(text: &str) -> bool {
    let (date, time) = match text.split_once(['T', 't', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    is_split(date, '-', &[4, 2, 2]) && time.is_none_or(is_time)
}

fn is_time(text: &str) -> bool {
    let end = text.find(['Z', '+', '-', '.']).unwrap_or(text.len());
    is_split(&text[..end], ':', &[2, 2, 2])
}

/// Runs of digits, each at most so long (the first, when four, exactly).
fn is_split(text: &str, by: char, longest: &[usize]) -> bool {
    let parts: Vec<&str> = text.split(by).collect();
    parts.len() == longest.len()
        && parts.iter().zip(longest).all(|(part, &longest)| {
            (1..=longest).contains(&part.len())
                && (longest < 4 || part.len() == longest)
                && part.bytes().all(|b| b.is_ascii_digit())
        })
}

/// `190:20:30`, which YAML 1.1 defined and other readers still read.
fn is_base_60(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text);
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let rest: Vec<&str> = parts.collect();
    let Some((last, middle)) = rest.split_last() else { return false };
    let last =
        last.split_once('.').map_or(*last, |(last, fraction)| if is_run(fraction, true) { last } else { "" });
    let sixtieth = |part: &str| match part.as_bytes() {
        [ones] => ones.is_ascii_digit(),
        [b'0'..=b'5', ones] => ones.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|c: char| c.is_ascii_digit())
        && is_run(first, false)
        && middle.iter().all(|part| sixtieth(part))
        && sixtieth(last)
}

fn is_run(text: &str, may_be_empty: bool) -> bool {
    (may_be_empty || !text.is_empty()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_and_others() {
        for text in [
            "a",
            "nginx:1.25",
            "1.2.3",
            "10.0.0.1",
            "v1",
            "-",
            "--",
            "1-2",
            "0x",
            "1e",
            "e1",
            ".",
            "..",
            "+",
            "2001-01",
            "2001-01-01-01",
            "1:2:3:x",
            "1:60",
            "5m",
            "100Mi",
            "_1",
            "nope",
            "a b",
            "/80",
            "80/tcp",
            "0b12",
            "1:",
            ":1",
        ] {
            assert!(is_text(text), "{text:?}");
        }
        for text in [
            "",
            "~",
            "null",
            "Null",
            "yes",
            "No",
            "y",
            "N",
            "on",
            "OFF",
            "true",
            "False",
            "1",
            "-1",
            "+1",
            "0644",
            "08",
            "0x1f",
            "-0b1",
            "0o7",
            "1_000",
            "1.5",
            ".5",
            "5.",
            "1e3",
            "1E-3",
            "-1.e+3",
            ".inf",
            "-.Inf",
            ".NaN",
            "<<",
            "2001-01-01",
            "2001-1-2",
            "2001-01-01T00:00:00Z",
            "2001-01-01 10:00:00",
            "2001-01-01T1:2:3.5+01:00",
            "1:30",
            "190:20:30",
            "1:30.5",
            "12345678901234567890123",
        ] {
            assert!(!is_text(text), "{text:?}");
        }
    }
}
