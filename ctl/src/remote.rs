//! A session with a process in a container, over WebSocket with the subprotocols `v5.channel.k8s.io` and `v4`
//! (KEP-4006): each message begins with the number of its channel.

mod outcome;
mod terminal;

use std::io::{Read, Write};
use std::process::ExitCode;

use futures::{SinkExt, StreamExt};
use object::Value;
use tokio::sync::mpsc;

use crate::Error;
use crate::session::Session;
use terminal::Raw;

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const STATUS: u8 = 3;
const RESIZE: u8 = 4;
/// Tells that a channel has ended; of version 5 alone.
const CLOSE: u8 = 255;
/// How much of the input is read at once, in bytes.
const CHUNK: usize = 32 << 10;
/// Messages that wait to be sent.
const QUEUE: usize = 16;

/// What is connected besides the outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Streams {
    pub(crate) stdin: bool,
    /// The process runs on a terminal, and so does this one.
    pub(crate) tty: bool,
}

/// The local ends of a session.
pub(crate) struct Ends {
    pub(crate) stdin: Option<Box<dyn Read + Send>>,
    pub(crate) stdout: Box<dyn Write>,
    pub(crate) stderr: Box<dyn Write>,
}

/// Runs a session at a path to its end, on this process's own streams; gives the exit code of the process.
pub(crate) async fn run(session: &Session, path: &str, streams: Streams) -> Result<ExitCode, Error> {
    let ends = Ends {
        stdin: streams.stdin.then(|| Box::new(std::io::stdin()) as _),
        stdout: Box::new(std::io::stdout()),
        stderr: Box::new(std::io::stderr()),
    };
    hold(session, path, ends, streams.tty).await.map(outcome::as_exit_code)
}

/// Holds a session at a path to its end; gives the exit code of the process.
pub(crate) async fn hold(session: &Session, path: &str, mut ends: Ends, tty: bool) -> Result<i32, Error> {
    let connection = session.connect(path).await?;
    let closes = connection.supports_stream_close();
    let (mut sending, mut reading) = connection.into_stream().split();
    let (queue, mut queued) = mpsc::channel::<Vec<u8>>(QUEUE);
    // The terminal is raw until this falls, whatever the way out.
    let _raw = if tty { Some(Raw::enter().map_err(cannot_use_terminal)?) } else { None };
    if tty {
        tokio::spawn(terminal::report_sizes(queue.clone()));
    }
    if let Some(input) = ends.stdin.take() {
        let queue = queue.clone();
        // Not a task: nothing could end its read, and the program must not wait for it.
        std::thread::spawn(move || read_input(input, &queue, closes));
    }
    drop(queue);
    let send = async {
        while let Some(message) = queued.recv().await {
            if sending.send(message.into()).await.is_err() {
                break;
            }
        }
        // The other side tells the end.
        std::future::pending().await
    };
    let receive = async {
        while let Some(message) = reading.next().await {
            let message = message.map_err(|e| Error::msg(format!("error reading from the stream: {e}")))?;
            if !message.is_binary() {
                continue;
            }
            if let Some(status) = ends.take(&message.into_data())? {
                return outcome::exit_code(&status);
            }
        }
        Err(Error::msg("the stream ended before the command did"))
    };
    tokio::select! {
        ended = receive => ended,
        ended = send => ended,
    }
}

fn cannot_use_terminal(error: std::io::Error) -> Error {
    Error::msg(format!("cannot use the terminal: {error}"))
}

impl Ends {
    /// Writes what a message says, or gives the status that it is.
    fn take(&mut self, message: &[u8]) -> Result<Option<Value>, Error> {
        let Some((channel, content)) = message.split_first() else { return Ok(None) };
        match *channel {
            STDOUT => print(&mut self.stdout, content).map(|()| None),
            STDERR => print(&mut self.stderr, content).map(|()| None),
            STATUS => {
                let unreadable = |e| Error::msg(format!("error stream protocol error: {e}"));
                serde_json::from_slice(content).map(Some).map_err(unreadable)
            }
            _ => Ok(None),
        }
    }
}

fn print(out: &mut impl Write, content: &[u8]) -> Result<(), Error> {
    let written = out.write_all(content).and_then(|()| out.flush());
    written.map_err(|source| Error::File { path: "standard output".into(), source })
}

/// Sends the input until it ends, and tells its end where the protocol can.
fn read_input(mut input: impl Read, queue: &mpsc::Sender<Vec<u8>>, ends: bool) {
    let mut buffer = vec![0; CHUNK];
    loop {
        match input.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                let message = [&[STDIN], &buffer[..read]].concat();
                if queue.blocking_send(message).is_err() {
                    return;
                }
            }
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    if ends {
        let _ = queue.blocking_send(vec![CLOSE, STDIN]);
    }
}
