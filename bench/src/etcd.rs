//! The reference store: one etcd with its defaults, on loopback without TLS.

use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use anyhow::bail;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Request;
use tempfile::TempDir;

use crate::Setup;
use crate::client::{Body, Endpoint};
use crate::process::{Process, free_address};
use crate::server::scratch;

/// A running etcd.
pub(crate) struct Etcd {
    process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) endpoint: Endpoint,
    /// From exec to the first 200 of `/health`.
    pub(crate) answered: Duration,
    /// Removed last: fields are dropped in order.
    _scratch: TempDir,
}

impl Etcd {
    /// Starts on an empty directory, if it is installed.
    pub(crate) async fn start(setup: &Setup) -> anyhow::Result<Option<Etcd>> {
        let Some(path) = &setup.etcd else { return Ok(None) };
        let scratch = scratch()?;
        let address = free_address()?;
        let (client, peer) = (format!("http://{address}"), format!("http://{}", free_address()?));
        let mut command = Command::new(path);
        command.arg("--data-dir").arg(scratch.path().join("data"));
        command.args(["--listen-client-urls", &client, "--advertise-client-urls", &client]);
        command.args(["--listen-peer-urls", &peer, "--initial-advertise-peer-urls", &peer]);
        command.args(["--initial-cluster", &format!("default={peer}")]);
        let mut process = Process::start(&mut command, scratch.path().join("etcd.log"))?;
        let endpoint = Endpoint::plain(address);
        let answered = process.answering(async || healthy(&endpoint).await).await?;
        Ok(Some(Etcd { process, address, endpoint, answered, _scratch: scratch }))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// How many transactions and ranges it has been asked for.
    pub(crate) async fn requests(&self) -> anyhow::Result<f64> {
        let text = self.endpoint.connect().await?.fetch(self.endpoint.get("/metrics")).await?;
        let text = String::from_utf8_lossy(&text);
        let counts = text.lines().filter(|line| {
            line.starts_with("grpc_server_started_total{")
                && (line.contains("grpc_method=\"Range\"") || line.contains("grpc_method=\"Txn\""))
        });
        Ok(counts.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok()).sum())
    }

    /// What makes requests to it.
    pub(crate) fn gateway(&self) -> Gateway {
        Gateway(self.endpoint.clone())
    }
}

/// Makes requests to etcd's JSON gateway.
pub(crate) struct Gateway(Endpoint);

impl Gateway {
    /// Writes one key.
    pub(crate) fn put(&self, key: &str, value: &[u8]) -> Request<Body> {
        let body = format!(r#"{{"key":"{}","value":"{}"}}"#, STANDARD.encode(key), STANDARD.encode(value));
        self.0.post("/v3/kv/put", body)
    }

    /// Watches all keys that begin with a prefix.
    pub(crate) fn watch(&self, prefix: &str) -> Request<Body> {
        let mut end = prefix.as_bytes().to_vec();
        if let Some(last) = end.last_mut() {
            *last += 1;
        }
        let (key, end) = (STANDARD.encode(prefix), STANDARD.encode(end));
        self.0.post("/v3/watch", format!(r#"{{"create_request":{{"key":"{key}","range_end":"{end}"}}}}"#))
    }

    /// Reads one key, linearizably.
    pub(crate) fn range(&self, key: &str) -> Request<Body> {
        self.0.post("/v3/kv/range", format!(r#"{{"key":"{}"}}"#, STANDARD.encode(key)))
    }
}

async fn healthy(endpoint: &Endpoint) -> anyhow::Result<()> {
    let mut lane = endpoint.connect().await?;
    let body = lane.fetch(endpoint.get("/health")).await?;
    if !body.windows(4).any(|word| word == b"true") {
        bail!("not healthy yet");
    }
    Ok(())
}
