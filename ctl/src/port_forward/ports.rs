//! Which ports are meant.

use object::Value;

use crate::Error;
use crate::resource::{items, text};

/// A local port (0: any), and the pod's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) local: u16,
    pub(super) remote: u16,
}

/// Reads `PORT`, `LOCAL:REMOTE` or `:REMOTE`; the remote one may be a name. Of a service it is the service's.
pub(super) fn resolve(argument: &str, service: Option<&Value>, pod: &Value) -> Result<Pair, Error> {
    let (local, remote) = match argument.split_once(':') {
        Some((local, remote)) => (Some(local), remote),
        None => (None, argument),
    };
    let number = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let (stated, found) = match service {
        Some(service) => of_service(remote, service, pod)?,
        None => {
            let port = number(remote).map_or_else(|| named(remote, pod), Ok)?;
            (port, port)
        }
    };
    let local = match local {
        None => stated,
        Some("") => 0,
        Some(text) => {
            let invalid = || Error::msg(format!("error parsing local port {text:?}: invalid port"));
            text.parse().map_err(|_| invalid())?
        }
    };
    Ok(Pair { local, remote: found })
}

/// The service's port, and the pod's that it leads to.
fn of_service(wanted: &str, service: &Value, pod: &Value) -> Result<(u16, u16), Error> {
    let name = text(&service["metadata"]["name"]);
    let is = |port: &&Value| {
        port["port"].as_u64().is_some_and(|number| number.to_string() == wanted)
            || text(&port["name"]) == wanted
    };
    let missing = || Error::msg(format!("Service {name} does not have a service port {wanted}"));
    let found = items(&service["spec"]["ports"]).iter().find(is).ok_or_else(missing)?;
    let port = found["port"].as_u64().and_then(|port| u16::try_from(port).ok()).ok_or_else(missing)?;
    Ok((port, target(&found["targetPort"], pod)?.unwrap_or(port)))
}

/// The pod's port that a `targetPort` means; none where it says nothing.
fn target(target: &Value, pod: &Value) -> Result<Option<u16>, Error> {
    match target {
        Value::String(name) => named(name, pod).map(Some),
        other => Ok(other.as_u64().and_then(|port| u16::try_from(port).ok()).filter(|port| *port > 0)),
    }
}

/// The port that a container of the pod calls so.
fn named(name: &str, pod: &Value) -> Result<u16, Error> {
    let containers = items(&pod["spec"]["containers"]).iter();
    let mut ports = containers.flat_map(|container| items(&container["ports"]));
    let found = ports.find(|port| text(&port["name"]) == name);
    let number = found.and_then(|port| port["containerPort"].as_u64()).and_then(|port| port.try_into().ok());
    let pod = text(&pod["metadata"]["name"]);
    number.ok_or_else(|| Error::msg(format!("Pod '{pod}' does not have a named port '{name}'")))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ports_are_resolved() {
        let pod = json!({
            "metadata": {"name": "p"},
            "spec": {"containers": [{}, {"ports": [{"name": "web", "containerPort": 8080}]}]},
        });
        let service = json!({
            "metadata": {"name": "s"},
            "spec": {"ports": [
                {"name": "a", "port": 80, "targetPort": "web"}, {"name": "b", "port": 81, "targetPort": 9}, {"port": 82},
            ]},
        });
        let check = |text: &str, service: Option<&Value>, expect: Result<(u16, u16), &str>| {
            let found = resolve(text, service, &pod).map(|pair| (pair.local, pair.remote));
            assert_eq!(found.map_err(|e| e.to_string()), expect.map_err(|e| format!("error: {e}")), "{text}");
        };
        check("80", None, Ok((80, 80)));
        check("8000:web", None, Ok((8000, 8080)));
        check(":80", None, Ok((0, 80)));
        check("x:80", None, Err("error parsing local port \"x\": invalid port"));
        check("http", None, Err("Pod 'p' does not have a named port 'http'"));
        check("0", None, Err("Pod 'p' does not have a named port '0'"));
        let of_service = Some(&service);
        check("80", of_service, Ok((80, 8080)));
        check("8000:b", of_service, Ok((8000, 9)));
        check(":82", of_service, Ok((0, 82)));
        check("83", of_service, Err("Service s does not have a service port 83"));
    }
}
