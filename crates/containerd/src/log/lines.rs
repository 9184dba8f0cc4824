//! Output becomes log lines: `2026-01-02T03:04:05.123456789Z stdout F text`. Decides only.

use jiff::Timestamp;

/// Longer lines are cut into pieces of this length with the tag `P`; the last piece has `F`.
pub(crate) const LONGEST: usize = 16 << 10;

/// One stream's unfinished line.
#[derive(Debug)]
pub(crate) struct Lines {
    stream: &'static str,
    partial: Vec<u8>,
}

impl Lines {
    pub fn new(stream: &'static str) -> Lines {
        Lines { stream, partial: Vec::new() }
    }

    /// Adds output, appending to `log` the lines that it completes.
    pub fn push(&mut self, mut data: &[u8], now: Timestamp, log: &mut Vec<u8>) {
        let head = format!("{} {} ", now.strftime("%Y-%m-%dT%H:%M:%S%.9fZ"), self.stream);
        while !data.is_empty() {
            let room = LONGEST - self.partial.len();
            let window = &data[..data.len().min(room + 1)];
            match window.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.line(&head, b"F ", &data[..end], log);
                    data = &data[end + 1..];
                }
                None if window.len() > room => {
                    self.line(&head, b"P ", &data[..room], log);
                    data = &data[room..];
                }
                None => {
                    self.partial.extend_from_slice(data);
                    return;
                }
            }
        }
    }

    /// The stream ended: what has no line break is a line too.
    pub fn end(&mut self, now: Timestamp, log: &mut Vec<u8>) {
        if !self.partial.is_empty() {
            self.push(b"\n", now, log);
        }
    }

    fn line(&mut self, head: &str, tag: &[u8], rest: &[u8], log: &mut Vec<u8>) {
        log.extend_from_slice(head.as_bytes());
        log.extend_from_slice(tag);
        log.append(&mut self.partial);
        log.extend_from_slice(rest);
        log.push(b'\n');
        self.partial = Vec::new();
    }
}
