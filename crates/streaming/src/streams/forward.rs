//! Forwarded ports: connections between a client and ports of a pod, whatever protocol carries them.
//!
//! Every byte is awaited on both sides, as in a command's session.

use std::future::Future;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::session::{Activity, Gone};
use crate::{Connection, Console};

/// Bytes that are read from a pod at once.
const BUFFER: usize = 32 * 1024;
/// Most bytes of one client that wait for its pod to read them.
const ROOM: usize = 8 * 1024 * 1024;
/// Most pieces of one connection that wait to be written.
const PIECES: usize = 64;

/// What a client may connect to: the ports of one pod.
#[derive(Clone)]
pub(crate) struct Dialer {
    pub console: Arc<dyn Console>,
    pub namespace: String,
    pub pod: String,
}

impl Dialer {
    /// Connects to a port; an error is what the client is told, in the words of upstream's kubelet.
    async fn dial(&self, port: u16) -> Result<Box<dyn Connection>, String> {
        let dialled = self.console.connect(&self.namespace, &self.pod, port).await;
        dialled.map_err(|status| self.failed(port, &status.message))
    }

    /// What a client is told of a port that failed. The pod's uid is no part of the request that is answered.
    fn failed(&self, port: u16, why: &str) -> String {
        format!("error forwarding port {port} to pod {}, uid : {why}", self.pod)
    }
}

/// The way back to the client, for one connection.
pub(super) trait Outward: Sync {
    /// Sends what the pod sent; ready once there is room for more.
    fn send(&self, data: &[u8]) -> impl Future<Output = Result<(), Gone>> + Send;
    /// Tells that the pod sends no more. [`Gone`] where a client cannot be told that and still send: then the
    /// connection is over.
    fn end(&self) -> impl Future<Output = Result<(), Gone>> + Send;
}

/// Something that a client sent for one of its connections.
pub(super) struct Piece {
    data: Bytes,
    /// Its part of the room that the client has; given back once it is written.
    _room: Option<OwnedSemaphorePermit>,
}

/// The way to a port, for one connection; dropping it ends the connection's input.
pub(super) struct Inward(mpsc::Sender<Piece>);

/// Makes the two ends of a connection's input.
pub(super) fn input() -> (Inward, mpsc::Receiver<Piece>) {
    let (sender, receiver) = mpsc::channel(PIECES);
    (Inward(sender), receiver)
}

/// The room that one client has for what its pod has not read yet.
pub(super) struct Room(Arc<Semaphore>);

impl Room {
    pub(super) fn new() -> Self {
        Self(Arc::new(Semaphore::new(ROOM)))
    }

    /// Hands data to a connection, once there is room; a connection that takes no more gets none.
    pub(super) async fn put(&self, to: &Inward, data: Bytes) {
        let size = u32::try_from(data.len().min(ROOM)).unwrap_or(u32::MAX);
        // one that takes no more is not to be waited for, and gives back its room when it is dropped
        let room = tokio::select! {
            () = to.0.closed() => return,
            room = self.0.clone().acquire_many_owned(size) => room.ok(),
        };
        let _ = to.0.send(Piece { data, _room: room }).await;
    }
}

/// Carries a connection to a port until both sides have ended, or one of them has broken it off.
pub(super) async fn carry(
    dialer: &Dialer,
    port: u16,
    mut input: mpsc::Receiver<Piece>,
    client: &impl Outward,
    activity: &Activity,
) -> Result<(), String> {
    let connection = dialer.dial(port).await?;
    let (mut from, to) = tokio::io::split(connection);
    let inward = async {
        if let Err(error) = feed(&mut input, to, activity).await {
            tracing::debug!(%error, port, "a pod reads no more of a forwarded port");
            input.close();
        }
        Ok(())
    };
    let outward = async {
        let mut buffer = vec![0; BUFFER];
        loop {
            let read = match from.read(&mut buffer).await {
                Ok(read) => read,
                Err(error) => return Err(Ended::Broken(error)),
            };
            if read == 0 {
                return client.end().await.map_err(|Gone| Ended::Gone);
            }
            client.send(&buffer[..read]).await.map_err(|Gone| Ended::Gone)?;
            activity.note();
        }
    };
    match tokio::try_join!(inward, outward) {
        Ok(((), ())) | Err(Ended::Gone) => Ok(()),
        Err(Ended::Broken(error)) => Err(dialer.failed(port, &error.to_string())),
    }
}

/// Why a connection ended before both sides had said so.
enum Ended {
    /// The client is gone, or the pod is done with one that cannot be told.
    Gone,
    /// The pod broke it off.
    Broken(io::Error),
}

/// Writes what a client sends, and then its end.
async fn feed(
    input: &mut mpsc::Receiver<Piece>,
    mut to: impl AsyncWrite + Unpin,
    activity: &Activity,
) -> io::Result<()> {
    while let Some(piece) = input.recv().await {
        to.write_all(&piece.data).await?;
        activity.note();
    }
    to.shutdown().await
}
