use std::fs;

use jiff::Timestamp;

use super::file::{LogFile, rotated};
use super::lines::{LONGEST, Lines};

fn at(seconds: i64) -> Timestamp {
    Timestamp::new(seconds, 123_456_789).unwrap()
}

#[test]
fn lines_have_time_stream_and_tag() {
    let (mut lines, mut log) = (Lines::new("stdout"), Vec::new());
    lines.push(b"one\ntw", at(0), &mut log);
    lines.push(b"o\n\nthree", at(1), &mut log);
    lines.end(at(2), &mut log);
    let text = String::from_utf8(log).unwrap();
    assert_eq!(
        text,
        "1970-01-01T00:00:00.123456789Z stdout F one\n\
         1970-01-01T00:00:01.123456789Z stdout F two\n\
         1970-01-01T00:00:01.123456789Z stdout F \n\
         1970-01-01T00:00:02.123456789Z stdout F three\n"
    );
}

#[test]
fn long_lines_are_cut_and_nothing_is_lost() {
    for length in [LONGEST - 1, LONGEST, LONGEST + 1, 3 * LONGEST] {
        for piece in [1000, LONGEST, 5 * LONGEST] {
            let text = "x".repeat(length) + "\n";
            let (mut lines, mut log) = (Lines::new("stderr"), Vec::new());
            text.as_bytes().chunks(piece).for_each(|data| lines.push(data, at(0), &mut log));
            let log = String::from_utf8(log).unwrap();
            let parts: Vec<&str> = log.lines().map(|line| line.splitn(4, ' ').nth(3).unwrap()).collect();
            assert_eq!(parts.concat().len(), length, "{length} by {piece}");
            let tags: Vec<&str> = log.lines().map(|line| line.split(' ').nth(2).unwrap()).collect();
            let pieces = length.div_ceil(LONGEST);
            assert_eq!(tags.len(), pieces, "{length} by {piece}");
            assert!(tags[..pieces - 1].iter().all(|tag| *tag == "P") && tags[pieces - 1] == "F");
        }
    }
}

#[test]
fn five_files_stay() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("c/0.log");
    let mut file = LogFile::with_longest(path.clone(), 10);
    for second in 0..9 {
        file.append(format!("line number {second}\n").as_bytes(), at(second));
    }
    let mut old = rotated(&path).unwrap();
    old.sort();
    let names: Vec<_> = old.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
    let expected: Vec<String> = (5..9).map(|second| format!("0.log.19700101-00000{second}")).collect();
    assert_eq!(names, expected);
    assert_eq!(fs::read_to_string(&path).unwrap(), "line number 8\n");
    assert_eq!(fs::read_to_string(&old[3]).unwrap(), "line number 7\n");
}

#[test]
fn a_disk_that_takes_nothing_loses_output_only() {
    let mut file = LogFile::new("/dev/full".into());
    file.append(b"lost\n", at(0));
    file.append(b"lost too\n", at(1));
}
