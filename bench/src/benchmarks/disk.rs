//! What an idle cluster writes: the heartbeats of many nodes.

use std::time::Duration;

use crate::Setup;
use crate::server::Server;
use crate::table::{Row, Unit, number};
use crate::usage::{processor, settled, written};

const NODES: usize = 100;

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let server = Server::start(setup).await?;
    let _agent = server.play(setup, NODES, Duration::ZERO).await?;
    settled(server.pid()).await?;
    let time = Duration::from_secs(setup.pick(20, 120, 600));
    let (before, used) = (written(server.pid())?, processor(server.pid())?);
    tokio::time::sleep(time).await;
    let (after, used) = (written(server.pid())?, processor(server.pid())? - used);
    let minutes = time.as_secs_f64() / 60.0;
    let a_minute = (after - before) / minutes;
    Row::new(format!("written to disk a minute, {NODES} idle nodes"), a_minute, Unit::Mebibytes)
        .conditions(format!("over {} s; {} MiB an hour", time.as_secs(), number(a_minute * 60.0)))
        .print();
    let milliseconds = used * 1e3 / time.as_secs_f64();
    Row::new("  processor time each second", milliseconds, Unit::Milliseconds).print();
    Ok(())
}
