//! Single pods, one after the other: what orchestration alone takes from the creation to Running.

use std::time::{Duration, Instant};

use anyhow::Context;
use http::StatusCode;

use crate::Setup;
use crate::pods::{Watch, pod};
use crate::server::Server;
use crate::stats::percentile;
use crate::table::{Row, Unit};

const APP: &str = "latency";

/// From the sending of the request on, as a watch sees it.
#[derive(Default)]
struct Times {
    bound: Vec<Duration>,
    running: Vec<Duration>,
}

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    for start in [0, 10] {
        let server = Server::start(setup).await?;
        let _agent = server.play(setup, 1, Duration::from_millis(start)).await?;
        let mut times = Times::default();
        let mut watch = Watch::start(&server.endpoint, "default", APP).await?;
        for i in 0..setup.pick(10, 50, 100) {
            let name = format!("{APP}-{i}");
            follow(&server, &mut watch, &name, &mut times).await.context(name)?;
        }
        let conditions = format!("{} pods, 1 node, containers start in {start} ms", times.running.len());
        print("created to bound", times.bound, &conditions);
        print("created to Running", times.running, &conditions);
    }
    Ok(())
}

async fn follow(server: &Server, watch: &mut Watch, name: &str, times: &mut Times) -> anyhow::Result<()> {
    let endpoint = &server.endpoint;
    let mut lane = endpoint.connect().await?;
    let request = endpoint.post(&server.path("pods"), pod(name, APP));
    let sent = Instant::now();
    lane.call(request, StatusCode::CREATED).await?;
    let mut bound = None;
    while !watch.running.contains(name) {
        watch.progress().await?;
        if watch.bound.contains(name) {
            bound.get_or_insert_with(|| sent.elapsed());
        }
    }
    let running = sent.elapsed();
    times.running.push(running);
    times.bound.push(bound.unwrap_or(running));
    tokio::time::sleep(Duration::from_millis(20)).await;
    Ok(())
}

fn print(what: &str, mut times: Vec<Duration>, conditions: &str) {
    times.sort_unstable();
    for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
        Row::new(format!("{what}, {name}"), percentile(&times, share), Unit::Milliseconds)
            .conditions(conditions)
            .print();
    }
}
