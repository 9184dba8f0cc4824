//! Questions that others answer.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Message, MessageType, Query};
use hickory_server::proto::rr::{Name, RecordType};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// How long one server may take: all of them together less than the 5 s that resolvers wait.
const PATIENCE: Duration = Duration::from_millis(1500);

/// Servers beyond these are not asked, as resolv.conf(5) has it.
const MOST: usize = 3;

/// The servers that know what the cluster does not.
#[derive(Debug)]
pub(super) struct Upstreams(Vec<SocketAddr>);

impl Upstreams {
    /// All but those that are the server itself, which listens on `own`.
    pub fn new(all: Vec<SocketAddr>, own: &[SocketAddr]) -> Self {
        let others = all.into_iter().filter(|server| !own.iter().any(|own| same(*own, *server)));
        Self(others.take(MOST).collect())
    }

    /// Passes a whole message on, by the protocol that it came by, and returns the first answer to it.
    pub async fn pass(&self, question: &[u8], protocol: Protocol) -> Option<Message> {
        for server in &self.0 {
            let asked = async {
                match protocol {
                    Protocol::Udp => by_udp(*server, question).await,
                    _ => by_tcp(*server, question).await,
                }
            };
            match timeout(PATIENCE, asked).await {
                Ok(Ok(answer)) => return Some(answer),
                Ok(Err(error)) => tracing::debug!(%server, %error, "name server failed"),
                Err(_) => tracing::debug!(%server, "name server did not answer"),
            }
        }
        None
    }

    /// Asks a question of our own.
    pub async fn ask(&self, id: u16, name: &Name, kind: RecordType, protocol: Protocol) -> Option<Message> {
        let mut message = Message::query();
        message.metadata.id = id;
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(name.clone(), kind));
        self.pass(&message.to_vec().ok()?, protocol).await
    }
}

/// Whether a question to `server` would come to a socket that listens on `own`.
fn same(own: SocketAddr, server: SocketAddr) -> bool {
    own.port() == server.port()
        && (own.ip() == server.ip() || own.ip().is_unspecified() && server.ip().is_loopback())
}

async fn by_udp(server: SocketAddr, question: &[u8]) -> io::Result<Message> {
    let any = match server.ip() {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    socket.send(question).await?;
    loop {
        let mut answer = Vec::with_capacity(usize::from(u16::MAX));
        socket.recv_buf(&mut answer).await?;
        // what does not answer the question may be forged: the true answer may yet come
        if let Some(message) = answer_to(question, &answer) {
            return Ok(message);
        }
    }
}

async fn by_tcp(server: SocketAddr, question: &[u8]) -> io::Result<Message> {
    let length = u16::try_from(question.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    let mut stream = TcpStream::connect(server).await?;
    stream.write_all(&[&length.to_be_bytes(), question].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    answer_to(question, &answer).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn answer_to(question: &[u8], answer: &[u8]) -> Option<Message> {
    let answer = Message::from_vec(answer).ok()?;
    let question = Message::from_vec(question).ok()?;
    let fits = answer.metadata.message_type == MessageType::Response
        && answer.metadata.id == question.metadata.id
        && answer.queries == question.queries;
    fits.then_some(answer)
}
