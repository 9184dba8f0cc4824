//! Load: a number of operations, shared by lanes that each have one under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::{Request, StatusCode};
use tokio::task::JoinSet;

use crate::client::{Body, Endpoint};
use crate::stats::{median, percentile};
use crate::table::{Row, Unit};
use crate::usage::processor;

/// What a load cost.
pub(crate) struct Cost {
    pub(crate) per_second: f64,
    /// Processor time of the server for each, in microseconds.
    pub(crate) server: f64,
    /// Processor time of this program for each, in microseconds.
    pub(crate) client: f64,
    /// Half of the operations took at most so many milliseconds.
    pub(crate) p50: f64,
    /// 99 of 100 did.
    pub(crate) p99: f64,
}

impl Cost {
    /// The medians of several runs, figure by figure.
    pub(crate) fn median(runs: &[Cost]) -> Cost {
        let of = |figure: fn(&Cost) -> f64| median(runs.iter().map(figure));
        Cost {
            per_second: of(|c| c.per_second),
            server: of(|c| c.server),
            client: of(|c| c.client),
            p50: of(|c| c.p50),
            p99: of(|c| c.p99),
        }
    }

    /// Prints what lies behind a figure a second, beside etcd's.
    pub(crate) fn print_details(&self, etcd: Option<&Cost>) {
        let row = |what: &str, figure: fn(&Cost) -> f64, unit: Unit| {
            Row::new(what, figure(self), unit).beside("etcd", etcd.map(figure)).print();
        };
        row("  server CPU each", |c| c.server, Unit::Microseconds);
        row("  p50", |c| c.p50, Unit::Milliseconds);
        row("  p99", |c| c.p99, Unit::Milliseconds);
    }
}

/// Whom to load and how.
pub(crate) struct Load<'a> {
    pub(crate) endpoint: &'a Endpoint,
    /// The server's process, where it is known.
    pub(crate) pid: Option<u32>,
    /// How many requests are under way at once.
    pub(crate) lanes: usize,
    /// How many requests in all.
    pub(crate) operations: usize,
    /// What each must be answered by.
    pub(crate) expected: StatusCode,
}

impl Load<'_> {
    /// Connects, then runs operations `0..operations`, each made by `make` just before it is sent.
    pub(crate) async fn run<F>(&self, make: F) -> anyhow::Result<Cost>
    where
        F: Fn(usize) -> Request<Body> + Send + Sync + 'static,
    {
        let lanes = self.endpoint.lanes(self.lanes).await?;
        let expected = self.expected;
        measure(lanes, self.operations, self.pid, move |lane, i| lane.call(make(i), expected).boxed()).await
    }
}

/// Runs operations `0..operations` on these lanes; each lane has one under way. `pid` is the server's process.
pub(crate) async fn measure<L, F>(
    lanes: Vec<L>,
    operations: usize,
    pid: Option<u32>,
    call: F,
) -> anyhow::Result<Cost>
where
    L: Send + 'static,
    F: for<'a> Fn(&'a mut L, usize) -> BoxFuture<'a, anyhow::Result<()>> + Send + Sync + 'static,
{
    let (call, next) = (Arc::new(call), Arc::new(AtomicUsize::new(0)));
    let used = || anyhow::Ok((processor(pid)?, processor(std::process::id())?));
    let (before, begun) = (used()?, Instant::now());
    let mut running = JoinSet::new();
    for lane in lanes {
        let take = {
            let next = next.clone();
            move || Some(next.fetch_add(1, Ordering::Relaxed)).filter(|i| *i < operations)
        };
        running.spawn(drive(lane, take, call.clone()));
    }
    let mut latencies = Vec::with_capacity(operations);
    while let Some(done) = running.join_next().await {
        latencies.extend(done.context("a lane panicked")??);
    }
    let (elapsed, after) = (begun.elapsed(), used()?);
    latencies.sort_unstable();
    let each = |seconds: f64| seconds * 1e6 / operations as f64;
    Ok(Cost {
        per_second: operations as f64 / elapsed.as_secs_f64(),
        server: each(after.0 - before.0),
        client: each(after.1 - before.1),
        p50: percentile(&latencies, 0.5),
        p99: percentile(&latencies, 0.99),
    })
}

/// One lane: takes operations until there are none; answers how long each took, from its making to the end of its
/// answer.
async fn drive<L, F>(
    mut lane: L,
    take: impl Fn() -> Option<usize>,
    call: Arc<F>,
) -> anyhow::Result<Vec<Duration>>
where
    F: for<'a> Fn(&'a mut L, usize) -> BoxFuture<'a, anyhow::Result<()>>,
{
    let mut latencies = Vec::new();
    while let Some(i) = take() {
        let begun = Instant::now();
        call(&mut lane, i).await?;
        latencies.push(begun.elapsed());
    }
    Ok(latencies)
}
