//! `port-forward`: local ports that lead to a pod's.

mod carry;
mod ports;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use clap::Args;
use futures::future::select_all;
use object::Value;
use tokio::net::{TcpListener, TcpStream};

use crate::Error;
use crate::pods::{self, Purpose};
use crate::resource::{Resources, targets, text};
use crate::session::{Session, with_words};
use crate::verb::emit;
use crate::wait::parse_duration;
use ports::Pair;

/// Forward one or more local ports to a pod.
#[derive(Args, Clone, Debug)]
pub struct PortForward {
    /// `POD` or `TYPE/NAME`.
    target: String,
    /// `[LOCAL]:REMOTE` or the same port on both sides. Without a local port one is chosen.
    #[arg(required = true)]
    ports: Vec<String>,
    /// Addresses to listen on; `localhost` is both of this machine's own.
    #[arg(long, value_delimiter = ',', default_value = "localhost")]
    address: Vec<String>,
    /// How long to wait until there is a pod.
    #[arg(long, default_value = "1m", value_parser = parse_duration)]
    pod_running_timeout: Duration,
}

/// A listener, and the port of the pod that it leads to.
struct Local {
    listener: TcpListener,
    remote: u16,
}

impl PortForward {
    pub(crate) async fn run(self, session: &Session) -> Result<(), Error> {
        let found = pods::find(session, &self.target, Purpose::Exec, self.pod_running_timeout).await?;
        let phase = text(&found.pod["status"]["phase"]);
        if phase != "Running" {
            let text = format!("unable to forward port because pod is not running. Current status={phase}");
            return Err(Error::Message(text));
        }
        let service = self.service(session).await?;
        let pairs = self.ports.iter().map(|text| ports::resolve(text, service.as_ref(), &found.pod));
        let pairs = pairs.collect::<Result<Vec<_>, _>>()?;
        let mut locals = Vec::new();
        for pair in pairs {
            locals.extend(listen(&self.address, pair).await?);
        }
        let meta = &found.pod["metadata"];
        let path = format!("{}/portforward", pods::path(text(&meta["namespace"]), text(&meta["name"])));
        let served = locals.iter().map(|local| Box::pin(serve(session, local, &path)));
        select_all(served).await.0
    }

    /// The service that the target is, if it is one: ports are its own then.
    async fn service(&self, session: &Session) -> Result<Option<Value>, Error> {
        if !self.target.contains('/') {
            return Ok(None);
        }
        let resources = Resources::discover(session).await?;
        let found = targets(std::slice::from_ref(&self.target), &resources)?;
        match found.first() {
            Some(target) if target.resource.kind == "Service" && target.resource.group.is_empty() => {
                let name = target.name.as_deref().unwrap_or_default();
                let path = target.resource.object(session.namespace_of(&target.resource), name);
                session.get(&path).await.map(Some)
            }
            _ => Ok(None),
        }
    }
}

/// Listens for a pair of ports. Of the two addresses of `localhost` one is enough.
async fn listen(addresses: &[String], pair: Pair) -> Result<Vec<Local>, Error> {
    let (mut locals, mut port) = (Vec::new(), pair.local);
    for address in addresses {
        let both = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
        let parsed = address.parse::<IpAddr>().map(|ip| vec![ip]);
        let ips = match (address.as_str(), parsed) {
            ("localhost", _) => both.to_vec(),
            (_, Ok(ips)) => ips,
            (other, Err(_)) => return Err(Error::msg(format!("{other} is not a valid IP"))),
        };
        let (before, mut failures) = (locals.len(), Vec::new());
        for ip in ips {
            match TcpListener::bind((ip, port)).await {
                Ok(listener) => {
                    let bound = listener.local_addr().map_err(|source| unheard(ip, port, &source))?;
                    // a port that was chosen for one address is wanted on all
                    port = bound.port();
                    emit(&format!("Forwarding from {bound} -> {}\n", pair.remote))?;
                    locals.push(Local { listener, remote: pair.remote });
                }
                Err(source) => failures.push(unheard(ip, port, &source)),
            }
        }
        if locals.len() == before {
            failures.insert(
                0,
                Error::msg(format!("unable to listen on port {port}: Listeners failed to create")),
            );
            return Error::all(failures).map(|()| Vec::new());
        }
    }
    Ok(locals)
}

fn unheard(ip: IpAddr, port: u16, source: &std::io::Error) -> Error {
    Error::msg(format!("unable to create listener: listen {ip} port {port}: {source}"))
}

/// Takes connections to a local port, each of which gets a stream of its own to the pod. Ends when the pod is gone.
async fn serve(session: &Session, local: &Local, path: &str) -> Result<(), Error> {
    let path = with_words(path, &[("ports", &local.remote.to_string())]);
    let port = local.listener.local_addr().map(|bound| bound.port()).unwrap_or_default();
    let mut open = futures::stream::FuturesUnordered::new();
    loop {
        tokio::select! {
            accepted = local.listener.accept() => {
                let (stream, _) = accepted.map_err(|e| Error::msg(format!("cannot accept: {e}")))?;
                emit(&format!("Handling connection for {port}\n"))?;
                open.push(forward(session, stream, &path));
            }
            Some(ended) = futures::StreamExt::next(&mut open), if !open.is_empty() => match ended {
                Err(e) if e.is_not_found() => return Err(Error::msg("lost connection to pod")),
                Err(e) => eprintln!("an error occurred forwarding {port} -> {}: {e}", local.remote),
                Ok(()) => {}
            },
        }
    }
}

async fn forward(session: &Session, stream: TcpStream, path: &str) -> Result<(), Error> {
    // the small messages of a conversation are not to wait for more
    let _ = stream.set_nodelay(true);
    carry::carry(stream, session.connect(path).await?).await
}
