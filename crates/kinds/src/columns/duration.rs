//! Durations as kubectl shows them.

use jiff::SignedDuration;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;
const YEAR: i64 = 365 * DAY;

/// A duration with two or three significant digits: `119s`, `3m5s`, `10m`, `3h5m`, `2d3h`, `10d`, `2y`.
///
/// Slightly negative durations (clock skew of a second) read as `0s`, others as `<invalid>`.
pub fn human_duration(elapsed: SignedDuration) -> String {
    let s = elapsed.as_secs();
    match s {
        ..=-2 => "<invalid>".to_owned(),
        -1..0 => "0s".to_owned(),
        _ if s < 2 * MINUTE => format!("{s}s"),
        _ if s < 10 * MINUTE => two(s, (MINUTE, "m"), (1, "s")),
        _ if s < 3 * HOUR => format!("{}m", s / MINUTE),
        _ if s < 8 * HOUR => two(s, (HOUR, "h"), (MINUTE, "m")),
        _ if s < 2 * DAY => format!("{}h", s / HOUR),
        _ if s < 8 * DAY => two(s, (DAY, "d"), (HOUR, "h")),
        _ if s < 2 * YEAR => format!("{}d", s / DAY),
        _ if s < 8 * YEAR => two(s, (YEAR, "y"), (DAY, "d")),
        _ => format!("{}y", s / YEAR),
    }
}

/// In two units, the smaller one left out where it is zero.
fn two(seconds: i64, (big, big_name): (i64, &str), (small, small_name): (i64, &str)) -> String {
    match seconds % big / small {
        0 => format!("{}{big_name}", seconds / big),
        rest => format!("{}{big_name}{rest}{small_name}", seconds / big),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_kubectl_shows_them() {
        let check = |seconds, expect| assert_eq!(human_duration(SignedDuration::from_secs(seconds)), expect);
        check(-5, "<invalid>");
        check(-1, "0s");
        check(0, "0s");
        check(119, "119s");
        check(120, "2m");
        check(185, "3m5s");
        check(599, "9m59s");
        check(600, "10m");
        check(179 * MINUTE + 59, "179m");
        check(3 * HOUR, "3h");
        check(3 * HOUR + 5 * MINUTE, "3h5m");
        check(8 * HOUR + 5 * MINUTE, "8h");
        check(47 * HOUR, "47h");
        check(2 * DAY + 3 * HOUR, "2d3h");
        check(8 * DAY + 3 * HOUR, "8d");
        check(10 * DAY, "10d");
        check(729 * DAY, "729d");
        check(2 * YEAR, "2y");
        check(2 * YEAR + 3 * DAY, "2y3d");
        check(9 * YEAR + 3 * DAY, "9y");
    }
}
