//! One connection, over a WebSocket with the subprotocols `v5.channel.k8s.io` and `v4`: channel 0 carries data, channel 1
//! tells what goes wrong, and each begins with the port's number.

use futures::{SinkExt, StreamExt};
use kube::client::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Error;

const DATA: u8 = 0;
/// Tells that a channel has ended; of version 5 alone.
const CLOSE: u8 = 255;
/// Bytes that are read at once.
const CHUNK: usize = 32 << 10;

/// Carries a local connection's bytes both ways, until the pod's side has ended.
pub(super) async fn carry(local: TcpStream, connection: Connection) -> Result<(), Error> {
    let closes = connection.supports_stream_close();
    let (mut sending, mut reading) = connection.into_stream().split();
    let (mut from, mut to) = local.into_split();
    let up = async {
        let mut buffer = vec![DATA; 1 + CHUNK];
        while let Ok(read @ 1..) = from.read(&mut buffer[1..]).await {
            if sending.send(buffer[..=read].to_vec().into()).await.is_err() {
                return;
            }
        }
        if closes {
            let _ = sending.send(vec![CLOSE, DATA].into()).await;
        }
    };
    let down = async {
        let mut begun = [false; 2];
        while let Some(message) = reading.next().await {
            let message = message.map_err(|e| Error::msg(format!("error reading from the stream: {e}")))?;
            let content = if message.is_binary() { message.into_data() } else { continue };
            let Some((&channel, content)) = content.split_first() else { continue };
            match begun.get_mut(usize::from(channel)) {
                Some(begun) if !*begun => *begun = true,
                Some(_) if channel != DATA => return Err(Error::msg(String::from_utf8_lossy(content))),
                // who reads no more has all that it wants
                Some(_) if to.write_all(content).await.is_err() => return Ok(()),
                _ => {}
            }
        }
        let _ = to.shutdown().await;
        Ok(())
    };
    let up = async {
        up.await;
        // the pod's side tells the end
        std::future::pending().await
    };
    tokio::select! {
        ended = down => ended,
        ended = up => ended,
    }
}
