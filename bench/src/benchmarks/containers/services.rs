//! From a service's new endpoint to the kernel's rules, as `nft monitor` tells them.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::at;
use crate::node::Node;
use crate::table::{Row, Unit};

/// Where the slices of endpoints are.
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
/// How long a change may take.
const LATE: Duration = Duration::from_secs(20);

/// Lines that wait to be read.
const LINES: usize = 64;

/// Tells what changes in the kernel's rules; ended when dropped.
struct Monitor {
    child: Child,
    lines: mpsc::Receiver<(Instant, String)>,
}

pub(super) async fn run(node: &Node, count: usize) -> anyhow::Result<()> {
    let mut monitor = Monitor::start(node)?;
    let mut lane = node.endpoint.connect().await?;
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "bench" },
        "spec": { "ports": [{ "port": 80 }] },
    });
    let request = node.endpoint.post("/api/v1/namespaces/default/services", service.to_string());
    lane.call(request, StatusCode::CREATED).await?;
    let slice = json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
        "metadata": { "name": "bench", "labels": { "kubernetes.io/service-name": "bench" } },
        "ports": [{ "port": 8080 }], "endpoints": [endpoint(&address(0))],
    });
    lane.call(node.endpoint.post(SLICES, slice.to_string()), StatusCode::CREATED).await?;
    monitor.told(&address(0)).await?;
    let mut times = Vec::new();
    for i in 1..=count {
        let patch = json!({ "endpoints": [endpoint(&address(i))] }).to_string();
        let request = node.endpoint.request(Method::PATCH, &format!("{SLICES}/bench"), patch.into());
        let begun = Instant::now();
        lane.call(request, StatusCode::OK).await?;
        times.push(monitor.told(&address(i)).await? - begun);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Row::new("endpoint changed to the kernel, p50", at(&times, 0.5), Unit::Milliseconds)
        .conditions(format!(
            "{count} changes of one service, from sending the request to `nft monitor`'s line"
        ))
        .print();
    Ok(())
}

/// Addresses of which none is the beginning of another.
fn address(number: usize) -> String {
    format!("203.0.113.{}", 100 + number)
}

fn endpoint(address: &str) -> Value {
    json!({ "addresses": [address], "conditions": { "ready": true } })
}

impl Monitor {
    fn start(node: &Node) -> anyhow::Result<Monitor> {
        let mut command = node.command("nft");
        command.arg("monitor").stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("cannot start nft")?;
        let (sender, lines) = mpsc::channel(LINES);
        let output = child.stdout.take().context("nft has no output")?;
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.blocking_send((Instant::now(), line)).is_err() {
                    return;
                }
            }
        });
        Ok(Monitor { child, lines })
    }

    /// When a line with these words came.
    async fn told(&mut self, words: &str) -> anyhow::Result<Instant> {
        let told = async {
            while let Some((at, line)) = self.lines.recv().await {
                if line.contains("add element") && line.contains(words) {
                    return Ok(at);
                }
            }
            bail!("nft monitor ended")
        };
        tokio::time::timeout(LATE, told).await.with_context(|| format!("the rules never led to {words}"))?
    }
}

impl Drop for Monitor {
    fn drop(&mut self) {
        // Both fail only if it has ended and was waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
