use super::*;

const GROUP: u32 = 4321;

fn files(rows: &[(&str, &str)]) -> Payload {
    let file = |data: &str| File { data: data.into(), mode: 0o640, user: None };
    rows.iter().map(|(path, data)| ((*path).to_owned(), file(data))).collect()
}

fn time(second: i64) -> Time {
    Time::from_second(second).unwrap()
}

/// The names in a volume, sorted.
fn names(volume: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(volume)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn files_are_seen_through_the_link() {
    let dir = tempfile::tempdir().unwrap();
    assert!(write(dir.path(), &files(&[("a", "1"), ("sub/b", "2")]), None, time(0)).unwrap());
    assert_eq!(names(dir.path()), ["..1970_01_01_00_00_00.000000000", "..data", "a", "sub"]);
    assert_eq!(fs::read_link(dir.path().join("a")).unwrap(), Path::new("..data/a"));
    assert_eq!(fs::read_to_string(dir.path().join("sub/b")).unwrap(), "2");
    assert_eq!(fs::metadata(dir.path().join("a")).unwrap().mode() & 0o7777, 0o640);
}

#[test]
fn a_change_replaces_all_at_once_and_no_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let volume = dir.path();
    write(volume, &files(&[("a", "1"), ("gone", "x"), ("d/e", "y")]), None, time(0)).unwrap();
    assert!(!write(volume, &files(&[("a", "1"), ("gone", "x"), ("d/e", "y")]), None, time(9)).unwrap());
    let held = fs::File::open(volume.join("..data/a")).unwrap();
    assert!(write(volume, &files(&[("a", "2"), ("new", "n")]), None, time(9)).unwrap());
    assert_eq!(names(volume), ["..1970_01_01_00_00_09.000000000", "..data", "a", "new"]);
    assert_eq!(fs::read_to_string(volume.join("a")).unwrap(), "2");
    assert_eq!(io::read_to_string(held).unwrap(), "1");
    assert!(write(volume, &files(&[]), None, time(9)).unwrap());
    assert_eq!(names(volume), ["..1970_01_01_00_00_09.000000000_1", "..data"]);
}

#[test]
fn a_broken_attempt_is_repaired() {
    let dir = tempfile::tempdir().unwrap();
    let volume = dir.path();
    fs::create_dir(volume.join("..1970_01_01_00_00_00.000000000")).unwrap();
    symlink("nowhere", volume.join(NEXT)).unwrap();
    assert!(write(volume, &files(&[("a", "1")]), None, time(0)).unwrap());
    assert_eq!(names(volume), ["..1970_01_01_00_00_00.000000000_1", "..data", "a"]);
    fs::remove_file(volume.join("a")).unwrap();
    assert!(!write(volume, &files(&[("a", "1")]), None, time(0)).unwrap());
    assert_eq!(fs::read_to_string(volume.join("a")).unwrap(), "1");
}

#[test]
fn a_group_may_read_what_is_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let mut payload = files(&[("d/a", "1")]);
    payload.insert("token".into(), File { data: b"t".into(), mode: 0o600, user: Some(99) });
    write(dir.path(), &payload, Some(GROUP), time(0)).unwrap();
    let of = |path: &str| {
        let metadata = fs::metadata(dir.path().join(path)).unwrap();
        (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
    };
    assert_eq!(of("token"), (99, GROUP, 0o640));
    assert_eq!(of("d/a"), (0, GROUP, 0o640));
    assert_eq!(of("d"), (0, GROUP, 0o2755));
    assert!(!write(dir.path(), &payload, Some(GROUP), time(1)).unwrap());
    assert!(write(dir.path(), &payload, Some(GROUP + 1), time(1)).unwrap());
}
