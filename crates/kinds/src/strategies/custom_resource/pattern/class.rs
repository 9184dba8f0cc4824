//! Classes of characters, which stand in brackets.

use std::fmt::Write;

use super::parse::{Fault, Read};
use super::{escape, names};

/// What a class is to the engine: its text, and whether more than characters of ASCII are told apart by it.
pub(super) struct Class {
    pub(super) text: String,
    pub(super) is_wide: bool,
    /// Where it ends in the pattern.
    pub(super) end: usize,
}

/// A class of what `items` say; no items are no characters.
pub(super) fn of(items: &str, is_negated: bool) -> String {
    match (items.is_empty(), is_negated) {
        (true, false) => r"[^\x{0}-\x{10FFFF}]".to_owned(),
        (true, true) => r"[\x{0}-\x{10FFFF}]".to_owned(),
        (false, false) => format!("[{items}]"),
        (false, true) => format!("[^{items}]"),
    }
}

/// Reads the class of Unicode's that begins at `at`, where a backslash and a P stand. Tells its items, and where it ends.
pub(super) fn unicode(text: &str, at: usize) -> Read<(String, usize)> {
    let wrong = |end: usize| Fault::new("invalid character class range", &text[at..end]);
    let begin = at + 2;
    let (name, end) = match text[begin..].chars().next() {
        Some('{') => {
            let Some(length) = text[begin..].find('}') else { return Err(wrong(text.len())) };
            (&text[begin + 1..begin + length], begin + length + 1)
        }
        letter => {
            let end = begin + letter.map_or(0, char::len_utf8);
            (&text[begin..end], end)
        }
    };
    let plain = name.strip_prefix('^');
    let is_negated = text[at + 1..].starts_with('P') != plain.is_some();
    let items = names::unicode(plain.unwrap_or(name), is_negated).ok_or_else(|| wrong(end))?;
    Ok((items, end))
}

/// Reads classes.
#[derive(Default)]
pub(super) struct Classes {
    /// No name ends behind here, as was found out.
    has_no_names: bool,
}

impl Classes {
    /// Reads the class that begins at `at`, where a bracket is.
    pub(super) fn read(&mut self, text: &str, at: usize) -> Read<Class> {
        let mut end = at + 1;
        let is_negated = text[end..].starts_with('^');
        end += usize::from(is_negated);
        let (first, mut items, mut is_wide) = (end, String::new(), is_negated);
        while !text[end..].starts_with(']') || end == first {
            let begin = items.len();
            end = match self.group(text, end, &mut items)? {
                Some(end) => end,
                None => range(text, at, end, &mut items)?,
            };
            // characters of ASCII are written without braces
            is_wide |= items[begin..].contains(['{', '^']);
        }
        Ok(Class { text: of(&items, is_negated), is_wide, end: end + 1 })
    }

    /// Reads a class within a class, if there is one. Tells where it ends.
    fn group(&mut self, text: &str, at: usize, items: &mut String) -> Read<Option<usize>> {
        let rest = &text[at..];
        if rest.starts_with("[:") && !self.has_no_names {
            match rest[2..].find(":]") {
                Some(length) => return named(text, at, at + length + 4, items).map(Some),
                None => self.has_no_names = true,
            }
        }
        let mut marks = rest.chars();
        let (Some('\\'), Some(letter)) = (marks.next(), marks.next()) else { return Ok(None) };
        if matches!(letter, 'p' | 'P') {
            let (group, end) = unicode(text, at)?;
            items.push_str(&group);
            return Ok(Some(end));
        }
        let Some(group) = names::perl(letter) else { return Ok(None) };
        push_group(items, group, letter.is_ascii_uppercase());
        Ok(Some(at + 2))
    }
}

fn push_group(items: &mut String, group: &str, is_negated: bool) {
    if is_negated {
        items.push_str(&of(group, true));
    } else {
        items.push_str(group);
    }
}

fn named(text: &str, at: usize, end: usize, items: &mut String) -> Read<usize> {
    let name = &text[at + 2..end - 2];
    let plain = name.strip_prefix('^');
    let group = names::posix(plain.unwrap_or(name))
        .ok_or_else(|| Fault::new("invalid character class range", &text[at..end]))?;
    push_group(items, group, plain.is_some());
    Ok(end)
}

/// Reads one character, or a range of them, of the class that begins at `class`.
fn range(text: &str, class: usize, at: usize, items: &mut String) -> Read<usize> {
    let (low, mut end) = character(text, class, at)?;
    let mut high = low;
    let rest = &text[end..];
    if rest.len() >= 2 && rest.starts_with('-') && !rest.starts_with("-]") {
        (high, end) = character(text, class, end + 1)?;
        if high < low {
            return Err(Fault::new("invalid character class range", &text[at..end]));
        }
    }
    push_range(items, low, high);
    Ok(end)
}

fn character(text: &str, class: usize, at: usize) -> Read<(u32, usize)> {
    match text[at..].chars().next() {
        None => Err(Fault::new("missing closing ]", &text[class..])),
        Some('\\') => escape::read(text, at),
        Some(c) => Ok((u32::from(c), at + c.len_utf8())),
    }
}

/// Adds a range; halves of pairs are in no text.
fn push_range(items: &mut String, low: u32, high: u32) {
    let low = if (0xd800..0xe000).contains(&low) { 0xe000 } else { low };
    let high = if (0xd800..0xe000).contains(&high) { 0xd7ff } else { high };
    if low > high {
        return;
    }
    push(items, low);
    if low < high {
        items.push('-');
        push(items, high);
    }
}

/// Adds a character in a form that means nothing else.
pub(super) fn push(out: &mut String, c: u32) {
    match c {
        0..=0x7f => write!(out, r"\x{c:02X}"),
        _ => write!(out, r"\x{{{c:X}}}"),
    }
    .expect("a String takes all writes");
}
