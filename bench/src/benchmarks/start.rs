//! From exec until ready: on an empty directory, with all certificates to make, again on the same directory, and with
//! many objects in it.

use http::StatusCode;

use super::requests::config_map;
use crate::Setup;
use crate::etcd::Etcd;
use crate::load::Load;
use crate::server::{Server, scratch};
use crate::stats::{Spread, millis};
use crate::table::{Row, Unit, number};
use crate::usage::memory;

/// Milliseconds of each run.
#[derive(Default)]
struct Times {
    announced: Vec<f64>,
    answered: Vec<f64>,
}

impl Times {
    fn add(&mut self, server: &Server) {
        self.announced.push(millis(server.announced));
        self.answered.push(millis(server.answered));
    }
}

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    empty(setup).await?;
    full(setup).await
}

/// With many objects, after a clean stop and after a crash.
async fn full(setup: &Setup) -> anyhow::Result<()> {
    let objects = setup.pick(10_000, 100_000, 100_000);
    let dir = scratch()?;
    let mut server = Server::start_in(setup, dir.path()).await?;
    fill(&server, objects).await?;
    let (mut stopped, mut crashed) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        server.stop().await?;
        server = Server::start_in(setup, dir.path()).await?;
        stopped.push(millis(server.announced));
        drop(server);
        server = Server::start_in(setup, dir.path()).await?;
        crashed.push(millis(server.announced));
    }
    let resident = number(memory(server.pid())?.resident);
    let objects = number(objects as f64);
    for (end, times) in [("SIGTERM", stopped), ("kill -9", crashed)] {
        Row::spread(format!("exec to ready, {objects} objects"), &Spread::of(times), Unit::Milliseconds)
            .conditions(format!("ConfigMaps of 1 KiB; after {end}; resident then {resident} MiB"))
            .print();
    }
    Ok(())
}

async fn fill(server: &Server, objects: usize) -> anyhow::Result<()> {
    let (endpoint, pid) = (server.endpoint.clone(), server.pid());
    let load =
        Load { endpoint: &endpoint, pid, lanes: 32, operations: objects, expected: StatusCode::CREATED };
    let maker = endpoint.clone();
    let path = server.path("configmaps");
    load.run(move |i| maker.post(&path, config_map(&format!("filler-{i}")))).await?;
    Ok(())
}

/// On an empty directory, with all certificates to make, and again.
async fn empty(setup: &Setup) -> anyhow::Result<()> {
    let (mut fresh, mut again, mut etcds) = (Times::default(), Times::default(), Vec::new());
    for _ in 0..setup.pick(3, 10, 10) {
        let dir = scratch()?;
        for times in [&mut fresh, &mut again] {
            let server = Server::start_in(setup, dir.path()).await?;
            times.add(&server);
            server.stop().await?;
        }
        if let Some(etcd) = Etcd::start(setup).await? {
            etcds.push(millis(etcd.answered));
        }
    }
    let etcd = Spread::of(etcds);
    let reference = (etcd.runs > 0).then_some(etcd.median);
    let print = |what: &str, times: Vec<f64>, conditions: &str| {
        Row::spread(what, &Spread::of(times), Unit::Milliseconds)
            .beside("etcd", reference)
            .conditions(conditions)
            .print();
    };
    print("exec to the line with ready, fresh", fresh.announced, "new CA and store");
    print("exec to /readyz 200 by HTTPS, fresh", fresh.answered, "tried every ms, a new TLS connection each");
    print("exec to the line with ready, again", again.announced, "same directory, after SIGTERM");
    print("exec to /readyz 200 by HTTPS, again", again.answered, "");
    if reference.is_some() {
        println!("  etcd: exec to /health true by plain HTTP, empty directory; {}", etcd.describe());
    }
    Ok(())
}
