//! Lists of indexes of pods as texts: `1,3-5,7`.

/// The first and the last index of a gapless part of a list.
pub(super) type Interval = (i64, i64);

/// Reads a list of ascending indexes below `completions`.
pub(super) fn parse(text: &str, completions: i64) -> Result<Vec<Interval>, String> {
    let mut intervals: Vec<Interval> = Vec::new();
    for part in text.split(',').filter(|_| !text.is_empty()) {
        let next = interval(part, completions)?;
        if let Some((_, last)) = intervals.last().filter(|(_, last)| *last >= next.0) {
            return Err(disorder(*last, next.0));
        }
        intervals.push(next);
    }
    Ok(intervals)
}

/// The parts of a list that can be read.
pub(super) fn readable(text: &str, completions: i64) -> Vec<Interval> {
    text.split(',').filter_map(|part| interval(part, completions).ok()).collect()
}

/// How many indexes a list has.
pub(super) fn count(intervals: &[Interval]) -> i64 {
    intervals.iter().map(|(first, last)| last - first + 1).sum()
}

/// The first index that is in both lists, which ascend.
pub(super) fn first_common(mut some: &[Interval], mut others: &[Interval]) -> Option<i64> {
    while let ([a, after_a @ ..], [b, after_b @ ..]) = (some, others) {
        if a.1 < b.0 {
            some = after_a;
        } else if b.1 < a.0 {
            others = after_b;
        } else {
            return Some(a.0.max(b.0));
        }
    }
    None
}

fn interval(part: &str, completions: i64) -> Result<Interval, String> {
    let limits: Vec<&str> = part.split('-').collect();
    match limits[..] {
        [first] => index(first, completions).map(|first| (first, first)),
        [first, last] => {
            let (first, last) = (index(first, completions)?, index(last, completions)?);
            if first >= last { Err(disorder(first, last)) } else { Ok((first, last)) }
        }
        _ => Err(format!(
            "the fragment {part:?} violates the requirement that an index interval can have at most two parts \
             separated by '-'"
        )),
    }
}

fn index(text: &str, completions: i64) -> Result<i64, String> {
    let index: i64 =
        text.parse().map_err(|_| format!("cannot convert string to integer for index: {text:?}"))?;
    if index >= completions { Err(format!("too large index: {text:?}")) } else { Ok(index) }
}

fn disorder(previous: i64, current: i64) -> String {
    format!("non-increasing order, previous: {previous}, current: {current}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read() {
        let check = |text, expect: Result<&[Interval], &str>| {
            let expect = expect.map(<[Interval]>::to_vec).map_err(str::to_owned);
            assert_eq!(parse(text, 10), expect, "{text}");
        };
        check("", Ok(&[]));
        check("0,2-4,9", Ok(&[(0, 0), (2, 4), (9, 9)]));
        check("3,3", Err("non-increasing order, previous: 3, current: 3"));
        check("4-2", Err("non-increasing order, previous: 4, current: 2"));
        check("10", Err("too large index: \"10\""));
        check("1-x", Err("cannot convert string to integer for index: \"x\""));
        check(
            "1-2-3",
            Err(
                "the fragment \"1-2-3\" violates the requirement that an index interval can have at most two parts separated by '-'",
            ),
        );
    }

    #[test]
    fn lists_are_counted_and_compared() {
        assert_eq!(count(&[(0, 0), (2, 4)]), 4);
        assert_eq!(first_common(&[(0, 3), (7, 7)], &[(2, 5)]), Some(2));
        assert_eq!(first_common(&[(0, 1), (3, 3), (8, 9)], &[(2, 2), (5, 6), (9, 9)]), Some(9));
        assert_eq!(first_common(&[(0, 1)], &[(2, 5)]), None);
    }
}
