use std::fs;

use super::*;

fn container(policy: &str) -> Container {
    Container { termination_message_policy: Some(policy.to_owned()), ..Container::default() }
}

#[test]
fn the_files_end_is_the_message() {
    let dir = tempfile::tempdir().unwrap();
    let (file, log) = (dir.path().join("message"), dir.path().join("log"));
    fs::write(&log, "2026-01-01T00:00:00Z stderr F from the log\n").unwrap();
    let message = |policy: &str, code| termination_message(&container(policy), &file, &log, code);
    assert_eq!(message("File", 1), "");
    assert_eq!(message("FallbackToLogsOnError", 0), "");
    assert_eq!(message("FallbackToLogsOnError", 1), "from the log\n");
    fs::write(&file, "x".repeat(5000) + "end").unwrap();
    let text = message("FallbackToLogsOnError", 1);
    assert_eq!((text.len(), &text[4093..]), (4096, "end"));
}

#[test]
fn a_link_is_not_followed() {
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret");
    fs::write(&secret, "hidden").unwrap();
    let file = dir.path().join("message");
    std::os::unix::fs::symlink(&secret, &file).unwrap();
    let message = termination_message(&container("File"), &file, Path::new("/none"), 1);
    assert!(message.starts_with("Error on reading termination log"), "{message}");
}

#[test]
fn the_logs_end_is_bounded() {
    let line = |tag: &str, text: &str| format!("2026-01-01T00:00:00.123456789Z stdout {tag} {text}\n");
    let lines: String = (0..200).map(|n| line("F", &format!("line {n}"))).collect();
    let text = last_lines(lines.as_bytes(), false);
    assert!(text.starts_with("line 120\n") && text.ends_with("line 199\n"), "{text}");
    let long: String = (0..80).map(|_| line("F", &"y".repeat(99))).collect();
    assert_eq!(last_lines(long.as_bytes(), false).len(), 2048);
    let parts = line("P", "a ") + &line("F", "b") + "not a log line\n";
    assert_eq!(last_lines(parts.as_bytes(), false), "a b\n");
    let cut = "stdout F half\n".to_owned() + &line("F", "whole");
    assert_eq!(last_lines(cut.as_bytes(), true), "whole\n");
}
