//! The name server's life.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hickory_server::Server;
use hickory_server::proto::rr::Name;
use tokio::net::{TcpListener, UdpSocket};
use tokio::sync::watch;

use super::forward::Upstreams;
use super::handler::Handler;
use crate::{Error, Services};

/// How long a connection may be idle.
const IDLE: Duration = Duration::from_secs(10);

/// How many answers may wait for a client to take them.
const ANSWERS: usize = 32;

/// What a name server needs to know.
#[derive(Clone, Debug)]
pub struct DnsOptions {
    /// Where it listens, by UDP and TCP.
    pub listen: Vec<SocketAddr>,
    /// The cluster's domain, such as `cluster.local`.
    pub domain: String,
    /// Who is asked about all other names, in order of preference. Those where the server itself listens are
    /// left out.
    pub upstream: Vec<SocketAddr>,
}

/// A running name server. It ends when it is dropped.
pub struct Dns {
    server: Server<Handler>,
}

impl Dns {
    /// Listens and answers by what `services` says at the moment of each question.
    ///
    /// Fails where an address cannot be listened on, or the domain is not a name.
    pub async fn start(options: DnsOptions, services: watch::Receiver<Arc<Services>>) -> Result<Self, Error> {
        let domain = domain(&options.domain)?;
        let upstreams = Upstreams::new(options.upstream, &options.listen);
        let mut server = Server::new(Handler::new(domain, services, upstreams));
        for address in options.listen {
            let udp = UdpSocket::bind(address).await;
            server
                .register_socket(udp.map_err(|source| Error::System { doing: "listening for DNS", source })?);
            let tcp = TcpListener::bind(address).await;
            let tcp = tcp.map_err(|source| Error::System { doing: "listening for DNS", source })?;
            server.register_listener(tcp, IDLE, ANSWERS);
        }
        Ok(Self { server })
    }

    /// Stops to listen and waits until that is so.
    pub async fn stop(mut self) {
        if let Err(error) = self.server.shutdown_gracefully().await {
            tracing::warn!(%error, "name server ended badly");
        }
    }
}

fn domain(text: &str) -> Result<Name, Error> {
    let mut name = Name::from_ascii(text).map_err(|_| Error::Domain(text.to_owned()))?;
    name.set_fqdn(true);
    Ok(name.to_lowercase())
}
