//! One line of a log file: `TIME STREAM TAG TEXT`, as the CRI defines it.

use jiff::Timestamp;

/// What a line of the file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Record<'a> {
    /// When it was written.
    pub time: Timestamp,
    /// The same as it stands there (RFC 3339, with or without fractions of a second).
    pub stamp: &'a str,
    /// Whether the container's own line ends here (`F`), or goes on in a later record (`P`).
    pub full: bool,
    /// What the container wrote, without the newline.
    pub text: &'a [u8],
}

/// No well-formed time, stream and tag take more bytes than this.
pub(crate) const HEAD: usize = 128;

/// The record in a line without its newline; none where it is not of the format.
pub(crate) fn parse(line: &[u8]) -> Option<Record<'_>> {
    let (stamp, rest) = field(line)?;
    let (stream, rest) = field(rest)?;
    let (tags, text) = field(rest)?;
    if stream != b"stdout" && stream != b"stderr" {
        return None;
    }
    let full = match tags.split(|byte| *byte == b':').next()? {
        b"F" => true,
        b"P" => false,
        _ => return None,
    };
    let stamp = std::str::from_utf8(stamp).ok()?;
    Some(Record { time: stamp.parse().ok()?, stamp, full, text })
}

fn field(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().take(HEAD).position(|byte| *byte == b' ')?;
    Some((&text[..end], &text[end + 1..]))
}
