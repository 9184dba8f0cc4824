//! Characters behind a backslash.

use super::parse::{Fault, Read};

/// Reads the character that begins at `at`, where a backslash is. Tells it, which may be half of a pair, and where it ends.
pub(super) fn read(text: &str, at: usize) -> Read<(u32, usize)> {
    let mut end = at + 1;
    let Some(first) = text[end..].chars().next() else {
        return Err(Fault::new("trailing backslash at end of expression", ""));
    };
    end += first.len_utf8();
    let value = match first {
        '0'..='7' => octal(text, &mut end),
        'x' => hexadecimal(text, &mut end),
        'a' => Some(7),
        'f' => Some(12),
        'n' => Some(10),
        'r' => Some(13),
        't' => Some(9),
        'v' => Some(11),
        mark if mark.is_ascii() && !mark.is_ascii_alphanumeric() => Some(u32::from(mark)),
        _ => None,
    };
    match value {
        Some(value) => Ok((value, end)),
        None => Err(Fault::new("invalid escape sequence", &text[at..end])),
    }
}

/// Up to three digits, of which the first was read; a single one but zero would refer to a group.
fn octal(text: &str, end: &mut usize) -> Option<u32> {
    let begin = *end - 1;
    let more = text[*end..].bytes().take(2).take_while(|b| (b'0'..=b'7').contains(b)).count();
    if more == 0 && !text[begin..].starts_with('0') {
        return None;
    }
    *end += more;
    u32::from_str_radix(&text[begin..*end], 8).ok()
}

/// Two digits, or any number of them in braces.
fn hexadecimal(text: &str, end: &mut usize) -> Option<u32> {
    let mut next = || {
        let c = text[*end..].chars().next()?;
        *end += c.len_utf8();
        Some(c)
    };
    let first = next()?;
    if first != '{' {
        let second = next()?;
        return Some(first.to_digit(16)? * 16 + second.to_digit(16)?);
    }
    let mut value = None;
    loop {
        match next()? {
            '}' => return value,
            c => {
                value = Some(value.unwrap_or(0) * 16 + c.to_digit(16)?).filter(|v| *v <= u32::from(char::MAX))
            }
        }
        value?;
    }
}
