//! What a request asks for, by its method, path and query alone.

use http::Method;
use jiff::Timestamp;
use object::Status;
use percent_encoding::percent_decode_str;

use crate::logs::Options;
use crate::{Exec, Target};

/// Most words of a command, and most parameters of a query.
const PARAMETERS: usize = 4096;

/// Something the node serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Request {
    /// Whether the server lives.
    Health,
    /// A container's log.
    Logs(Target, Options),
    /// A command beside a container's process.
    Exec(Target, Exec),
    /// A container's own process.
    Attach(Target, Exec),
}

impl Request {
    /// Reads a request. `now` is what `sinceSeconds` counts from.
    pub(crate) fn parse(method: &Method, path: &str, query: &str, now: Timestamp) -> Result<Self, Status> {
        let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
        match parts[..] {
            ["healthz"] => allow(method, &[Method::GET]).map(|()| Self::Health),
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
            _ => Err(Status::no_such_path()),
        }
    }
}

fn allow(method: &Method, allowed: &[Method]) -> Result<(), Status> {
    if allowed.contains(method) { Ok(()) } else { Err(Status::method_not_allowed()) }
}

fn target(namespace: &str, pod: &str, container: &str) -> Result<Target, Status> {
    let target = Target { namespace: decode(namespace)?, pod: decode(pod)?, container: decode(container)? };
    let parts =
        [("podNamespace", &target.namespace), ("podID", &target.pod), ("containerName", &target.container)];
    if let Some((name, _)) = parts.iter().find(|(_, value)| value.is_empty()) {
        return Err(Status::bad_request(format!("Missing {name}.")));
    }
    Ok(target)
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
