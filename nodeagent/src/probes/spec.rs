//! What is asked of a container, decoded from a pod's document.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;

use crate::pod::bounded_grace;

/// What a probe is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProbeKind {
    /// Whether the container has come up; the other two wait for it.
    Startup,
    /// Whether it serves.
    Readiness,
    /// Whether it lives.
    Liveness,
}

impl fmt::Display for ProbeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// One probe of a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Probe {
    /// What it is for.
    pub kind: ProbeKind,
    /// How it asks.
    pub action: ProbeAction,
    /// It does not ask before the container is this old.
    pub initial_delay: Duration,
    /// From one try to the next.
    pub period: Duration,
    /// How long a try takes at most.
    pub timeout: Duration,
    /// So many successes in a row count as one.
    pub success_threshold: u32,
    /// So many failures in a row count as one.
    pub failure_threshold: u32,
    /// Seconds that the container gets to end when the probe has given it up, where they differ from the pod's.
    pub grace: Option<i64>,
}

/// How a probe asks. Hosts that are absent are the pod's address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ProbeAction {
    /// A command in the container ends with 0.
    Exec {
        /// Program and arguments.
        command: Vec<String>,
    },
    /// A GET is answered with a status from 200 to 399.
    Http(HttpGet),
    /// A connection is accepted.
    Tcp {
        /// Host.
        host: Option<String>,
        /// Port.
        port: u16,
    },
    /// The health service of gRPC says SERVING.
    Grpc {
        /// Port.
        port: u16,
        /// The service that is asked about; empty for the server as a whole.
        service: String,
    },
    /// Cannot be asked, with the reason.
    Impossible(String),
}

/// A request of a probe.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct HttpGet {
    /// Whether over TLS.
    pub tls: bool,
    /// Host.
    pub host: Option<String>,
    /// Port.
    pub port: u16,
    /// Path and query, from the slash.
    pub path: String,
    /// Headers that are sent besides, or instead of, the usual ones.
    pub headers: Vec<(String, String)>,
}

/// A probe in a document. The API server writes the defaults; they stand here for documents without.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct ProbeDoc {
    exec: Option<ExecDoc>,
    http_get: Option<HttpDoc>,
    tcp_socket: Option<TcpDoc>,
    grpc: Option<GrpcDoc>,
    initial_delay_seconds: i64,
    period_seconds: Option<i64>,
    timeout_seconds: Option<i64>,
    success_threshold: Option<i64>,
    failure_threshold: Option<i64>,
    termination_grace_period_seconds: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ExecDoc {
    command: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct HttpDoc {
    #[serde(default)]
    scheme: String,
    #[serde(default)]
    host: String,
    port: PortRef,
    #[serde(default)]
    path: String,
    #[serde(default)]
    http_headers: Vec<HeaderDoc>,
}

#[derive(Deserialize)]
struct HeaderDoc {
    name: String,
    #[serde(default)]
    value: String,
}

#[derive(Deserialize)]
struct TcpDoc {
    #[serde(default)]
    host: String,
    port: PortRef,
}

#[derive(Deserialize)]
struct GrpcDoc {
    port: i64,
    #[serde(default)]
    service: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum PortRef {
    Number(i64),
    Name(String),
}

/// A port of a container in a document.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct PortDoc {
    name: String,
    container_port: i64,
}

impl ProbeDoc {
    /// The probe; `ports` are the container's, by whose names it may ask.
    pub(crate) fn probe(self, kind: ProbeKind, ports: &[PortDoc]) -> Probe {
        let seconds =
            |value: Option<i64>, default| Duration::from_secs(u64::from(bounded(value.unwrap_or(default))));
        let count = |value: Option<i64>, default| bounded(value.unwrap_or(default)).max(1);
        Probe {
            kind,
            initial_delay: Duration::from_secs(u64::from(bounded(self.initial_delay_seconds))),
            period: seconds(self.period_seconds, 10).max(Duration::from_secs(1)),
            timeout: seconds(self.timeout_seconds, 1).max(Duration::from_secs(1)),
            success_threshold: count(self.success_threshold, 1),
            failure_threshold: count(self.failure_threshold, 3),
            grace: self.termination_grace_period_seconds.map(bounded_grace),
            action: self.action(ports).unwrap_or_else(ProbeAction::Impossible),
        }
    }

    fn action(self, ports: &[PortDoc]) -> Result<ProbeAction, String> {
        let host = |host: String| Some(host).filter(|host| !host.is_empty());
        match (self.exec, self.http_get, self.tcp_socket, self.grpc) {
            (Some(exec), ..) => Ok(ProbeAction::Exec { command: exec.command }),
            (_, Some(get), ..) => Ok(ProbeAction::Http(HttpGet {
                tls: get.scheme.eq_ignore_ascii_case("https"),
                host: host(get.host),
                port: get.port.resolve(ports)?,
                path: rooted(get.path),
                headers: get.http_headers.into_iter().map(|h| (h.name, h.value)).collect(),
            })),
            (.., Some(tcp), _) => {
                Ok(ProbeAction::Tcp { host: host(tcp.host), port: tcp.port.resolve(ports)? })
            }
            (.., Some(grpc)) => Ok(ProbeAction::Grpc {
                port: port_number(grpc.port)?,
                service: grpc.service.unwrap_or_default(),
            }),
            _ => Err("missing probe handler".to_owned()),
        }
    }
}

impl PortRef {
    fn resolve(&self, ports: &[PortDoc]) -> Result<u16, String> {
        let name = match self {
            Self::Number(number) => return port_number(*number),
            Self::Name(name) => name,
        };
        if let Some(port) = ports.iter().find(|port| port.name == *name) {
            return port_number(port.container_port);
        }
        let number = name.parse::<i64>();
        port_number(number.map_err(|_| format!("strconv.Atoi: parsing {name:?}: invalid syntax"))?)
    }
}

fn port_number(number: i64) -> Result<u16, String> {
    let port = u16::try_from(number).ok().filter(|port| *port > 0);
    port.ok_or_else(|| format!("invalid port number: {number}"))
}

fn rooted(path: String) -> String {
    if path.starts_with('/') { path } else { format!("/{path}") }
}

fn bounded(value: i64) -> u32 {
    value.clamp(0, i64::from(u32::MAX)) as u32
}
