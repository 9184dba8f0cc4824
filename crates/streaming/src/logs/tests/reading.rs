use super::*;
use crate::logs::record::parse;
use crate::logs::tail::{Start, find};

/// Lines of both streams, a long line in three parts, an empty line, and lines that are no records.
const GOLDEN: &str = "\
2026-01-01T00:00:01.123456789Z stdout F first
2026-01-01T00:00:02.12Z stderr F second
not a record
2026-01-01T00:00:03Z stdout P long
2026-01-01T00:00:04Z stdout P er 
2026-01-01T00:00:05Z stdout F line
2026-01-01T00:00:06+01:00 stdout F zone
2026-01-01T00:00:07+00:00 stdout F 
yesterday stdout F no time
2026-01-01T00:00:08Z stdin F no stream
2026-01-01T00:00:09.000000001Z stdout F:tag last
";

#[test]
fn every_option_shows_its_part() {
    let log = Log::new(GOLDEN);
    let plain = "first\nsecond\nlonger line\nzone\n\nlast\n";
    let stamped = "\
2026-01-01T00:00:01.123456789Z first
2026-01-01T00:00:02.120000000Z second
2026-01-01T00:00:03.000000000Z longer line
2026-01-01T00:00:06.000000000+01:00 zone
2026-01-01T00:00:07.000000000Z 
2026-01-01T00:00:09.000000001Z last
";
    for (query, expect) in [
        ("", plain),
        ("timestamps=true", stamped),
        ("tailLines=0", ""),
        ("tailLines=1", "last\n"),
        ("tailLines=2", "\nlast\n"),
        ("tailLines=100", plain),
        ("limitBytes=1", "f"),
        ("limitBytes=8", "first\nse"),
        ("limitBytes=6", "first\n"),
        ("limitBytes=1000", plain),
        ("timestamps=true&limitBytes=33", "2026-01-01T00:00:01.123456789Z fi"),
        ("tailLines=2&limitBytes=3", "\nla"),
        ("sinceTime=2026-01-01T00:00:07Z", "\nlast\n"),
        ("sinceTime=2026-01-01T00:00:07.000000001Z", "last\n"),
        // a line is as old as its first part
        ("sinceTime=2026-01-01T00:00:04Z", "\nlast\n"),
        ("sinceTime=2026-01-01T00:00:03Z", "longer line\n\nlast\n"),
        ("sinceTime=2027-01-01T00:00:00Z", ""),
        (
            "sinceTime=2026-01-01T00:00:02Z&tailLines=2&timestamps=1",
            "2026-01-01T00:00:07.000000000Z \n2026-01-01T00:00:09.000000001Z last\n",
        ),
    ] {
        assert_eq!(log.read(query), expect, "{query}");
    }
}

#[test]
fn what_is_read_does_not_depend_on_where_blocks_end() {
    // 150 KB in one line of parts, between short ones
    let part = "x".repeat(16_000);
    let mut text = line(1, "before");
    for _ in 0..9 {
        text += &format!("2026-01-01T00:00:02Z stdout P {part}\n");
    }
    text += &line(3, "end");
    text += &line(4, "after");
    let log = Log::new(&text);
    let long = part.repeat(9) + "end\n";
    assert_eq!(log.read(""), format!("before\n{long}after\n"));
    assert_eq!(log.read("tailLines=2"), format!("{long}after\n"));
    assert_eq!(log.read("tailLines=3"), format!("before\n{long}after\n"));
}

#[test]
fn the_last_lines_are_found_wherever_blocks_end() {
    for padding in 65_300..65_700 {
        let log = Log::new(&(line(1, "first") + &line(2, &"p".repeat(padding)) + &line(3, "last")));
        assert_eq!(log.read("tailLines=1"), "last\n", "{padding}");
        assert!(log.read("tailLines=2").ends_with("p\nlast\n"), "{padding}");
        assert_eq!(log.read("tailLines=2").len(), padding + 6, "{padding}");
    }
}

#[test]
fn a_line_without_its_end_is_shown_as_it_is() {
    let log = Log::new(&(line(1, "one") + line(2, "two").trim_end()));
    assert_eq!(log.read(""), "one\ntwo");
    assert_eq!(log.read("tailLines=1"), "two");
    let log =
        Log::new(&(line(1, "one") + "2026-01-01T00:00:02Z stdout P be\n2026-01-01T00:00:02Z stdout P gun\n"));
    assert_eq!(log.read("tailLines=1"), "begun");
    assert_eq!(log.read("tailLines=2"), "one\nbegun");
}

#[test]
fn a_line_of_a_million_bytes_and_more_is_passed_over() {
    let log = Log::new(&(line(1, "one") + &line(2, &"x".repeat(3 * 1024 * 1024)) + &line(3, "three")));
    assert_eq!(log.read(""), "one\nthree\n");
}

#[test]
fn a_log_that_is_not_there_is_empty() {
    let log = Log { folder: tempfile::tempdir().unwrap() };
    assert_eq!(log.read(""), "");
    assert_eq!(log.read("tailLines=3"), "");
    let mut reader = log.open("follow=1&tailLines=3");
    assert_eq!(reader.step(false).unwrap(), Step::Idle);
    log.append(&line(1, "at last"));
    assert_eq!(rest(&mut reader, false).0, "at last\n");
}

#[test]
fn the_end_of_a_million_lines_is_found_without_reading_them() {
    let log = Log { folder: tempfile::tempdir().unwrap() };
    let mut text = String::new();
    for number in 0..1_000_000 {
        text += &format!("2026-01-01T00:00:00.{number:09}Z stdout F line {number}\n");
    }
    log.append(&text);
    let mut reader = log.open("tailLines=1000");
    let (got, steps) = rest(&mut reader, true);
    assert!(got.starts_with("line 999000\n") && got.ends_with("line 999999\n"));
    assert_eq!(got.lines().count(), 1000);
    // forwards one block, its end, and the end's end
    assert!(steps <= 3, "{steps} steps");
    let file = std::fs::File::open(log.path()).unwrap();
    let size = file.metadata().unwrap().len();
    let Start::At(at) = find(&file, size, true, 1001).unwrap() else { panic!() };
    assert!(size - at < 64 * 1024);
}

#[test]
fn records_are_parsed() {
    let check = |line: &[u8], expect: Option<(bool, &[u8])>| {
        let found = parse(line).map(|record| (record.full, record.text));
        assert_eq!(found, expect, "{}", String::from_utf8_lossy(line));
    };
    check(b"2026-01-01T00:00:00Z stdout F a b", Some((true, b"a b")));
    check(b"2026-01-01T00:00:00.5+01:00 stderr P ", Some((false, b"")));
    check(b"2026-01-01T00:00:00Z stdout P:x a", Some((false, b"a")));
    for broken in
        ["", "TIME", "TIME stdout", "TIME stdout F", "TIME out F a", "TIME stdout X a", "noon stdout F a"]
    {
        check(broken.replace("TIME", "2026-01-01T00:00:00Z").as_bytes(), None);
    }
    check(b"\xff stdout F a", None);
}
