//! Creates and gets a second of a server whose data are in an etcd, beside what a client of etcd gets from another one
//! directly: the same transactions (a put where the key is absent and another one is there) and ranges, of the same
//! size, by gRPC on one connection, as the server has it.
//!
//! The server pays for TLS, authentication, authorization and validation besides, and shares the machine with its etcd.

use std::sync::Arc;

use anyhow::{Context, ensure};
use etcd_client::{Client, Compare, CompareOp, KvClient, Txn, TxnOp};
use futures::FutureExt;
use http::StatusCode;

use super::requests::{SIZE, config_map};
use crate::Setup;
use crate::etcd::Etcd;
use crate::load::{Cost, Load, measure};
use crate::server::Server;
use crate::stats::Spread;
use crate::table::{Row, Unit, number};

/// How many gets there are for each create.
const GETS: usize = 3;

/// What must be there for a create, as its namespace.
const GATE: &str = "/gate";

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let (Some(bare), Some(under)) = (Etcd::start(setup).await?, Etcd::start(setup).await?) else {
        println!("  etcd is not installed");
        return Ok(());
    };
    let server = Server::start_on(setup, &under).await?;
    let client = Client::connect([format!("http://{}", bare.address)], None).await.context("etcd")?;
    client.kv_client().put(GATE, "", None).await.context("etcd")?;
    let (scale, runs) = (setup.pick(1, 2, 5), setup.pick(1, 5, 7));
    for (lanes, operations) in [(1, 500), (16, 2_000), (64, 4_000), (256, 8_000)] {
        let operations = operations * scale;
        let round = Round { server: &server, bare: &bare, client: client.kv_client(), lanes, operations };
        let (mut creates, mut puts) = (Vec::new(), Vec::new());
        let (mut gets, mut ranges, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..runs {
            let prefix = format!("bench-{lanes}-{run}");
            puts.push(round.puts(&prefix).await.context("etcd put")?);
            creates.push(round.creates(&prefix).await.context("create")?);
            ranges.push(round.ranges(&prefix).await.context("etcd range")?);
            let before = under.requests().await?;
            gets.push(round.gets(&prefix).await.context("get")?);
            asked.push((under.requests().await? - before) / (operations * GETS) as f64);
        }
        print(&format!("creates, {lanes} connections"), &creates, &puts, &format!("{operations} a run"));
        let asked = number(Spread::of(asked).median);
        let asked = format!("{} a run; etcd is asked {asked} times for each", operations * GETS);
        print(&format!("gets, {lanes} connections"), &gets, &ranges, &asked);
    }
    Ok(())
}

struct Round<'a> {
    server: &'a Server,
    /// The etcd that is its own reference.
    bare: &'a Etcd,
    client: KvClient,
    lanes: usize,
    operations: usize,
}

impl Round<'_> {
    async fn creates(&self, prefix: &str) -> anyhow::Result<Cost> {
        let (endpoint, path) = (self.server.endpoint.clone(), self.server.path("configmaps"));
        let prefix = prefix.to_owned();
        let load = self.load(&self.server.endpoint, self.operations, StatusCode::CREATED);
        load.run(move |i| endpoint.post(&path, config_map(&format!("{prefix}-{i}")))).await
    }

    async fn gets(&self, prefix: &str) -> anyhow::Result<Cost> {
        let endpoint = self.server.endpoint.clone();
        let (path, names) = (format!("{}/{prefix}", self.server.path("configmaps")), self.operations);
        let load = self.load(&self.server.endpoint, names * GETS, StatusCode::OK);
        load.run(move |i| endpoint.get(&format!("{path}-{}", i % names))).await
    }

    fn load<'a>(
        &self,
        endpoint: &'a crate::client::Endpoint,
        operations: usize,
        expected: StatusCode,
    ) -> Load<'a> {
        Load { endpoint, pid: self.server.pid(), lanes: self.lanes, operations, expected }
    }

    async fn puts(&self, prefix: &str) -> anyhow::Result<Cost> {
        let (prefix, value): (_, Arc<[u8]>) = (prefix.to_owned(), vec![b'x'; SIZE].into());
        let (lanes, pid) = (vec![self.client.clone(); self.lanes], Some(self.bare.pid()));
        measure(lanes, self.operations, pid, move |client: &mut KvClient, i| {
            let (key, value) = (format!("/{prefix}/{i}"), value.to_vec());
            let absent = Compare::create_revision(&*key, CompareOp::Equal, 0);
            let there = Compare::create_revision(GATE, CompareOp::Greater, 0);
            let txn = Txn::new().when([absent, there]).and_then([TxnOp::put(key, value, None)]);
            async move {
                ensure!(client.txn(txn).await?.succeeded(), "etcd refuses what it should take");
                Ok(())
            }
            .boxed()
        })
        .await
    }

    async fn ranges(&self, prefix: &str) -> anyhow::Result<Cost> {
        let (prefix, names) = (prefix.to_owned(), self.operations);
        let (lanes, pid) = (vec![self.client.clone(); self.lanes], Some(self.bare.pid()));
        measure(lanes, names * GETS, pid, move |client: &mut KvClient, i| {
            let key = format!("/{prefix}/{}", i % names);
            async move { Ok(client.get(key, None).await.map(drop)?) }.boxed()
        })
        .await
    }
}

fn print(what: &str, ours: &[Cost], etcds: &[Cost], conditions: &str) {
    let (cost, etcd) = (Cost::median(ours), Cost::median(etcds));
    Row::spread(what, &Spread::of(ours.iter().map(|cost| cost.per_second)), Unit::PerSecond)
        .beside("etcd", Some(etcd.per_second))
        .conditions(conditions)
        .print();
    cost.print_details(Some(&etcd));
}
