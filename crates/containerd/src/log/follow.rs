//! One container's output into its log, until it ends.

use std::future::pending;
use std::io;
use std::path::PathBuf;

use jiff::Timestamp;
use tokio::net::unix::pipe::Receiver;

use super::file::LogFile;
use super::lines::Lines;
use super::taps::Taps;

const PIECE: usize = 64 << 10;

/// An output stream.
#[derive(Debug)]
pub(crate) struct Source {
    /// `stdout` or `stderr`.
    pub name: &'static str,
    /// What was read already.
    pub start: Vec<u8>,
    /// What is still to come; none at the end.
    pub receiver: Option<Receiver>,
}

struct Stream {
    name: &'static str,
    receiver: Option<Receiver>,
    lines: Lines,
}

/// Copies until all sources end. Without a path the output is discarded.
pub(crate) async fn run(sources: Vec<Source>, path: Option<PathBuf>, taps: &Taps) {
    let mut file = path.map(LogFile::new);
    let mut streams = Vec::new();
    let mut log = Vec::new();
    for source in sources {
        let mut lines = Lines::new(source.name);
        lines.push(&source.start, Timestamp::now(), &mut log);
        streams.push(Stream { name: source.name, receiver: source.receiver, lines });
    }
    let (mut first, mut second) = (streams.pop(), streams.pop());
    loop {
        file = write(file, std::mem::take(&mut log)).await;
        if ended(&first) && ended(&second) {
            break;
        }
        let taken = tokio::select! {
            () = ready(&first) => take(&mut first, &mut log),
            () = ready(&second) => take(&mut second, &mut log),
        };
        if let Some((stream, piece)) = taken {
            taps.give(stream, &piece).await;
        }
    }
    for stream in [first, second].iter_mut().flatten() {
        stream.lines.end(Timestamp::now(), &mut log);
    }
    write(file, log).await;
}

fn ended(stream: &Option<Stream>) -> bool {
    stream.as_ref().is_none_or(|stream| stream.receiver.is_none())
}

async fn ready(stream: &Option<Stream>) {
    match stream.as_ref().and_then(|stream| stream.receiver.as_ref()) {
        // An error shows when it is read.
        Some(receiver) => drop(receiver.readable().await),
        None => pending().await,
    }
}

/// Takes what is there now: as log lines, and as it is.
fn take(stream: &mut Option<Stream>, log: &mut Vec<u8>) -> Option<(&'static str, Vec<u8>)> {
    let stream = stream.as_mut()?;
    let mut piece = vec![0; PIECE];
    match stream.receiver.as_ref()?.try_read(&mut piece) {
        Ok(0) => {
            stream.receiver = None;
            stream.lines.end(Timestamp::now(), log);
            None
        }
        Ok(length) => {
            piece.truncate(length);
            stream.lines.push(&piece, Timestamp::now(), log);
            Some((stream.name, piece))
        }
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => None,
        Err(error) => {
            tracing::warn!(%error, "output of a container is lost");
            stream.receiver = None;
            None
        }
    }
}

/// Writes away from the workers: a slow disk holds up nobody else.
async fn write(file: Option<LogFile>, log: Vec<u8>) -> Option<LogFile> {
    let mut file = file?;
    if log.is_empty() {
        return Some(file);
    }
    let written = tokio::task::spawn_blocking(move || {
        file.append(&log, Timestamp::now());
        file
    });
    written.await.ok()
}
