//! From records to what a client sees.

use jiff::Timestamp;

use super::Options;
use super::record::parse;

/// Turns lines of a log's files into output. Memory is constant: the parts of a long line go out one by one.
#[derive(Debug)]
pub(crate) struct Printer {
    timestamps: bool,
    since: Option<Timestamp>,
    /// Bytes that may still go out.
    left: Option<u64>,
    /// Whether the next record begins a line.
    fresh: bool,
    /// Whether the line at hand is older than wanted.
    hidden: bool,
}

impl Printer {
    pub(crate) fn new(options: &Options) -> Self {
        Self {
            timestamps: options.timestamps,
            since: options.since,
            left: options.limit,
            fresh: true,
            hidden: false,
        }
    }

    /// Whether all bytes that the client wants are out.
    pub(crate) fn done(&self) -> bool {
        self.left == Some(0)
    }

    /// Prints a line of the file (without its newline) into `out`. `cut` says that the newline was missing: the
    /// writer got no further. What is no record is left out.
    pub(crate) fn print(&mut self, line: &[u8], cut: bool, out: &mut Vec<u8>) {
        let Some(record) = parse(line) else { return };
        if self.fresh {
            self.hidden = self.since.is_some_and(|since| record.time < since);
        }
        if !self.hidden {
            if self.timestamps && self.fresh {
                self.put(fixed(record.stamp).as_bytes(), out);
                self.put(b" ", out);
            }
            self.put(record.text, out);
            if record.full && !cut {
                self.put(b"\n", out);
            }
        }
        self.fresh = record.full;
    }

    fn put(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let room = self
            .left
            .map_or(bytes.len(), |left| usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len()));
        out.extend_from_slice(&bytes[..room]);
        self.left = self.left.map(|left| left - room as u64);
    }
}

/// A time with all nine digits of its fraction, in its own zone: as clients are shown times.
fn fixed(time: &str) -> String {
    let zone = time.rfind(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at(zone);
    let (seconds, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let fraction = fraction.get(..9).unwrap_or(fraction);
    let zone = if zone == "+00:00" { "Z" } else { zone };
    format!("{seconds}.{fraction:0<9}{zone}")
}
