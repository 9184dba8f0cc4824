//! Forwarded ports: for each connection a stream of data, and one for what goes wrong. Both name the port and a request
//! that they belong to.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::frame::{self, Frame};
use super::headers::{self, Inflater};
use super::{Incoming, Malformed, OPENING, PROBE, deliver};
use crate::streams::forward::{Dialer, Inward, Outward, Room, carry, input};
use crate::streams::session::{Activity, Gone, Limits};

/// Most streams of a client.
const STREAMS: usize = 2048;
/// Frames that wait to be sent.
const FRAMES: usize = 8;

/// Forwards ports over a connection until its client leaves, or nothing moves for too long.
pub(in crate::streams) async fn hold<R, W>(read: R, write: W, dialer: Dialer, limits: Limits)
where
    R: AsyncRead + Unpin + Send,
    W: AsyncWrite + Unpin + Send,
{
    let Ok(inflater) = Inflater::new() else { return };
    // frames are sent whole: what waits to be sent may be given up, but never halfway
    let (frames, outgoing) = mpsc::channel(FRAMES);
    let activity = Arc::new(Activity::new());
    let mut client = Client {
        inflater,
        dialer,
        activity: activity.clone(),
        frames: frames.clone(),
        room: Room::new(),
        greeted: false,
        halves: HashMap::new(),
        open: HashMap::new(),
        connections: JoinSet::new(),
    };
    let talk = async {
        client.listen(Incoming::new(read)).await;
        // what the client has sent still goes to its pod
        client.open.clear();
        let rest = async { while client.connections.join_next().await.is_some() {} };
        if timeout(limits.linger, rest).await.is_err() {
            tracing::debug!("a pod did not take the rest of what was forwarded");
        }
    };
    tokio::select! {
        () = talk => {}
        () = deliver(outgoing, write) => {}
        () = activity.idle(limits.idle) => {}
        () = probe(&frames, limits) => {}
    }
}

/// Meets the client's reset where it is gone.
async fn probe(frames: &mpsc::Sender<Bytes>, limits: Limits) {
    loop {
        tokio::time::sleep(limits.probe).await;
        if let Err(mpsc::error::TrySendError::Closed(_)) = frames.try_send(frame::ping(PROBE)) {
            return;
        }
    }
}

/// What a stream is for, by its headers.
struct Purpose {
    data: bool,
    port: u16,
    request: String,
}

impl Purpose {
    /// Clients that name no request open the stream of data right behind the one for errors.
    fn read(stream: u32, headers: &[(String, String)]) -> Result<Self, Malformed> {
        let header = |wanted: &str| {
            headers.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str())
        };
        let data = match header("streamtype") {
            "data" => true,
            "error" => false,
            _ => return Err(Malformed),
        };
        let port = header("port").parse().ok().filter(|port| *port > 0).ok_or(Malformed)?;
        let request = match header("requestid") {
            "" if data => stream.saturating_sub(2).to_string(),
            "" => stream.to_string(),
            named => named.to_owned(),
        };
        Ok(Self { data, port, request })
    }
}

/// One of the two streams of a connection, while the other is to come.
enum Half {
    Errors(u32),
    /// Takes the stream for errors.
    Data(oneshot::Sender<u32>),
}

/// A connection whose stream of data is open.
struct Open {
    /// Falls when the client has ended its input.
    input: Option<Inward>,
    /// Told when the client gives the connection up.
    unwanted: Option<oneshot::Sender<()>>,
}

/// One client with its connections.
struct Client {
    inflater: Inflater,
    dialer: Dialer,
    activity: Arc<Activity>,
    frames: mpsc::Sender<Bytes>,
    room: Room,
    /// Whether a stream was accepted: the first reply begins the stream of compressed headers.
    greeted: bool,
    /// By request, with the time since when.
    halves: HashMap<String, (Instant, Half)>,
    /// By stream of data.
    open: HashMap<u32, Open>,
    /// Each gives its stream of data when it is over.
    connections: JoinSet<u32>,
}

impl Client {
    /// Takes frames until the client leaves or talks nonsense.
    async fn listen<R: AsyncRead + Unpin>(&mut self, mut incoming: Incoming<R>) {
        loop {
            let frame = tokio::select! {
                frame = incoming.next() => frame,
                Some(over) = self.connections.join_next() => {
                    over.ok().map(|stream| self.open.remove(&stream));
                    continue;
                }
            };
            let Some(frame) = frame else { return };
            if self.take(frame).await.is_none() {
                return;
            }
        }
    }

    /// None when the client leaves.
    async fn take(&mut self, frame: Frame) -> Option<()> {
        match frame {
            Frame::Open { stream, block } => {
                let headers = self.inflater.read(&block).ok()?;
                let purpose = Purpose::read(stream, &headers).ok().filter(|_| self.has_place(stream));
                let reply = match purpose {
                    Some(purpose) => {
                        self.add(stream, purpose);
                        frame::reply(stream, &headers::empty(!std::mem::replace(&mut self.greeted, true)))
                    }
                    None => frame::refuse(stream),
                };
                self.frames.send(reply).await.ok()?;
            }
            Frame::Data { stream, data, fin } => {
                let Some(open) = self.open.get_mut(&stream) else { return Some(()) };
                if let Some(input) = open.input.as_ref().filter(|_| !data.is_empty()) {
                    self.room.put(input, data).await;
                }
                if fin {
                    open.input = None;
                }
            }
            Frame::Reset { stream } => {
                if let Some(unwanted) = self.open.get_mut(&stream).and_then(|open| open.unwanted.take()) {
                    let _ = unwanted.send(());
                }
            }
            Frame::Headers { block } => drop(self.inflater.read(&block).ok()?),
            Frame::Ping { id } if id % 2 == 1 => self.frames.send(frame::ping(id)).await.ok()?,
            Frame::Leave => return None,
            Frame::Ping { .. } | Frame::Other => {}
        }
        Some(())
    }

    /// Whether a stream of this number can be opened. Halves that wait for too long make place.
    fn has_place(&mut self, stream: u32) -> bool {
        self.halves.retain(|_, (since, _)| since.elapsed() < OPENING);
        let open = self.open.len() + self.halves.len();
        open < STREAMS && !stream.is_multiple_of(2) && !self.open.contains_key(&stream)
    }

    fn add(&mut self, stream: u32, purpose: Purpose) {
        let other = self.halves.remove(&purpose.request).map(|(_, half)| half);
        let half = match (purpose.data, other) {
            (false, Some(Half::Data(errors))) => {
                let _ = errors.send(stream);
                return;
            }
            (false, _) => Half::Errors(stream),
            (true, other) => {
                let (errors, found) = oneshot::channel();
                self.connect(stream, purpose.port, found);
                match other {
                    Some(Half::Errors(stream)) => {
                        let _ = errors.send(stream);
                        return;
                    }
                    _ => Half::Data(errors),
                }
            }
        };
        self.halves.insert(purpose.request, (Instant::now(), half));
    }

    /// Begins a connection, which waits for its stream for errors.
    fn connect(&mut self, stream: u32, port: u16, errors: oneshot::Receiver<u32>) {
        let (inward, input) = input();
        let (unwanted, given_up) = oneshot::channel();
        self.open.insert(stream, Open { input: Some(inward), unwanted: Some(unwanted) });
        let (dialer, activity) = (self.dialer.clone(), self.activity.clone());
        let way = Way { frames: self.frames.clone(), stream, ended: AtomicBool::new(false) };
        self.connections.spawn(async move {
            let Ok(Ok(errors)) = timeout(OPENING, errors).await else {
                let _ = way.frames.send(frame::refuse(stream)).await;
                return stream;
            };
            let result = tokio::select! {
                result = carry(&dialer, port, input, &way, &activity) => result,
                // a client that leaves has not given up: what it has sent still goes to the pod
                Ok(()) = given_up => Ok(()),
            };
            let _ = way.finish(errors, result).await;
            stream
        });
    }
}

/// The way back of one connection.
struct Way {
    frames: mpsc::Sender<Bytes>,
    /// The stream of data.
    stream: u32,
    /// Whether its end was told.
    ended: AtomicBool,
}

impl Way {
    async fn put(&self, frame: Bytes) -> Result<(), Gone> {
        self.frames.send(frame).await.map_err(|_| Gone)
    }

    /// Tells what went wrong, if anything, and ends both streams: clients wait for the end of errors.
    async fn finish(&self, errors: u32, result: Result<(), String>) -> Result<(), Gone> {
        self.end().await?;
        let why = result.err().unwrap_or_default();
        self.put(frame::data(errors, why.as_bytes(), true)).await
    }
}

impl Outward for Way {
    async fn send(&self, data: &[u8]) -> Result<(), Gone> {
        self.put(frame::data(self.stream, data, false)).await
    }

    async fn end(&self) -> Result<(), Gone> {
        if self.ended.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        self.put(frame::data(self.stream, &[], true)).await
    }
}
