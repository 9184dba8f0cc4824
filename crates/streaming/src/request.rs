//! What a request asks for, by its method, path and query alone.

use http::Method;
use jiff::Timestamp;
use object::Status;
use percent_encoding::percent_decode_str;

use crate::logs::Options;
use crate::{Exec, Target};

/// Most words of a command, and most parameters of a query.
const PARAMETERS: usize = 4096;
/// Most ports of a request: each has two of a WebSocket's channels, of which the last one means something else.
const PORTS: usize = 127;

/// Something the node serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Whether the server lives.
    Health,
    /// What the node is measured by.
    Metrics,
    /// A container's log.
    Logs(Target, Options),
    /// A command beside a container's process.
    Exec(Target, Exec),
    /// A container's own process.
    Attach(Target, Exec),
    /// Ports of a pod, in the order of the query.
    PortForward { namespace: String, pod: String, ports: Vec<u16> },
}

impl Request {
    /// Reads a request. `now` is what `sinceSeconds` counts from.
    pub(crate) fn parse(method: &Method, path: &str, query: &str, now: Timestamp) -> Result<Self, Status> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts[..] {
            ["healthz"] => allow(method, &[Method::GET]).map(|()| Self::Health),
            ["metrics"] => allow(method, &[Method::GET]).map(|()| Self::Metrics),
            ["containerLogs", namespace, pod, container] => {
                allow(method, &[Method::GET])?;
                let target = target(namespace, pod, container)?;
                Ok(Self::Logs(target, Options::parse(&parameters(query)?, now)?))
            }
            [verb @ ("exec" | "attach"), namespace, pod, container] => {
                allow(method, &[Method::GET, Method::POST])?;
                let target = target(namespace, pod, container)?;
                let exec = streams(&parameters(query)?)?;
                Ok(if verb == "exec" { Self::Exec(target, exec) } else { Self::Attach(target, exec) })
            }
            ["portForward", namespace, pod] => {
                allow(method, &[Method::GET, Method::POST])?;
                let (namespace, pod) = (decode(namespace)?, decode(pod)?);
                required(&[("podNamespace", &namespace), ("podID", &pod)])?;
                Ok(Self::PortForward { namespace, pod, ports: ports(&parameters(query)?)? })
            }
            _ => Err(Status::no_such_path()),
        }
    }
}

fn allow(method: &Method, allowed: &[Method]) -> Result<(), Status> {
    if allowed.contains(method) { Ok(()) } else { Err(Status::method_not_allowed()) }
}

fn target(namespace: &str, pod: &str, container: &str) -> Result<Target, Status> {
    let target = Target { namespace: decode(namespace)?, pod: decode(pod)?, container: decode(container)? };
    required(&[
        ("podNamespace", &target.namespace),
        ("podID", &target.pod),
        ("containerName", &target.container),
    ])?;
    Ok(target)
}

fn required(parts: &[(&str, &String)]) -> Result<(), Status> {
    match parts.iter().find(|(_, value)| value.is_empty()) {
        Some((name, _)) => Err(Status::bad_request(format!("Missing {name}."))),
        None => Ok(()),
    }
}

/// The ports of a query: `port=80,443`, and as often as wanted.
fn ports(query: &[(String, String)]) -> Result<Vec<u16>, Status> {
    let lists = query.iter().filter(|(key, _)| key == "port").map(|(_, list)| list);
    let texts: Vec<&str> = lists.flat_map(|list| list.split(',')).take(PORTS + 1).collect();
    if texts.len() > PORTS {
        return Err(Status::bad_request(format!("at most {PORTS} ports can be forwarded at a time")));
    }
    let port = |text: &str| match text.parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Status::bad_request(format!("unable to parse {text:?} as a port"))),
    };
    texts.into_iter().map(port).collect()
}

/// Which streams a client wants. A terminal has no standard error of its own.
fn streams(query: &[(String, String)]) -> Result<Exec, Status> {
    let flag = |name: &str| {
        query.iter().find(|(key, _)| key == name).is_some_and(|(_, value)| value == "1" || value == "true")
    };
    let words = query.iter().filter(|(key, _)| key == "command");
    let tty = flag("tty");
    let exec = Exec {
        command: words.map(|(_, value)| value.clone()).collect(),
        stdin: flag("input"),
        stdout: flag("output"),
        stderr: flag("error") && !tty,
        tty,
    };
    if exec.stdin || exec.stdout || exec.stderr {
        Ok(exec)
    } else {
        Err(Status::bad_request("you must specify at least 1 of stdin, stdout, stderr"))
    }
}

fn parameters(query: &str) -> Result<Vec<(String, String)>, Status> {
    let pairs: Vec<&str> = query.split('&').filter(|pair| !pair.is_empty()).take(PARAMETERS + 1).collect();
    if pairs.len() > PARAMETERS {
        return Err(Status::bad_request("too many parameters"));
    }
    let part = |text: &str| decode(&text.replace('+', " "));
    let pair = |pair: &str| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((part(key)?, part(value)?))
    };
    pairs.into_iter().map(pair).collect()
}

fn decode(text: &str) -> Result<String, Status> {
    let bad = |_| Status::bad_request(format!("invalid UTF-8 in {text:?}"));
    Ok(percent_decode_str(text).decode_utf8().map_err(bad)?.into_owned())
}

#[cfg(test)]
mod tests;
