//! Dates, times and lengths of time.

use jiff::civil::Date;

/// Units of time in words; a longer word may begin with the last of each.
const WORDS: [&[&str]; 8] = [
    &["ns", "nano"],
    &["us", "µs", "micro"],
    &["ms", "milli"],
    &["s", "sec"],
    &["m", "min"],
    &["h", "hr", "hour"],
    &["d", "day"],
    &["w", "wk", "week"],
];
const UNITS: [&str; 8] = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];

/// `2006-01-02`
pub(super) fn is_date(text: &str) -> bool {
    let number = |from: usize, to: usize| {
        let digits = text.get(from..to).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        digits.and_then(|digits| digits.parse::<i16>().ok())
    };
    let small = |from: usize, to: usize| number(from, to).and_then(|number| i8::try_from(number).ok());
    let has_marks = text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    let date = number(0, 4).zip(small(5, 7)).zip(small(8, 10));
    has_marks && date.is_some_and(|((year, month), day)| Date::new(year, month, day).is_ok())
}

/// A date and a time with its zone, e.g. `2006-01-02T15:04:05.999Z`; any mark may stand before the fraction.
pub(super) fn is_date_time(text: &str) -> bool {
    let text = text.to_lowercase();
    let mut parts = text.split('t');
    let (Some(date), Some(time)) = (parts.next(), parts.next()) else { return false };
    is_date(date) && is_time(time)
}

fn is_time(text: &str) -> bool {
    let is_pair = |text: &str, from: usize, most: &str| {
        text.get(from..from + 2).is_some_and(|pair| pair.bytes().all(|b| b.is_ascii_digit()) && pair <= most)
    };
    let Some((clock, zone)) = text.split_at_checked(8) else { return false };
    let is_clock = is_pair(clock, 0, "23") && is_pair(clock, 3, "59") && is_pair(clock, 6, "59");
    let has_marks = |text: &str, at: usize| text.as_bytes().get(at) == Some(&b':');
    let is_zone = |zone: &str| {
        let away = zone.strip_prefix(['+', '-']);
        let is_offset = |away: &str| {
            away.len() == 5 && is_pair(away, 0, "99") && has_marks(away, 2) && is_pair(away, 3, "99")
        };
        zone == "z" || away.is_some_and(is_offset)
    };
    let mut fraction = zone.chars();
    fraction.next();
    let digits = fraction.as_str().trim_start_matches(|c: char| c.is_ascii_digit());
    let has_fraction = digits.len() < fraction.as_str().len();
    is_clock
        && has_marks(clock, 2)
        && has_marks(clock, 5)
        && (is_zone(zone) || has_fraction && is_zone(digits))
}

/// A length of time as Go writes it, e.g. `1h30m`, or in words, e.g. `3 days`.
pub(super) fn is_duration(text: &str) -> bool {
    is_go_duration(text) || is_told(text)
}

fn is_go_duration(text: &str) -> bool {
    let mut rest = text.strip_prefix(['-', '+']).unwrap_or(text);
    if rest == "0" {
        return true;
    }
    let mut nanoseconds = 0.0;
    let any = !rest.is_empty();
    while !rest.is_empty() {
        let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number = &rest[..rest.len() - behind.len()];
        let unit = &behind[..behind.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(behind.len())];
        let has_digits = number.matches('.').count() <= 1 && number.contains(|c: char| c.is_ascii_digit());
        let Some(place) = UNITS.iter().position(|known| *known == unit).filter(|_| has_digits) else {
            return false;
        };
        let size = [1.0, 1e3, 1e3, 1e3, 1e6, 1e9, 60e9, 3600e9][place];
        nanoseconds += number.parse().unwrap_or(f64::INFINITY) * size;
        rest = &behind[unit.len()..];
    }
    // what Go can count
    any && nanoseconds <= i64::MAX as f64
}

/// Numbers, each with a word behind it, of which one at least is a unit.
fn is_told(text: &str) -> bool {
    let mut rest = text.trim_start();
    let mut any = false;
    while !rest.is_empty() {
        let number = rest.strip_prefix('-').map_or(rest, |rest| rest.strip_prefix(' ').unwrap_or(rest));
        let behind = number.trim_start_matches(|c: char| c.is_ascii_digit());
        let is_number = number[..number.len() - behind.len()].parse::<i64>().is_ok();
        let behind = behind.trim_start();
        let after = behind.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == 'µ');
        let word = behind[..behind.len() - after.len()].to_lowercase();
        if !is_number || word.is_empty() {
            return false;
        }
        any |= WORDS
            .iter()
            .any(|unit| unit.contains(&&*word) || unit.last().is_some_and(|last| word.starts_with(last)));
        rest = after.trim_start();
    }
    any
}
