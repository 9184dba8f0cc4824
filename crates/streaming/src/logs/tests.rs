mod reading;
mod rotating;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use tempfile::TempDir;

use super::options::Options;
use super::reader::{Reader, Step};

/// A log in a directory of its own.
struct Log {
    folder: TempDir,
}

impl Log {
    fn new(text: &str) -> Self {
        let log = Self { folder: tempfile::tempdir().unwrap() };
        log.append(text);
        log
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("0.log")
    }

    fn append(&self, text: &str) {
        append(&self.path(), text);
    }

    fn rotate(&self, stamp: &str) {
        fs::rename(self.path(), self.folder.path().join(format!("0.log.{stamp}"))).unwrap();
    }

    fn open(&self, query: &str) -> Reader {
        Reader::open(self.path(), &options(query)).unwrap()
    }

    /// What a client sees of the log, whose container has ended.
    fn read(&self, query: &str) -> String {
        rest(&mut self.open(query), true).0
    }
}

fn append(path: &Path, text: &str) {
    let mut file = File::options().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn options(query: &str) -> Options {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let query: Vec<_> = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, ""))).collect();
    let query: Vec<_> = query.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    Options::parse(&query, Timestamp::UNIX_EPOCH).unwrap()
}

/// What there is to read now, and how many steps it took.
fn rest(reader: &mut Reader, ended: bool) -> (String, usize) {
    let mut all = Vec::new();
    for steps in 1.. {
        match reader.step(ended).unwrap() {
            Step::Text(text) => all.extend(text),
            Step::Idle | Step::End => return (String::from_utf8(all).unwrap(), steps),
        }
    }
    unreachable!("a log ends")
}

/// A full record with this text.
fn line(second: u32, text: &str) -> String {
    format!("2026-01-01T00:00:{second:02}.5Z stdout F {text}\n")
}
