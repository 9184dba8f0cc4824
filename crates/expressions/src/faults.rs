//! What is wrong with an expression, shown as the language's reference implementation shows it.

use std::fmt::Write;

/// What is wrong at a place of an expression.
#[derive(Debug)]
pub(crate) struct Fault {
    /// Where it is, in bytes.
    pub(crate) at: usize,
    pub(crate) message: String,
}

/// How many faults of an expression are shown.
const MOST: usize = 100;

/// All faults in the order of their places, each with its line of the source and a mark below it.
pub(crate) fn show(source: &str, faults: &mut [Fault]) -> String {
    faults.sort_by_key(|fault| fault.at);
    let shown: Vec<String> = faults.iter().take(MOST).map(|fault| show_one(source, fault)).collect();
    let more = faults.len() - shown.len();
    match more {
        0 => shown.join("\n"),
        _ => format!("{}\n{more} more errors were truncated", shown.join("\n")),
    }
}

fn show_one(source: &str, fault: &Fault) -> String {
    let mut at = fault.at.min(source.len());
    while !source.is_char_boundary(at) {
        at -= 1;
    }
    let before = &source[..at];
    let start = before.rfind('\n').map_or(0, |end| end + 1);
    let (line, column) = (before.matches('\n').count() + 1, before[start..].chars().count());
    let mut text = format!("ERROR: <input>:{line}:{}: {}", column + 1, fault.message);
    if let Some(snippet) = source.lines().nth(line - 1) {
        let marks: String = before[start..].chars().map(|c| if c.is_ascii() { '.' } else { '．' }).collect();
        let arrow = if snippet[before.len() - start..].chars().next().is_none_or(|c| c.is_ascii()) {
            '^'
        } else {
            '＾'
        };
        write!(text, "\n | {}\n | {marks}{arrow}", snippet.replace('\t', " ")).expect("text takes any text");
    }
    text
}
