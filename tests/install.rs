//! Units for systemd, put below a directory and removed again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::harness::{BERTH, text};

/// Where an installed binary is.
const BINARY: &str = "/usr/local/bin/berth";

fn install(dest: &Path, args: &[&str]) -> Output {
    let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/install"));
    script.args(args).env("DESTDIR", dest).env("BERTH_BINARY", BERTH);
    script.output().expect("a shell")
}

/// The files below a directory.
fn files(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect();
    files.sort();
    files
}

/// What systemd finds wrong with a unit, whose program is where it was put; nothing where systemd is not installed.
fn complaints(unit: &Path, dest: &Path) -> String {
    let there = dest.join(BINARY.trim_start_matches('/'));
    let unit_text = fs::read_to_string(unit).expect("a unit").replace(BINARY, &there.display().to_string());
    fs::write(unit, unit_text).expect("a unit");
    match Command::new("systemd-analyze").args(["--man=no", "verify"]).arg(unit).output() {
        Ok(output) => text(&output.stderr) + &text(&output.stdout),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        Err(error) => panic!("systemd-analyze: {error}"),
    }
}

#[test]
fn both_units_are_installed_and_removed() {
    let dir = tempfile::tempdir().expect("a directory");
    let dest = dir.path();
    let at = |name: &str| dest.join(name);
    for (args, unit) in
        [(&[][..], "berth"), (&["agent", "https://192.0.2.10:6443", "a.b.c"][..], "berth-agent")]
    {
        let output = install(dest, args);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let unit = at(&format!("etc/systemd/system/{unit}.service"));
        assert!(unit.exists() && at("usr/local/bin/berth").exists(), "{:?}", files(dest));
        assert_eq!(complaints(&unit, dest), "");
    }
    let settings = at("etc/default/berth-agent");
    let said = fs::read_to_string(&settings).expect("settings");
    assert_eq!(said, "BERTH_SERVER=https://192.0.2.10:6443\nBERTH_TOKEN=a.b.c\n");
    let mode = fs::metadata(&settings).expect("settings").permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "the token is for root's eyes");
    assert!(install(dest, &["agent"]).status.success(), "again, with the settings that are there");
    assert_eq!(fs::read_to_string(&settings).expect("settings"), said);
    let removed = install(dest, &["remove"]);
    assert!(removed.status.success(), "{}", text(&removed.stderr));
    assert_eq!(files(dest), Vec::<PathBuf>::new());
}

#[test]
fn what_cannot_be_installed_is_said() {
    let dir = tempfile::tempdir().expect("a directory");
    for (args, why) in [
        (&["agent"][..], "which cluster? scripts/install agent https://FIRST:6443 TOKEN\n"),
        (&["agents"][..], "usage: scripts/install "),
    ] {
        let output = install(dir.path(), args);
        let said = text(&output.stderr);
        assert!(!output.status.success() && said.starts_with(why), "{args:?}: {said}");
        assert_eq!(files(dir.path()), Vec::<PathBuf>::new());
    }
}
