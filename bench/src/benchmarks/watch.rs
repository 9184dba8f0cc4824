//! Watch fan-out: what is written once is delivered to many watchers, or to the one among many that asked for it.
//!
//! Watchers are streams of few HTTP/2 connections, and count lines without reading them, since they share the cores
//! with the server. etcd's gateway speaks HTTP/1.1: there each watcher has a connection of its own.

mod reference;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde::Deserialize;
use tokio::task::JoinSet;

use self::reference::Fanned;
use super::requests::config_map;
use crate::Setup;
use crate::client::{Lane, refused};
use crate::etcd::Etcd;
use crate::load::Load;
use crate::pods;
use crate::server::Server;
use crate::stats::percentile;
use crate::table::{Row, Unit, number};
use crate::usage::{memory, processor, settled};

/// How many watchers share a connection.
const STREAMS: usize = 100;

/// How many writes are under way at once.
const LANES: usize = 16;

/// How long the last delivery may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// One measurement.
struct Fan {
    watchers: usize,
    writes: usize,
    /// Whether each watcher follows the pods of another node, and so each write has one watcher.
    selective: bool,
}

/// What writer and watchers share.
struct Progress {
    /// When each write was sent.
    sent: Vec<std::sync::OnceLock<Instant>>,
    delivered: AtomicUsize,
}

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let sizes: &[usize] = setup.pick(&[100, 1_000], &[100, 1_000], &[100, 1_000, 10_000]);
    let server = Server::start(setup).await?;
    let etcd = Etcd::start(setup).await?;
    for (round, watchers) in sizes.iter().copied().enumerate() {
        let writes = (setup.pick(20_000, 400_000, 1_000_000) / watchers).clamp(50, 2_000);
        for (selective, writes) in [(false, writes), (true, setup.pick(500, 2_000, 5_000))] {
            let fan = Fan { watchers, writes, selective };
            fan.run(&server, etcd.as_ref(), round).await.with_context(|| format!("{watchers} watchers"))?;
        }
    }
    Ok(())
}

impl Fan {
    async fn run(&self, server: &Server, etcd: Option<&Etcd>, round: usize) -> anyhow::Result<()> {
        settled(server.pid()).await?;
        let sent = (0..self.writes).map(|_| Default::default()).collect();
        let progress = Arc::new(Progress { sent, delivered: AtomicUsize::new(0) });
        let resting = memory(server.pid())?.resident;
        let mut readers = self.watch(server, &progress).await?;
        settled(server.pid()).await?;
        let held = memory(server.pid())?.resident - resting;
        let (before, begun) = (processor(server.pid())?, Instant::now());
        self.write(server, &progress, round).await?;
        let expected = if self.selective { self.writes } else { self.writes * self.watchers };
        while progress.delivered.load(Ordering::Relaxed) < expected {
            if begun.elapsed() > PATIENCE {
                bail!("{} of {expected} were delivered", progress.delivered.load(Ordering::Relaxed));
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let (elapsed, used) = (begun.elapsed(), processor(server.pid())? - before);
        let mut lags = Vec::with_capacity(expected);
        while let Some(reader) = readers.join_next().await {
            lags.extend(reader?);
        }
        lags.sort_unstable();
        let reference = match etcd.filter(|_| !self.selective) {
            Some(etcd) => Some(reference::fan(etcd, self.watchers, self.writes).await.context("etcd")?),
            None => None,
        };
        self.print(expected, elapsed, used, &lags, held, reference.as_ref());
        Ok(())
    }

    /// Opens the watches, each with a task that reads it.
    async fn watch(
        &self,
        server: &Server,
        progress: &Arc<Progress>,
    ) -> anyhow::Result<JoinSet<Vec<Duration>>> {
        let (endpoint, resource) = (server.endpoint.by_http2(), server.path(self.resource()));
        let list = server.endpoint.get(&format!("{resource}?limit=1"));
        let list: List = serde_json::from_slice(&server.endpoint.connect().await?.fetch(list).await?)?;
        let version = list.metadata.resource_version;
        let mut readers = JoinSet::new();
        let mut watcher = 0;
        while watcher < self.watchers {
            for mut lane in endpoint.lanes(STREAMS.min(self.watchers - watcher)).await? {
                let mut path = format!("{resource}?watch=true&resourceVersion={version}");
                if self.selective {
                    path += &format!("&fieldSelector=spec.nodeName%3D{}", node(watcher));
                }
                let response = lane.send(endpoint.get(&path)).await?;
                if response.status() != StatusCode::OK {
                    return refused(response).await;
                }
                let (first, step) = if self.selective { (watcher, self.watchers) } else { (0, 1) };
                let writes: Vec<usize> = (first..self.writes).step_by(step).collect();
                readers.spawn(read(lane, response.into_body(), progress.clone(), writes));
                watcher += 1;
            }
        }
        Ok(readers)
    }

    fn resource(&self) -> &'static str {
        if self.selective { "pods" } else { "configmaps" }
    }

    /// Creates the objects.
    async fn write(&self, server: &Server, progress: &Arc<Progress>, round: usize) -> anyhow::Result<()> {
        let (endpoint, pid, progress) = (&server.endpoint, server.pid(), progress.clone());
        let (maker, selective, watchers) = (endpoint.clone(), self.selective, self.watchers);
        let path = server.path(self.resource());
        let operations = self.writes;
        let load = Load { endpoint, pid, lanes: self.lanes(), operations, expected: StatusCode::CREATED };
        let make = move |index: usize| {
            let name = format!("watched-{round}-{index}");
            let body = match selective {
                true => pods::bound(&name, &node(index % watchers)),
                false => config_map(&name).into_bytes(),
            };
            let _first = progress.sent[index].set(Instant::now());
            maker.post(&path, body)
        };
        load.run(make).await?;
        Ok(())
    }

    /// Where each watcher waits for writes of its own, their order must be known.
    fn lanes(&self) -> usize {
        if self.selective { 1 } else { LANES }
    }

    fn print(
        &self,
        deliveries: usize,
        elapsed: Duration,
        used: f64,
        lags: &[Duration],
        held: f64,
        reference: Option<&Fanned>,
    ) {
        let beside = |row: Row, figure: fn(&Fanned) -> f64| match self.selective {
            true => row,
            false => row.beside("etcd", reference.map(figure)),
        };
        let watchers = number(self.watchers as f64);
        let what = match self.selective {
            true => format!("{watchers} watchers, each of another node"),
            false => format!("{watchers} watchers of everything"),
        };
        let writes = self.writes as f64;
        let per_second = deliveries as f64 / elapsed.as_secs_f64();
        let conditions = format!(
            "{} writes, {} at once; {} MiB for the watches",
            number(writes),
            self.lanes(),
            number(held)
        );
        let row = Row::new(format!("{what}, deliveries"), per_second, Unit::PerSecond);
        beside(row.conditions(conditions), |fanned| fanned.per_second).print();
        let each = |count: usize| used * 1e6 / count as f64;
        let row = Row::new("  server CPU for each delivery", each(deliveries), Unit::Microseconds);
        beside(row.conditions(format!("for each write {} µs", number(each(self.writes)))), |f| f.each)
            .print();
        Row::new("  from sending to delivery, in order, p50", percentile(lags, 0.5), Unit::Milliseconds)
            .conditions(format!("p99 {} ms", number(percentile(lags, 0.99))))
            .print();
    }
}

fn node(index: usize) -> String {
    format!("node-{index}")
}

/// Counts lines until all writes that this watcher is to see were delivered; answers how long each took.
async fn read(lane: Lane, mut body: Incoming, progress: Arc<Progress>, writes: Vec<usize>) -> Vec<Duration> {
    let mut lags = Vec::with_capacity(writes.len());
    while lags.len() < writes.len() {
        let Some(Ok(frame)) = body.frame().await else { break };
        let lines = frame.data_ref().map_or(0, |data| data.iter().filter(|byte| **byte == b'\n').count());
        let now = Instant::now();
        for write in writes.iter().skip(lags.len()).take(lines) {
            let sent = progress.sent[*write].get();
            lags.push(sent.map_or(Duration::ZERO, |sent| now - *sent));
        }
        progress.delivered.fetch_add(lines, Ordering::Relaxed);
    }
    drop(lane);
    lags
}

#[derive(Deserialize)]
struct List {
    metadata: ListMeta,
}

#[derive(Deserialize)]
struct ListMeta {
    #[serde(rename = "resourceVersion")]
    resource_version: String,
}
