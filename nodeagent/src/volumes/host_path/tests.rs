use std::os::unix::net::UnixListener;

use super::*;

fn check(path: &str, kind: &str) -> Result<(), String> {
    set_up(&HostPathVolumeSource { path: path.to_owned(), type_: Some(kind.to_owned()) })
}

#[test]
fn types_are_checked() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (file, socket) = (at("file"), at("socket"));
    fs::write(&file, "").unwrap();
    let _listener = UnixListener::bind(&socket).unwrap();
    let home = dir.path().to_str().unwrap();
    for (path, kind) in [
        (home, "Directory"),
        (file.as_str(), "File"),
        (&socket, "Socket"),
        ("/dev/null", "CharDevice"),
        (&file, ""),
    ] {
        assert_eq!(check(path, kind), Ok(()), "{kind}");
    }
    let rows = [
        (file.clone(), "Directory", "a directory"),
        (file.clone(), "DirectoryOrCreate", "a directory"),
        (at("none"), "Directory", "a directory"),
        (home.to_owned(), "File", "a file"),
        (home.to_owned(), "FileOrCreate", "a file"),
        (file.clone(), "Socket", "a socket file"),
        (file.clone(), "CharDevice", "a character device"),
        ("/dev/null".to_owned(), "BlockDevice", "a block device"),
    ];
    for (path, kind, not) in rows {
        assert_eq!(check(&path, kind), Err(format!("hostPath type check failed: {path} is not {not}")));
    }
    assert_eq!(check(&file, "Odd"), Err("Odd is an invalid volume type".into()));
    assert!(check("relative", "").is_err() && check("/a/../b", "").is_err());
}

#[test]
fn what_is_missing_is_made_where_the_type_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    for (path, kind, is_directory) in
        [(at("a/b"), "DirectoryOrCreate", true), (at("f"), "FileOrCreate", false), (at("any"), "", true)]
    {
        assert_eq!(check(&path, kind), Ok(()));
        assert_eq!(fs::metadata(&path).unwrap().is_dir(), is_directory, "{kind}");
    }
}
