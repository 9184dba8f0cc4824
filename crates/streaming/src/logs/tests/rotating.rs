use super::*;

#[test]
fn rotated_files_are_read_oldest_first() {
    let log = Log::new(&(line(1, "a1") + &line(2, "a2")));
    log.rotate("20260101-000001");
    log.append(&(line(3, "b1") + &line(4, "b2")));
    log.rotate("20260101-000002");
    log.append(&(line(5, "c1") + &line(6, "c2")));
    append(&log.folder.path().join("0.log.20260101-000000.gz"), &line(0, "compressed"));
    append(&log.folder.path().join("0.log.20260101-000003.tmp"), &line(0, "unfinished"));
    append(&log.folder.path().join("1.log"), &line(0, "another attempt"));
    let all = "a1\na2\nb1\nb2\nc1\nc2\n";
    assert_eq!(log.read(""), all);
    for lines in 0..=7 {
        let expect = &all[3 * 6_usize.saturating_sub(lines)..];
        assert_eq!(log.read(&format!("tailLines={lines}")), expect, "{lines}");
    }
}

#[test]
fn a_line_may_go_on_in_the_next_file() {
    let log = Log::new(&(line(1, "one") + "2026-01-01T00:00:02Z stdout P be\n"));
    log.rotate("1");
    log.append(&(line(3, "gun") + &line(4, "last")));
    assert_eq!(log.read("tailLines=2"), "begun\nlast\n");
    assert_eq!(log.read("tailLines=3&timestamps=1").lines().count(), 3);
}

#[test]
fn a_follower_survives_rotations() {
    let log = Log::new(&line(1, "one"));
    let mut reader = log.open("follow=1");
    assert_eq!(rest(&mut reader, false).0, "one\n");
    assert_eq!(reader.step(false).unwrap(), Step::Idle);

    // written between its last look and the renaming
    log.append(&line(2, "two"));
    log.rotate("1");
    assert_eq!(rest(&mut reader, false).0, "two\n");
    log.append(&line(3, "three"));
    assert_eq!(rest(&mut reader, false).0, "three\n");

    // two rotations between two looks
    log.rotate("2");
    log.append(&line(4, "four"));
    log.rotate("3");
    log.append(&line(5, "five"));
    assert_eq!(rest(&mut reader, false).0, "four\nfive\n");

    // the file at hand was removed meanwhile, with those before it
    log.rotate("4");
    for stamp in 1..=4 {
        fs::remove_file(log.folder.path().join(format!("0.log.{stamp}"))).unwrap();
    }
    log.append(&line(6, "six"));
    assert_eq!(rest(&mut reader, false).0, "six\n");
    log.append(&line(7, "seven"));
    assert_eq!(rest(&mut reader, true).0, "seven\n");
    assert_eq!(reader.step(true).unwrap(), Step::End);
}

#[test]
fn a_follower_waits_for_the_end_of_a_line() {
    let log = Log::new(&line(1, "one"));
    let mut reader = log.open("follow=1&tailLines=0");
    let (head, tail) = ("2026-01-01T00:00:02Z stdo", "ut F two\n");
    log.append(head);
    assert_eq!(rest(&mut reader, false).0, "");
    log.append(tail);
    assert_eq!(rest(&mut reader, false).0, "two\n");
}

#[test]
fn without_following_later_output_is_not_read() {
    let log = Log::new(&line(1, "one"));
    let mut reader = log.open("");
    log.append(&line(2, "two"));
    log.rotate("1");
    log.append(&line(3, "three"));
    assert_eq!(rest(&mut reader, false).0, "one\n");
    assert_eq!(reader.step(false).unwrap(), Step::End);
}
