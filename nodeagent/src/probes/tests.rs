//! Probes: documents, counts, the ways of asking, and the prober as a whole.

mod asking;
mod deciding;
mod driving;
mod server;

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{ExecEnd, ExecProbe, Probe, Target};
use crate::Pod;

/// Probes of the container `web` whose ports are named `http` (the number given) and `odd` (no such port).
fn probes(fields: Value, port: u16) -> Vec<Probe> {
    let mut web = json!({"name": "web", "image": "i",
        "ports": [{"name": "http", "containerPort": port}, {"name": "odd", "containerPort": 0}]});
    web.as_object_mut().unwrap().extend(fields.as_object().cloned().unwrap());
    let document =
        json!({"metadata": {"name": "p", "namespace": "d", "uid": "u"}, "spec": {"containers": [web]}});
    let pod = Pod::decode(document.to_string().as_bytes(), 1).unwrap();
    pod.spec.containers[0].probes.clone()
}

fn target(id: &str) -> Target {
    Target {
        pod: "u".into(),
        container: "web".into(),
        id: id.into(),
        age: Duration::ZERO,
        ip: "127.0.0.1".into(),
        reported: None,
        ending: false,
    }
}

/// Commands are what they do: `exit N TEXT`, `hang`, `refuse`.
struct Shell;

#[async_trait]
impl ExecProbe for Shell {
    async fn exec(&self, _: &str, command: &[String], timeout: Duration) -> Result<ExecEnd, String> {
        match command[0].as_str() {
            "exit" => Ok(ExecEnd::Exited {
                code: command[1].parse().unwrap(),
                output: command[2].clone().into_bytes(),
            }),
            "slow" => {
                tokio::time::sleep(timeout).await;
                Ok(ExecEnd::TimedOut)
            }
            "hang" => std::future::pending().await,
            _ => Err("no such container".to_owned()),
        }
    }
}
