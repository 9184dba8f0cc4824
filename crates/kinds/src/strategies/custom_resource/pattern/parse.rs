//! Reads a pattern and writes it down again for the engine here.

use std::fmt;

use super::class::{self, Classes};
use super::{escape, names};

/// How often something may be repeated, all repetitions around it included.
const MOST_REPEATS: u64 = 1000;
/// How deep a pattern may be nested.
const DEEPEST: usize = 1000;
/// How many instructions a pattern may have in Go.
const LARGEST: u64 = 3_355_443;
/// About how many states the engine has for characters of all kinds, and for those that Unicode has a name for.
const STATES_OF_MANY: u64 = 10;
const STATES_OF_NAMED: u64 = 250;

pub(super) type Read<T> = Result<T, Fault>;

/// What is wrong with a pattern, and the part of it that is.
#[derive(Debug)]
pub(super) struct Fault {
    what: &'static str,
    part: String,
}

impl Fault {
    pub(super) fn new(what: &'static str, part: &str) -> Self {
        Self { what, part: part.to_owned() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error parsing regexp: {}: `{}`", self.what, self.part)
    }
}

/// A pattern as the engine reads it, and about how many states that has.
pub(super) fn rewrite(text: &str) -> Read<(String, usize)> {
    let mut parser = Parser {
        text,
        at: 0,
        out: String::with_capacity(text.len() * 2),
        flags: Flags::default(),
        written: Flags::default(),
        outer: Vec::new(),
        level: Level::default(),
        repeat: None,
        classes: Classes::default(),
    };
    parser.read()?;
    let states = parser.level.measure().states;
    Ok((parser.out, usize::try_from(states).unwrap_or(usize::MAX)))
}

/// What flags of a pattern change: case, lines, dots. Which of several matches is taken is no matter here.
#[derive(Clone, Copy, Default, PartialEq)]
struct Flags {
    ignores_case: bool,
    by_line: bool,
    dot_is_all: bool,
}

/// What is known of a piece of a pattern.
#[derive(Clone, Copy, Default)]
struct Measure {
    /// Go's instructions.
    size: u64,
    states: u64,
    /// The largest product of nested repetitions.
    repeats: u64,
    height: usize,
}

impl Measure {
    fn beside(self, other: Self) -> Self {
        Self {
            size: self.size.saturating_add(other.size),
            states: self.states.saturating_add(other.states),
            repeats: self.repeats.max(other.repeats),
            height: self.height.max(other.height),
        }
    }

    fn above(self) -> Self {
        Self { size: self.size.saturating_add(2), height: self.height + 1, ..self }
    }

    /// Repeated at least so often, and at most: without `max`, without end.
    fn repeated(self, min: u64, max: Option<u64>) -> Self {
        let times = max.unwrap_or(min);
        // what is repeated not at all may be repeated however often inside
        let repeats = if max == Some(0) { 0 } else { self.repeats.saturating_mul(times.max(1)) };
        let (size, states) =
            (self.size.saturating_mul(times.max(1)), self.states.saturating_mul(times.max(1)));
        Self { size, states: states.saturating_add(1), repeats, ..self }.above()
    }
}

/// A group that is being read.
#[derive(Default)]
struct Level {
    /// The alternatives that are complete.
    alternatives: Measure,
    others: usize,
    /// The parts of the last alternative, but for what a repetition would be about.
    parts: Measure,
    count: usize,
    last: Option<Measure>,
    /// What is to be again behind the group.
    flags: Flags,
    written: Flags,
    is_captured: bool,
}

impl Level {
    fn push(&mut self, part: Measure) {
        if let Some(last) = self.last.replace(part) {
            self.parts = self.parts.beside(last);
        }
        self.count += 1;
    }

    fn alternative(&self) -> Measure {
        let all = self.parts.beside(self.last.unwrap_or_default());
        Measure { height: all.height.max(1) + usize::from(self.count > 1), ..all }
    }

    fn end_alternative(&mut self) {
        self.alternatives = self.alternatives.beside(self.alternative());
        (self.parts, self.count, self.last) = (Measure::default(), 0, None);
        self.others += 1;
    }

    fn measure(&self) -> Measure {
        let all = self.alternatives.beside(self.alternative());
        if self.others > 0 { all.above() } else { all }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    out: String,
    flags: Flags,
    /// The flags as they are at the end of what was written.
    written: Flags,
    outer: Vec<Level>,
    level: Level,
    /// Where the repetition begins that was read last, if nothing stands behind it.
    repeat: Option<usize>,
    classes: Classes,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn read(&mut self) -> Read<()> {
        while let Some(c) = self.rest().chars().next() {
            let repeat = self.repeat.take();
            match c {
                '(' if self.rest().starts_with("(?") => self.extended()?,
                '(' => {
                    self.at += 1;
                    self.open(true);
                }
                '|' => {
                    self.level.end_alternative();
                    self.out.push('|');
                    self.at += 1;
                }
                ')' => self.close()?,
                '^' | '$' | '.' => {
                    self.at += 1;
                    self.piece(&c.to_string(), if c == '.' { STATES_OF_MANY } else { 1 });
                }
                '[' => {
                    let class = self.classes.read(self.text, self.at)?;
                    self.at = class.end;
                    self.piece(&class.text, if class.is_wide { STATES_OF_NAMED } else { 1 });
                }
                '*' => self.repeat(repeat, 1, "*", 0, None)?,
                '+' => self.repeat(repeat, 1, "+", 1, None)?,
                '?' => self.repeat(repeat, 1, "?", 0, Some(1))?,
                '{' => self.counted(repeat)?,
                '\\' => self.escaped()?,
                c => {
                    self.at += c.len_utf8();
                    self.literal(u32::from(c));
                }
            }
        }
        if self.outer.is_empty() {
            self.check(self.level.measure())
        } else {
            Err(self.wrong("missing closing )"))
        }
    }

    /// An error about the pattern as a whole.
    fn wrong(&self, what: &'static str) -> Fault {
        Fault::new(what, self.text)
    }

    fn check(&self, piece: Measure) -> Read<()> {
        match piece {
            Measure { height, .. } if height > DEEPEST => Err(self.wrong("expression nests too deeply")),
            Measure { size, .. } if size > LARGEST => Err(self.wrong("expression too large")),
            _ => Ok(()),
        }
    }

    /// Writes a piece, under the flags that hold here.
    fn piece(&mut self, text: &str, states: u64) {
        if self.flags != self.written {
            self.write_flags();
        }
        self.out.push_str(text);
        self.level.push(Measure { size: 1, states, repeats: 1, height: 1 });
    }

    fn write_flags(&mut self) {
        let Flags { ignores_case, by_line, dot_is_all } = self.flags;
        let flags = [('i', ignores_case), ('m', by_line), ('s', dot_is_all)];
        self.out.push_str("(?");
        self.out.extend(flags.iter().filter(|(_, on)| *on).map(|(letter, _)| letter));
        if flags.iter().any(|(_, on)| !on) {
            self.out.push('-');
            self.out.extend(flags.iter().filter(|(_, on)| !on).map(|(letter, _)| letter));
        }
        self.out.push(')');
        self.written = self.flags;
    }

    fn literal(&mut self, c: u32) {
        match char::from_u32(c) {
            Some(plain) if plain.is_ascii_alphanumeric() => self.piece(plain.encode_utf8(&mut [0; 4]), 1),
            Some(_) => {
                let mut text = String::new();
                class::push(&mut text, c);
                self.piece(&text, 4);
            }
            None => self.piece(&class::of("", false), 1),
        }
    }

    fn open(&mut self, is_captured: bool) {
        let level = Level { flags: self.flags, written: self.written, is_captured, ..Level::default() };
        self.outer.push(std::mem::replace(&mut self.level, level));
        self.out.push_str("(?:");
    }

    fn close(&mut self) -> Read<()> {
        let Some(outer) = self.outer.pop() else { return Err(self.wrong("unexpected )")) };
        let level = std::mem::replace(&mut self.level, outer);
        let mut group = level.measure();
        if level.is_captured {
            group = group.above();
        }
        self.check(group)?;
        self.level.push(group);
        (self.flags, self.written) = (level.flags, level.written);
        self.out.push(')');
        self.at += 1;
        Ok(())
    }

    /// Reads what begins with a parenthesis and a question mark: flags, or a group that has some, or a name.
    fn extended(&mut self) -> Read<()> {
        let begin = self.at;
        let name = ["(?P<", "(?<"].into_iter().find(|mark| self.rest().starts_with(mark));
        if let Some(mark) = name.filter(|mark| self.rest().len() > mark.len()) {
            let Some(length) = self.rest().find('>') else {
                return Err(Fault::new("invalid named capture", self.rest()));
            };
            let is_right =
                |name: &str| !name.is_empty() && name.bytes().all(|b| b == b'_' || b.is_ascii_alphanumeric());
            if !is_right(&self.rest()[mark.len()..length]) {
                return Err(Fault::new("invalid named capture", &self.rest()[..=length]));
            }
            self.at += length + 1;
            self.open(true);
            return Ok(());
        }
        let (mut flags, mut on, mut any) = (self.flags, true, false);
        self.at += 2;
        while let Some(c) = self.rest().chars().next() {
            self.at += c.len_utf8();
            match c {
                'i' => flags.ignores_case = on,
                'm' => flags.by_line = on,
                's' => flags.dot_is_all = on,
                'U' => {}
                '-' if on => {
                    (on, any) = (false, false);
                    continue;
                }
                ':' | ')' if on || any => {
                    if c == ':' {
                        self.open(false);
                    }
                    self.flags = flags;
                    return Ok(());
                }
                _ => break,
            }
            any = true;
        }
        Err(Fault::new("invalid or unsupported Perl syntax", &self.text[begin..self.at]))
    }

    /// Reads a repetition of so many bytes, `before` being the one right before it.
    fn repeat(
        &mut self,
        before: Option<usize>,
        length: usize,
        written: &str,
        min: u64,
        max: Option<u64>,
    ) -> Read<()> {
        let begin = self.at;
        self.at += length;
        self.at += usize::from(self.rest().starts_with('?'));
        if let Some(before) = before {
            return Err(Fault::new("invalid nested repetition operator", &self.text[before..self.at]));
        }
        let Some(piece) = self.level.last else {
            return Err(Fault::new("missing argument to repetition operator", &self.text[begin..self.at]));
        };
        let piece = piece.repeated(min, max);
        if piece.repeats > MOST_REPEATS {
            return Err(Fault::new("invalid repeat count", &self.text[begin..self.at]));
        }
        self.check(piece)?;
        self.level.last = Some(piece);
        self.out.push_str(written);
        self.repeat = Some(begin);
        Ok(())
    }

    /// Reads a repetition in braces; anything else in braces is itself.
    fn counted(&mut self, before: Option<usize>) -> Read<()> {
        let Some((min, max, length)) = counts(self.rest()) else {
            self.at += 1;
            self.literal(u32::from('{'));
            return Ok(());
        };
        let written = &self.text[self.at..self.at + length];
        let is_right = |n: u64| n <= MOST_REPEATS;
        if !is_right(min) || !max.is_none_or(|max| is_right(max) && min <= max) {
            return Err(Fault::new("invalid repeat count", written));
        }
        self.repeat(before, length, written, min, max)
    }

    fn escaped(&mut self) -> Read<()> {
        let letter = self.rest()[1..].chars().next();
        match letter {
            Some('A' | 'z') => {
                let written = &self.rest()[..2];
                self.at += 2;
                self.piece(written, 1);
            }
            Some('b' | 'B') => {
                let written = format!("(?-u:{})", &self.rest()[..2]);
                self.at += 2;
                self.piece(&written, 1);
            }
            Some('C') => return Err(Fault::new("invalid escape sequence", &self.rest()[..2])),
            Some('Q') => {
                let (literal, _) = self.rest()[2..].split_once(r"\E").unwrap_or((&self.rest()[2..], ""));
                self.at = (self.at + literal.len() + 4).min(self.text.len());
                literal.chars().for_each(|c| self.literal(u32::from(c)));
            }
            Some('p' | 'P') => {
                let (items, end) = class::unicode(self.text, self.at)?;
                self.at = end;
                self.piece(&class::of(&items, false), STATES_OF_NAMED);
            }
            Some(letter) if names::perl(letter).is_some() => {
                let is_negated = letter.is_ascii_uppercase();
                self.at += 2;
                let text = class::of(names::perl(letter).unwrap_or_default(), is_negated);
                self.piece(&text, if is_negated { STATES_OF_MANY } else { 1 });
            }
            _ => {
                let (c, end) = escape::read(self.text, self.at)?;
                self.at = end;
                self.literal(c);
            }
        }
        Ok(())
    }
}

/// Reads `{2}`, `{2,}` or `{2,3}`: the least, the most, and how many bytes that are.
fn counts(text: &str) -> Option<(u64, Option<u64>, usize)> {
    let (min, rest) = count(text.strip_prefix('{')?)?;
    let (max, rest) = match rest.strip_prefix(',') {
        None => (Some(min), rest),
        Some(rest) if rest.starts_with('}') => (None, rest),
        Some(rest) => count(rest).map(|(max, rest)| (Some(max), rest))?,
    };
    Some((min, max, text.len() - rest.strip_prefix('}')?.len()))
}

/// A number without leading zeros; one that is too large for anything is only known to be so.
fn count(text: &str) -> Option<(u64, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, rest) = text.split_at(length);
    let is_number = length == 1 || length > 1 && !digits.starts_with('0');
    is_number.then(|| (digits.parse().unwrap_or(u64::MAX), rest))
}
