//! What a container said when it ended.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use k8s_openapi::api::core::v1::Container;
use nix::fcntl::OFlag;

use super::context::{PodDirs, is_file_name};

const DEFAULT_PATH: &str = "/dev/termination-log";
/// The most that is read of the message's file, in bytes.
const MAX_MESSAGE: u64 = 4096;
/// The most that is read of a log, in bytes and lines.
const MAX_LOG: usize = 2048;
const MAX_LOG_LINES: usize = 80;
/// Bytes at a log's end among which the last lines are looked for.
const LOG_WINDOW: u64 = 64 * 1024;

/// Where an attempt's message is written, on the host. None where the name cannot be a file name.
pub fn termination_file(dirs: &PodDirs, container: &str, attempt: u32) -> Option<PathBuf> {
    is_file_name(container).then(|| dirs.container(container).join(attempt.to_string()))
}

/// Where a container writes its message.
pub(crate) fn path_in(container: &Container) -> String {
    let own = container.termination_message_path.as_deref().filter(|path| !path.is_empty());
    own.unwrap_or(DEFAULT_PATH).to_owned()
}

/// An ended attempt's message: the end of its file; where that is empty, the container failed and its policy is
/// `FallbackToLogsOnError`, the end of its log.
pub fn termination_message(container: &Container, file: &Path, log: &Path, exit_code: i32) -> String {
    let message = match tail(file, MAX_MESSAGE) {
        Ok((bytes, _)) => String::from_utf8_lossy(&bytes).into_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return format!("Error on reading termination log {}: {error}", file.display()),
    };
    let fall_back = container.termination_message_policy.as_deref() == Some("FallbackToLogsOnError");
    if !message.is_empty() || !fall_back || exit_code == 0 {
        return message;
    }
    match tail(log, LOG_WINDOW) {
        Ok((bytes, cut)) => last_lines(&bytes, cut),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => format!("Error reading termination message from logs: {error}"),
    }
}

/// The last bytes of a file, and whether there are more before them. Does not follow a link, nor wait for a
/// writer.
fn tail(path: &Path, max: u64) -> io::Result<(Vec<u8>, bool)> {
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let mut file: File = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let length = file.metadata()?.len();
    let start = length.saturating_sub(max);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(max).read_to_end(&mut bytes)?;
    Ok((bytes, start > 0))
}

/// The last text of a log in the CRI's format: `TIME STREAM F|P TEXT` on each line.
fn last_lines(log: &[u8], cut: bool) -> String {
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').skip(usize::from(cut)).collect();
    let mut text = Vec::new();
    for line in &lines[lines.len().saturating_sub(MAX_LOG_LINES)..] {
        let mut parts = line.splitn(4, |byte| *byte == b' ').skip(2);
        let (Some(tag), Some(content)) = (parts.next(), parts.next()) else { continue };
        match tag {
            b"F" => text.extend_from_slice(content),
            b"P" => text.extend_from_slice(content.strip_suffix(b"\n").unwrap_or(content)),
            _ => {}
        }
    }
    String::from_utf8_lossy(&text[text.len().saturating_sub(MAX_LOG)..]).into_owned()
}

#[cfg(test)]
mod tests;
