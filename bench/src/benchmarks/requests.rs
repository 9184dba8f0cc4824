//! Creates and gets a second, beside puts and ranges of the same size by a bare etcd's HTTP gateway.
//!
//! The gateway is etcd's JSON over HTTP/1.1 door, which costs more than its gRPC: read the ratio with that in mind.
//! The server pays for TLS, authentication, authorization and validation besides; etcd runs without any of these.

use std::sync::Arc;

use anyhow::Context;
use http::StatusCode;
use serde_json::json;

use crate::Setup;
use crate::client::Endpoint;
use crate::etcd::Etcd;
use crate::load::{Cost, Load};
use crate::server::Server;
use crate::stats::Spread;
use crate::table::{Row, Unit, number};

/// Bytes of a ConfigMap's JSON, and of a value in etcd.
pub(super) const SIZE: usize = 1024;

/// How many gets there are for each create: they cost so much less.
const GETS: usize = 3;

/// What both servers do, from connecting lanes to measuring.
struct Round<'a> {
    server: &'a Server,
    etcd: Option<&'a Etcd>,
    lanes: usize,
    http2: bool,
    operations: usize,
    runs: usize,
}

/// The runs of the two.
#[derive(Default)]
struct Costs {
    server: Vec<Cost>,
    etcd: Vec<Cost>,
}

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let server = Server::start(setup).await?;
    let etcd = Etcd::start(setup).await?;
    println!(
        "  etcd: put and linearizable range of {SIZE} B by its HTTP gateway (JSON, base64), plain HTTP/1.1"
    );
    let scale = setup.pick(1, 3, 10);
    let runs = setup.pick(1, 3, 5);
    let kinds =
        [(1, false, 1_000), (16, false, 3_000), (64, false, 5_000), (256, false, 5_000), (64, true, 5_000)];
    for (lanes, http2, operations) in kinds {
        let operations = operations * scale;
        Round { server: &server, etcd: etcd.as_ref(), lanes, http2, operations, runs }.run().await?;
    }
    Ok(())
}

impl Round<'_> {
    async fn run(&self) -> anyhow::Result<()> {
        let (mut creates, mut gets) = (Costs::default(), Costs::default());
        for run in 0..self.runs {
            // Each run has names of its own, since nothing is deleted in between.
            let prefix = format!("bench-{}-{}-{run}", if self.http2 { "h2" } else { "h1" }, self.lanes);
            creates.server.push(self.creates(&prefix).await.context("create")?);
            gets.server.push(self.gets(&prefix).await.context("get")?);
            if let Some(etcd) = self.etcd {
                creates.etcd.push(self.puts(etcd, &prefix).await.context("etcd put")?);
                gets.etcd.push(self.ranges(etcd, &prefix).await.context("etcd range")?);
            }
        }
        self.print("creates", self.operations, &creates);
        self.print("gets", self.operations * GETS, &gets);
        Ok(())
    }

    /// How the server is reached.
    fn endpoint(&self) -> Endpoint {
        if self.http2 { self.server.endpoint.by_http2() } else { self.server.endpoint.clone() }
    }

    fn load<'a>(
        &self,
        endpoint: &'a Endpoint,
        pid: Option<u32>,
        operations: usize,
        expected: StatusCode,
    ) -> Load<'a> {
        Load { endpoint, pid, lanes: self.lanes, operations, expected }
    }

    async fn creates(&self, prefix: &str) -> anyhow::Result<Cost> {
        let (endpoint, prefix) = (self.endpoint(), prefix.to_owned());
        let path = self.server.path("configmaps");
        let load = self.load(&endpoint, self.server.pid(), self.operations, StatusCode::CREATED);
        let maker = endpoint.clone();
        load.run(move |i| maker.post(&path, config_map(&format!("{prefix}-{i}")))).await
    }

    async fn gets(&self, prefix: &str) -> anyhow::Result<Cost> {
        let endpoint = self.endpoint();
        let path = format!("{}/{prefix}", self.server.path("configmaps"));
        let names = self.operations;
        let load = self.load(&endpoint, self.server.pid(), names * GETS, StatusCode::OK);
        let maker = endpoint.clone();
        load.run(move |i| maker.get(&format!("{path}-{}", i % names))).await
    }

    async fn puts(&self, etcd: &Etcd, prefix: &str) -> anyhow::Result<Cost> {
        let (gateway, prefix) = (etcd.gateway(), prefix.to_owned());
        let load = self.load(&etcd.endpoint, Some(etcd.pid()), self.operations, StatusCode::OK);
        let value: Arc<[u8]> = vec![b'x'; SIZE].into();
        load.run(move |i| gateway.put(&format!("{prefix}-{i}"), &value)).await
    }

    async fn ranges(&self, etcd: &Etcd, prefix: &str) -> anyhow::Result<Cost> {
        let (gateway, prefix) = (etcd.gateway(), prefix.to_owned());
        let names = self.operations;
        let load = self.load(&etcd.endpoint, Some(etcd.pid()), names * GETS, StatusCode::OK);
        load.run(move |i| gateway.range(&format!("{prefix}-{}", i % names))).await
    }

    fn print(&self, verb: &str, operations: usize, costs: &Costs) {
        let (cost, spread) =
            (Cost::median(&costs.server), Spread::of(costs.server.iter().map(|c| c.per_second)));
        let etcd = self.etcd.map(|_| Cost::median(&costs.etcd));
        let beside = |figure: fn(&Cost) -> f64| etcd.as_ref().map(figure);
        let way = match (self.http2, self.lanes) {
            (true, streams) => format!("1 HTTP/2 connection, {streams} streams"),
            (false, 1) => "1 connection".to_owned(),
            (false, lanes) => format!("{lanes} connections"),
        };
        let mut client = format!("client CPU {} µs each", number(cost.client));
        if let Some(etcd) = &etcd {
            client += &format!(" (etcd's {} µs)", number(etcd.client));
            client += if self.http2 { "; etcd by as many HTTP/1.1 connections" } else { "" };
        }
        Row::spread(format!("{verb}, {way}"), &spread, Unit::PerSecond)
            .beside("etcd", beside(|c| c.per_second))
            .conditions(format!("{} a run", number(operations as f64)))
            .conditions(client)
            .print();
        cost.print_details(etcd.as_ref());
    }
}

/// A ConfigMap whose JSON is [`SIZE`] bytes.
pub(super) fn config_map(name: &str) -> String {
    let with = |filler: &str| {
        let data = json!({ "application.properties": filler });
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": data })
            .to_string()
    };
    with(&"x".repeat(SIZE.saturating_sub(with("").len())))
}

#[cfg(test)]
mod tests {
    #[test]
    fn size() {
        assert_eq!(super::config_map("bench-h1-64-0-1234").len(), super::SIZE);
    }
}
