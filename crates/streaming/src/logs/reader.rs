//! Reads a log block by block, from one file to the next.

use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;

use super::Options;
use super::chain::{self, Inode, LogFile};
use super::printer::Printer;
use super::tail::{self, Start};

/// Bytes read in one step.
const BLOCK: usize = 64 * 1024;
/// The longest line of a file that is read. Runtimes cut containers' lines into records of 16 KiB.
const LINE: usize = 1024 * 1024;

/// What a step brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Output, perhaps empty; there may be more.
    Text(Vec<u8>),
    /// All there is now is read.
    Idle,
    /// There will be no more.
    End,
}

/// A log being read. Its calls block on the disk.
#[derive(Debug)]
pub(crate) struct Reader {
    path: PathBuf,
    follow: bool,
    printer: Printer,
    at: Option<Position>,
    /// Without following: the newest file and its size at the beginning. What is written later is not read, or a
    /// busy container's log would never end.
    last: Option<(Inode, u64)>,
    /// The beginning of a line whose end is not read yet.
    begun: Vec<u8>,
    /// Whether the line at hand is longer than any may be: its rest is passed over.
    overlong: bool,
}

#[derive(Debug)]
struct Position {
    log: LogFile,
    offset: u64,
    /// The file that is next, once this one is read to its end again: it may have grown before it was renamed.
    next: Option<LogFile>,
}

impl Reader {
    /// Begins to read the log at `path`; it need not be there yet.
    pub(crate) fn open(path: PathBuf, options: &Options) -> io::Result<Self> {
        let mut files = chain::all(&path)?;
        let mut last = None;
        if let (false, Some(newest)) = (options.follow, files.last()) {
            last = Some((newest.inode, newest.size()?));
        }
        let at = begin(&mut files, options.tail)?;
        let printer = Printer::new(options);
        Ok(Self { path, follow: options.follow, printer, at, last, begun: Vec::new(), overlong: false })
    }

    /// Reads on. `ended` says that all output was in the files before this call.
    pub(crate) fn step(&mut self, ended: bool) -> io::Result<Step> {
        if self.printer.done() {
            return Ok(Step::End);
        }
        let mut out = Vec::new();
        let block = self.read()?;
        if !block.is_empty() {
            self.take(&block, &mut out);
            return Ok(Step::Text(out));
        }
        if self.advance()? {
            self.finish(&mut out);
            return Ok(Step::Text(out));
        }
        if self.follow && !ended {
            return Ok(Step::Idle);
        }
        self.finish(&mut out);
        Ok(if out.is_empty() { Step::End } else { Step::Text(out) })
    }

    /// The next block of the file at hand; empty at its end.
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let Some(at) = &mut self.at else { return Ok(Vec::new()) };
        let room = match self.last {
            Some((inode, size)) if inode == at.log.inode => size.saturating_sub(at.offset),
            _ => u64::MAX,
        };
        let mut block = vec![0; usize::try_from(room).unwrap_or(usize::MAX).min(BLOCK)];
        let read = at.log.file.read_at(&mut block, at.offset)?;
        block.truncate(read);
        at.offset += read as u64;
        Ok(block)
    }

    /// At the end of a file: goes on to the next. Says whether there is more to read at once.
    fn advance(&mut self) -> io::Result<bool> {
        let Some(at) = &mut self.at else {
            let first = chain::successor(&self.path, None)?.filter(|_| self.follow);
            self.at = first.map(|log| Position { log, offset: 0, next: None });
            return Ok(self.at.is_some());
        };
        if self.last.is_some_and(|(inode, _)| inode == at.log.inode) {
            return Ok(false);
        }
        if let Some(log) = at.next.take() {
            self.at = Some(Position { log, offset: 0, next: None });
            return Ok(true);
        }
        at.next = chain::successor(&self.path, Some(at.log.inode))?;
        Ok(at.next.is_some())
    }

    /// Prints the lines of a block, and keeps the beginning of the last one.
    fn take(&mut self, block: &[u8], out: &mut Vec<u8>) {
        let mut rest = block;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, behind) = (&rest[..end], &rest[end + 1..]);
            if self.overlong {
                self.overlong = false;
            } else if self.begun.is_empty() {
                self.printer.print(line, false, out);
            } else {
                self.begun.extend_from_slice(line);
                self.printer.print(&self.begun, false, out);
            }
            self.begun.clear();
            rest = behind;
        }
        self.begun.extend_from_slice(rest);
        if self.begun.len() > LINE {
            (self.overlong, self.begun) = (true, Vec::new());
        }
    }

    /// Prints what there is of a line whose end never came.
    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.at.as_ref().is_some_and(|at| at.next.is_some()) {
            return; // the file may still have grown
        }
        let line = std::mem::take(&mut self.begun);
        if !std::mem::take(&mut self.overlong) && !line.is_empty() {
            self.printer.print(&line, true, out);
        }
    }
}

/// Where to begin in these files, oldest first: at the oldest, or where the last lines begin.
fn begin(files: &mut Vec<LogFile>, lines: Option<u64>) -> io::Result<Option<Position>> {
    let at = |log: LogFile, offset| Some(Position { log, offset, next: None });
    let Some(lines) = lines else {
        return Ok(if files.is_empty() { None } else { at(files.swap_remove(0), 0) });
    };
    let mut ends = lines.saturating_add(1);
    let mut newest = true;
    while let Some(log) = files.pop() {
        let size = log.size()?;
        if lines == 0 {
            return Ok(at(log, size));
        }
        match tail::find(&log.file, size, newest, ends)? {
            Start::At(offset) => return Ok(at(log, offset)),
            Start::Earlier(_) if files.is_empty() => return Ok(at(log, 0)),
            Start::Earlier(left) => ends = left,
        }
        newest = false;
    }
    Ok(None)
}
