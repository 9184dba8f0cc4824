//! Schedules in the notation of cron, with the messages of the parser that users know (`robfig/cron`).

/// A field of a schedule: the least and the greatest number, and names for the numbers from the least on.
type Bounds = (u64, u64, &'static [&'static str]);

/// Minutes, hours, days of a month, months, days of a week.
const FIELDS: [Bounds; 5] = [
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &[]),
    (1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    (0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

const NAMED: [&str; 7] = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// Units of durations.
const UNITS: [&str; 8] = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];

/// Checks a schedule; says what is wrong with it.
pub(super) fn check(text: &str) -> Result<(), String> {
    let text = without_zone(text);
    if let Some(duration) = text.strip_prefix("@every ") {
        return check_duration(duration).map_err(|why| format!("failed to parse duration {text}: {why}"));
    }
    if text.starts_with('@') {
        let known = NAMED.contains(&text);
        return if known { Ok(()) } else { Err(format!("unrecognized descriptor: {text}")) };
    }
    let fields: Vec<&str> = text.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        let (expected, found) = (FIELDS.len(), fields.len());
        return Err(format!("expected exactly {expected} fields, found {found}: [{}]", fields.join(" ")));
    }
    fields.iter().zip(&FIELDS).try_for_each(|(field, bounds)| check_field(field, bounds))
}

/// The schedule behind a time zone.
fn without_zone(text: &str) -> &str {
    let zoned = text.starts_with("TZ=") || text.starts_with("CRON_TZ=");
    if zoned { text.split_once(' ').map_or("", |(_, rest)| rest.trim()) } else { text }
}

fn check_field(field: &str, bounds: &Bounds) -> Result<(), String> {
    let mut ranges = field.split(',').filter(|range| !range.is_empty());
    ranges.try_for_each(|range| check_range(range, bounds))
}

/// `N`, `N-M` or `*`, each with or without `/STEP`.
fn check_range(text: &str, bounds: &Bounds) -> Result<(), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let limits: Vec<&str> = parts[0].split('-').collect();
    let (start, mut end) = check_limits(text, &limits, bounds)?;
    let step = match parts[..] {
        [_] => 1,
        [_, step] => number(step)?,
        _ => return Err(format!("too many slashes: {text}")),
    };
    let (least, most, _) = *bounds;
    if parts.len() == 2 && limits.len() == 1 {
        end = most;
    }
    let wrong = [
        (start < least, format!("beginning of range ({start}) below minimum ({least}): {text}")),
        (end > most, format!("end of range ({end}) above maximum ({most}): {text}")),
        (start > end, format!("beginning of range ({start}) beyond end of range ({end}): {text}")),
        (step == 0, format!("step of range should be a positive number: {text}")),
    ];
    wrong.into_iter().find(|(is, _)| *is).map_or(Ok(()), |(_, why)| Err(why))
}

fn check_limits(text: &str, limits: &[&str], bounds: &Bounds) -> Result<(u64, u64), String> {
    let (least, most, names) = *bounds;
    let value = |text: &str| {
        let name = text.to_lowercase();
        match names.iter().position(|known| *known == name) {
            Some(index) => Ok(least + index as u64),
            None => number(text),
        }
    };
    match *limits {
        ["*" | "?", ..] => Ok((least, most)),
        [one] => value(one).map(|one| (one, one)),
        [start, end] => Ok((value(start)?, value(end)?)),
        _ => Err(format!("too many hyphens: {text}")),
    }
}

fn number(text: &str) -> Result<u64, String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(format!(
            "failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax"
        ));
    }
    match text.parse::<i64>() {
        Err(_) => Err(format!(
            "failed to parse int from {text}: strconv.Atoi: parsing {text:?}: value out of range"
        )),
        Ok(number) => {
            u64::try_from(number).map_err(|_| format!("negative number ({number}) not allowed: {text}"))
        }
    }
}

/// Numbers with units, such as `1h30m`, or `0`.
fn check_duration(text: &str) -> Result<(), String> {
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Ok(());
    }
    let invalid = || Err(format!("time: invalid duration {text:?}"));
    if rest.is_empty() {
        return invalid();
    }
    while !rest.is_empty() {
        let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number = &rest[..rest.len() - behind.len()];
        if number.matches('.').count() > 1 || !number.contains(|c: char| c.is_ascii_digit()) {
            return invalid();
        }
        rest = behind.trim_start_matches(|c: char| !c.is_ascii_digit() && c != '.');
        match &behind[..behind.len() - rest.len()] {
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            unit if !UNITS.contains(&unit) => {
                return Err(format!("time: unknown unit {unit:?} in duration {text:?}"));
            }
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn schedules_are_read() {
        for fine in [
            "* * * * *",
            "*/5 0-6,22 ? JAN-mar mon,5",
            "10/15 * * * *",
            "@hourly",
            "@midnight",
            "@every 1h30m",
            "@every 1.5s",
            "TZ=UTC 0 0 * * *",
        ] {
            assert_eq!(check(fine), Ok(()), "{fine}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_schedule_is_told() {
        let wrong = |text, expect: &str| assert_eq!(check(text), Err(expect.to_owned()));
        wrong("* * * *", "expected exactly 5 fields, found 4: [* * * *]");
        wrong("@reboot", "unrecognized descriptor: @reboot");
        wrong("61 * * * *", "end of range (61) above maximum (59): 61");
        wrong("* * 0 * *", "beginning of range (0) below minimum (1): 0");
        wrong("* 5-2 * * *", "beginning of range (5) beyond end of range (2): 5-2");
        wrong("*/0 * * * *", "step of range should be a positive number: */0");
        wrong("1-2-3 * * * *", "too many hyphens: 1-2-3");
        wrong("1/2/3 * * * *", "too many slashes: 1/2/3");
        wrong("* * * * 7", "end of range (7) above maximum (6): 7");
        wrong("*/-1 * * * *", "negative number (-1) not allowed: -1");
        wrong("j * * * *", "failed to parse int from j: strconv.Atoi: parsing \"j\": invalid syntax");
        wrong(
            "99999999999999999999 * * * *",
            "failed to parse int from 99999999999999999999: strconv.Atoi: parsing \"99999999999999999999\": value out of range",
        );
        wrong("@every x", "failed to parse duration @every x: time: invalid duration \"x\"");
        wrong("@every 5", "failed to parse duration @every 5: time: missing unit in duration \"5\"");
        wrong("@every 5d", "failed to parse duration @every 5d: time: unknown unit \"d\" in duration \"5d\"");
    }
}
