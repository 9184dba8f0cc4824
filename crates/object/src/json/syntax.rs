//! Errors in JSON's syntax, told as Go's decoder tells them.

/// What the reader stumbles over, and what Go says of the character there.
const TOLD: [(&str, &str); 6] = [
    ("expected value", "looking for beginning of value"),
    ("key must be a string", "looking for beginning of object key string"),
    ("expected `:`", "after object key"),
    ("expected `,` or `}`", "after object key:value pair"),
    ("expected `,` or `]`", "after array element"),
    ("control character", "in string literal"),
];

/// Why `text` is no JSON; where Go has no words for it, or would have read it, in the reader's own.
pub(super) fn told(error: &serde_json::Error, text: &[u8]) -> String {
    if error.is_eof() {
        return "unexpected end of JSON input".to_owned();
    }
    let own = error.to_string();
    let place = if error.is_syntax() { place(error, text) } else { None };
    let found = place.and_then(|at| found(&own, text, at));
    found.map_or(own, |(at, what)| format!("invalid character {} {what}", quoted(text[at])))
}

/// The index of the byte at which the reader stopped.
fn place(error: &serde_json::Error, text: &[u8]) -> Option<usize> {
    let lines = text.split_inclusive(|byte| *byte == b'\n');
    let before: usize = lines.take(error.line().checked_sub(1)?).map(<[u8]>::len).sum();
    (before + error.column()).checked_sub(1).filter(|at| *at < text.len())
}

/// Where the character is that Go complains of, and how. `at` is where the reader stopped.
fn found(own: &str, text: &[u8], at: usize) -> Option<(usize, String)> {
    let told = TOLD.iter().find(|(start, _)| own.starts_with(start)).map(|(_, what)| *what);
    let what = match told {
        Some(what) => what.to_owned(),
        None if own.starts_with("trailing characters") => "after top-level value".to_owned(),
        None if own.starts_with("trailing comma") && text[at] == b'}' => TOLD[1].1.to_owned(),
        None if own.starts_with("trailing comma") => TOLD[0].1.to_owned(),
        None if own.starts_with("expected ident") => in_literal(&text[..at])?,
        None if own.starts_with("invalid escape") => return in_escape(text, at),
        None if own.starts_with("invalid number") => in_number(*text[..at].last()?)?.to_owned(),
        None => return None,
    };
    Some((at, what))
}

/// Behind the beginning of `true`, `false` or `null`.
fn in_literal(before: &[u8]) -> Option<String> {
    let literals = ["true", "false", "null"];
    let begun = literals.iter().flat_map(|literal| (1..literal.len()).map(move |end| literal.split_at(end)));
    let (begun, rest) =
        begun.filter(|(begun, _)| before.ends_with(begun.as_bytes())).max_by_key(|(b, _)| b.len())?;
    Some(format!("in literal {begun}{rest} (expecting '{}')", rest.chars().next()?))
}

/// Behind a backslash. The reader takes the digits of a number all at once.
fn in_escape(text: &[u8], at: usize) -> Option<(usize, String)> {
    let slash = text[..=at].iter().rposition(|byte| *byte == b'\\')?;
    match text.get(slash + 1)? {
        b'u' => {
            let digits = text[slash + 2..].iter().position(|byte| !byte.is_ascii_hexdigit())?;
            Some((slash + 2 + digits, "in \\u hexadecimal character escape".to_owned()))
        }
        _ => Some((slash + 1, "in string escape code".to_owned())),
    }
}

/// Behind this character of a number.
fn in_number(last: u8) -> Option<&'static str> {
    match last {
        b'-' => Some("in numeric literal"),
        b'.' => Some("after decimal point in numeric literal"),
        b'e' | b'E' | b'+' => Some("in exponent of numeric literal"),
        _ => None,
    }
}

/// A character as Go quotes it; a byte is one, whatever it is part of.
fn quoted(byte: u8) -> String {
    match byte {
        b'\'' => r"'\''".to_owned(),
        b'"' => "'\"'".to_owned(),
        b'\\' => r"'\\'".to_owned(),
        0x07 => r"'\a'".to_owned(),
        0x08 => r"'\b'".to_owned(),
        0x0c => r"'\f'".to_owned(),
        b'\n' => r"'\n'".to_owned(),
        b'\r' => r"'\r'".to_owned(),
        b'\t' => r"'\t'".to_owned(),
        0x0b => r"'\v'".to_owned(),
        0x00..=0x1f | 0x7f => format!(r"'\x{byte:02x}'"),
        0x80..=0xa0 | 0xad => format!(r"'\u{byte:04x}'"),
        _ => format!("'{}'", char::from(byte)),
    }
}
