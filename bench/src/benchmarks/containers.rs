//! Pods of real containers, beside what `ctr` takes for the same containers on the same containerd.

mod memory;
mod pods;
mod reference;
mod services;

use std::time::Duration;

use crate::Setup;
use crate::node::{Node, clear, missing};
use crate::stats::{Spread, millis, percentile};
use crate::table::{Row, Unit, skipped};

/// Runs of many pods at once.
const RUNS: usize = 3;
/// How many pods are created at once.
const MANY: usize = 30;

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    if let Some(why) = missing() {
        skipped(&why);
        return Ok(());
    }
    let node = Node::start(setup).await?;
    let idle = memory::idle(&node).await?;
    one_by_one(&node, setup.pick(5, 20, 50)).await?;
    at_once(&node, setup.pick(1, RUNS, RUNS), &idle).await?;
    services::run(&node, setup.pick(5, 20, 50)).await
}

/// Single pods and single containers in turn, so that what else the machine does falls on both.
async fn one_by_one(node: &Node, count: usize) -> anyhow::Result<()> {
    let mut watch = pods::watch(node).await?;
    let (mut created, mut reference) = (Vec::new(), Vec::new());
    for i in 0..count {
        created.push(pods::one(node, &mut watch, format!("single-{i}")).await?);
        pods::remove(node, &mut watch).await?;
        reference.push(reference::one(node, &format!("single-{i}"))?);
        clear(&node.reference).await?;
    }
    let conditions = format!("{count} pods, image present; ctr: `ctr run -d`, without network or volumes");
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        Row::new(format!("created to Running, {name}"), at(&created, share), Unit::Milliseconds)
            .beside("ctr", Some(at(&reference, share)))
            .conditions(&conditions)
            .print();
    }
    Ok(())
}

/// Many pods and many containers in turn, all at once.
async fn at_once(node: &Node, runs: usize, idle: &memory::Held) -> anyhow::Result<()> {
    let mut watch = pods::watch(node).await?;
    let (mut times, mut reference) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let first = run == 0;
        times.push(millis(pods::many(node, &mut watch, run, MANY).await?));
        if first {
            memory::with_pods(node, MANY, idle).await?;
        }
        pods::remove(node, &mut watch).await?;
        reference.push(millis(reference::many(node, MANY)?));
        if first {
            memory::of_reference(node, MANY)?;
        }
        clear(&node.reference).await?;
    }
    memory::without_pods(node).await?;
    let beside = Spread::of(reference);
    Row::spread(format!("{MANY} created at once, all Running"), &Spread::of(times), Unit::Milliseconds)
        .beside("ctr", Some(beside.median))
        .conditions(format!("ctr: {MANY} `ctr run -d` at once, {}", beside.describe()))
        .print();
    Ok(())
}

fn at(times: &[Duration], share: f64) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    percentile(&sorted, share)
}
