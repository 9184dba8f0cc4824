//! Node ports. Who holds a number holds it for all protocols.

use bytes::Bytes;
use object::{FieldError, Path, Status, Value};

use super::draw;
use crate::api::Api;

const TAKEN: &str = "provided port is already allocated";

impl Api {
    /// A port of the range that nobody holds, nor asks for in the same service; `what` it is for.
    pub(super) async fn free_port(&self, spec: &Value, what: &str) -> Result<u16, Status> {
        let (first, last) = (u128::from(self.services.first_port), u128::from(self.services.last_port));
        let band = draw::band((last + 1).saturating_sub(first), 32, 128);
        for port in draw::candidates(first, last, band, draw::random()) {
            let port = port as u16;
            if !numbers(spec).any(|asked| *asked == port) && !self.objects.holds(&key(port)).await? {
                return Ok(port);
            }
        }
        Err(Status::internal(format!("failed to allocate a {what}: range is full")))
    }

    /// What is wrong with the node port that a port asks for.
    pub(super) fn check_node_port(&self, index: usize, port: u16, is_held: bool) -> Option<FieldError> {
        let why = self.port_refusal(port, is_held)?;
        Some(FieldError::invalid(&Path::new("spec.ports").index(index).child("nodePort"), port, why))
    }

    /// Whether a service may have the port for health checks that it asks for.
    pub(super) fn check_health_port(&self, port: u16, is_held: bool) -> Result<(), Status> {
        match self.port_refusal(port, is_held) {
            None => Ok(()),
            Some(why) => {
                let text = format!("failed to allocate requested HealthCheck NodePort {port}: {why}");
                Err(Status::internal(text))
            }
        }
    }

    fn port_refusal(&self, port: u16, is_held: bool) -> Option<String> {
        let (first, last) = (self.services.first_port, self.services.last_port);
        if !(first..=last).contains(&port) {
            let range = format!("The range of valid ports is {first}-{last}");
            return Some(format!("provided port is not in the valid range. {range}"));
        }
        is_held.then(|| TAKEN.to_owned())
    }
}

/// The node port of another port of the same number, which one service may serve by several protocols.
pub(super) fn of_same_number(spec: &Value, index: usize) -> Option<Value> {
    let ports = spec["ports"].as_array()?;
    let number = &ports.get(index)?["port"];
    let alike = ports.iter().filter(|port| port["port"] == *number).map(|port| &port["nodePort"]);
    alike.into_iter().find(|port| port.as_u64().is_some_and(|port| port != 0)).cloned()
}

/// What is wrong where a port of a service has the port of its health checks.
pub(super) fn clash(spec: &Value, health: u16) -> Option<FieldError> {
    let index = node_ports(spec).position(|own| *own == health)?;
    Some(FieldError::invalid(&Path::new("spec.ports").index(index).child("nodePort"), health, TAKEN))
}

/// The node ports of a service's ports.
fn node_ports(spec: &Value) -> impl Iterator<Item = &Value> {
    spec["ports"].as_array().into_iter().flatten().map(|port| &port["nodePort"])
}

/// All ports of the nodes that a service names.
fn numbers(spec: &Value) -> impl Iterator<Item = &Value> {
    node_ports(spec).chain(std::iter::once(&spec["healthCheckNodePort"]))
}

pub(super) fn key(port: u16) -> Bytes {
    format!("/.port/{port}").into()
}
