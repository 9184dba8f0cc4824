//! Printing a log line by line, so that several logs do not mix within a line.

use std::io::Write;

use crate::Error;

/// A line that grows longer than this is printed in pieces.
const LONGEST: usize = 1 << 20;

/// A log on its way to standard output.
pub(super) struct Lines {
    /// Stands before each line.
    prefix: String,
    /// What has come of the line that has not ended.
    begun: Vec<u8>,
    /// Whether the line that has not ended is partly printed.
    midway: bool,
}

impl Lines {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix, begun: Vec::new(), midway: false }
    }

    /// Prints the lines that are complete with this.
    pub(super) fn take(&mut self, chunk: &[u8]) -> Result<(), Error> {
        let out = self.ready(chunk);
        write(&out)
    }

    /// Prints what is left.
    pub(super) fn end(&mut self) -> Result<(), Error> {
        let out = self.rest();
        write(&out)
    }

    fn ready(&mut self, chunk: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(chunk.len() + self.prefix.len());
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            self.begun.extend_from_slice(piece);
            let whole = piece.ends_with(b"\n");
            if whole || self.begun.len() > LONGEST {
                out.extend(self.rest());
                self.midway = !whole;
            }
        }
        out
    }

    fn rest(&mut self) -> Vec<u8> {
        let begun = std::mem::take(&mut self.begun);
        let prefix = if self.midway || begun.is_empty() { "" } else { &self.prefix };
        [prefix.as_bytes(), &begun].concat()
    }
}

fn write(bytes: &[u8]) -> Result<(), Error> {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(bytes).and_then(|()| out.flush());
    written.map_err(|source| Error::File { path: "standard output".into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole() {
        let mut lines = Lines::new("[p] ".into());
        let mut take = |chunk: &str| String::from_utf8(lines.ready(chunk.as_bytes())).unwrap();
        assert_eq!(take("a\nb"), "[p] a\n");
        assert_eq!(take("c\n\nd"), "[p] bc\n[p] \n");
        assert_eq!(take("e"), "");
        assert_eq!(lines.rest(), b"[p] de");
        assert_eq!(lines.rest(), b"");
    }

    #[test]
    fn a_line_without_end_is_printed_in_pieces() {
        let mut lines = Lines::new("[p] ".into());
        let long = vec![b'x'; LONGEST + 1];
        assert_eq!(lines.ready(&long).len(), long.len() + 4);
        assert_eq!(lines.ready(b"y\nz\n"), b"y\n[p] z\n");
    }
}
