//! A Deployment that is scaled from 0 to many pods, on nodes that are played: controllers, scheduler and API server
//! without containers.

use std::time::{Duration, Instant};

use anyhow::Context;
use bytes::Bytes;
use http::{Method, StatusCode};
use serde_json::json;

use crate::Setup;
use crate::pods::{self, Watch};
use crate::process::Process;
use crate::server::Server;
use crate::stats::{Spread, millis};
use crate::table::{Row, Unit, number};
use crate::usage::processor;

const NODES: usize = 100;
const START: Duration = Duration::from_millis(10);
/// How long all is left alone once the pods run: first to come to rest, then to be measured.
const REST: Duration = Duration::from_secs(3);
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/default/deployments";

/// Milliseconds from the scaling on, and processor time for each pod in microseconds.
struct Rollout {
    created: f64,
    bound: f64,
    running: f64,
    server: f64,
    agent: f64,
    idle: Idle,
}

/// Processor time each second while all pods run and nothing happens, in milliseconds.
struct Idle {
    server: f64,
    agent: f64,
}

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let server = Server::start(setup).await?;
    let agent = server.play(setup, NODES, START).await?;
    let sizes: &[(usize, usize)] = setup.pick(&[(300, 1)], &[(1_000, 3)], &[(1_000, 3), (5_000, 1)]);
    for (count, runs) in sizes {
        let mut rollouts = Vec::new();
        for run in 0..*runs {
            let name = format!("rollout-{count}-{run}");
            let rollout = roll_out(&server, &agent, &name, *count).await;
            rollouts.push(rollout.with_context(|| format!("{name} of {count} pods"))?);
        }
        print(*count, &rollouts);
    }
    Ok(())
}

async fn roll_out(server: &Server, agent: &Process, name: &str, count: usize) -> anyhow::Result<Rollout> {
    let endpoint = &server.endpoint;
    let mut lane = endpoint.connect().await?;
    lane.call(endpoint.post(DEPLOYMENTS, deployment(name)), StatusCode::CREATED).await?;
    // The replica set exists, and all is quiet.
    tokio::time::sleep(Duration::from_millis(500)).await;
    let mut watch = Watch::start(endpoint, "default", name).await?;
    let used = || anyhow::Ok((processor(server.pid())?, processor(agent.pid())?));
    let before = used()?;
    let begun = Instant::now();
    lane.call(scale(server, name, count), StatusCode::OK).await?;
    let (mut created, mut bound) = (None, None);
    while watch.running.len() < count {
        watch.progress().await?;
        let now = millis(begun.elapsed());
        if watch.existing.len() >= count {
            created.get_or_insert(now);
        }
        if watch.bound.len() >= count {
            bound.get_or_insert(now);
        }
    }
    let running = millis(begun.elapsed());
    let (created, bound) = (created.unwrap_or(running), bound.unwrap_or(running));
    let after = used()?;
    let each = |seconds: f64| seconds * 1e6 / count as f64;
    let idle = rest(&mut watch, used).await?;
    lane.call(scale(server, name, 0), StatusCode::OK).await?;
    while !watch.existing.is_empty() {
        watch.progress().await.context("scaled to 0 again")?;
    }
    Ok(Rollout {
        created,
        bound,
        running,
        server: each(after.0 - before.0),
        agent: each(after.1 - before.1),
        idle,
    })
}

/// Leaves server and agent alone, and measures what they do nonetheless.
async fn rest(watch: &mut Watch, used: impl Fn() -> anyhow::Result<(f64, f64)>) -> anyhow::Result<Idle> {
    watch.follow(REST).await?;
    let before = used()?;
    watch.follow(REST).await?;
    let after = used()?;
    let per_second = |seconds: f64| seconds * 1e3 / REST.as_secs_f64();
    Ok(Idle { server: per_second(after.0 - before.0), agent: per_second(after.1 - before.1) })
}

fn print(count: usize, rollouts: &[Rollout]) {
    let of = |figure: fn(&Rollout) -> f64| Spread::of(rollouts.iter().map(figure));
    let row = |what: &str, times: &Spread| {
        let rate = count as f64 * 1e3 / times.median;
        Row::spread(format!("0 to {} pods, all {what}", number(count as f64)), times, Unit::Milliseconds)
            .conditions(format!("{} pods/s; {NODES} nodes", number(rate)))
    };
    row("created", &of(|r| r.created)).print();
    row("bound", &of(|r| r.bound)).print();
    row("running", &of(|r| r.running))
        .conditions(format!("containers start in {} ms", START.as_millis()))
        .print();
    Row::new("  server CPU for each pod", of(|r| r.server).median, Unit::Microseconds).print();
    Row::new("  agent CPU for each pod", of(|r| r.agent).median, Unit::Microseconds).print();
    let idle = |part: &str, times: &Spread| {
        let what = format!("  {part} CPU each second, pods running");
        Row::spread(what, times, Unit::Milliseconds).conditions(format!("over {} s", REST.as_secs())).print();
    };
    idle("server", &of(|r| r.idle.server));
    idle("agent", &of(|r| r.idle.agent));
}

fn scale(server: &Server, name: &str, replicas: usize) -> http::Request<crate::client::Body> {
    let patch = Bytes::from(json!({ "spec": { "replicas": replicas } }).to_string());
    server.endpoint.request(Method::PATCH, &format!("{DEPLOYMENTS}/{name}"), patch)
}

fn deployment(name: &str) -> Vec<u8> {
    let deployment = json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": { "name": name, "labels": pods::labels(name) },
        "spec": {
            "replicas": 0,
            "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": pods::labels(name) }, "spec": pods::spec() },
        },
    });
    deployment.to_string().into_bytes()
}
