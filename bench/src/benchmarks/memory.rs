//! Resident memory: idle, with pods, and after they are gone; and what an idle server costs.

use std::time::Duration;

use crate::Setup;
use crate::etcd::Etcd;
use crate::pods;
use crate::server::Server;
use crate::table::{Row, Unit, number};
use crate::usage::{self, Memory};

/// How long a server is left alone before and while it is measured.
const IDLE: Duration = Duration::from_secs(10);

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let server = Server::start(setup).await?;
    let etcd = Etcd::start(setup).await?;
    idle(&server, etcd.as_ref()).await?;
    drop(etcd);
    let sizes: &[usize] = setup.pick(&[1_000], &[1_000, 10_000, 20_000], &[1_000, 10_000, 20_000, 100_000]);
    for count in sizes {
        let created = pods::create(&server, "memory", *count).await?;
        usage::settled(server.pid()).await?;
        let (rate, each) = (number(created.per_second), number(created.server));
        let conditions =
            format!("no node; created at {rate}/s, server CPU {each} µs each, scheduler included");
        row(format!("resident with {} pods", number(*count as f64)), &server)?.conditions(conditions).print();
        let deleted = pods::delete(&server, "memory", *count).await?;
        usage::settled(server.pid()).await?;
        let (rate, each) = (number(deleted.per_second), number(deleted.server));
        let conditions = format!(
            "deleted at {rate}/s, server CPU {each} µs each; once the server is quiet; their events remain"
        );
        row("the same after they are gone", &server)?.conditions(conditions).print();
    }
    tokio::time::sleep(IDLE).await;
    row(format!("the same {} s later", IDLE.as_secs()), &server)?.print();
    Ok(())
}

/// Both servers side by side, each left alone.
async fn idle(server: &Server, etcd: Option<&Etcd>) -> anyhow::Result<()> {
    tokio::time::sleep(IDLE).await;
    let reference = etcd.map(|e| usage::memory(e.pid())).transpose()?;
    row(format!("resident, idle {} s after ready", IDLE.as_secs()), server)?
        .beside("etcd", reference.map(|m| m.resident))
        .conditions("controllers and scheduler included; etcd alone")
        .print();
    let used = || {
        anyhow::Ok((usage::processor(server.pid())?, etcd.map(|e| usage::processor(e.pid())).transpose()?))
    };
    let before = used()?;
    tokio::time::sleep(IDLE).await;
    let after = used()?;
    let per_second = |seconds: f64| seconds * 1e3 / IDLE.as_secs_f64();
    let reference = after.1.zip(before.1).map(|(after, before)| per_second(after - before));
    Row::new("processor time each second, idle", per_second(after.0 - before.0), Unit::Milliseconds)
        .beside("etcd", reference)
        .conditions(format!("over {} s, to 1 ms", IDLE.as_secs()))
        .print();
    Ok(())
}

/// Resident memory as the figure, the proportional share among the conditions.
fn row(what: impl Into<String>, server: &Server) -> anyhow::Result<Row> {
    let Memory { resident, proportional } = usage::memory(server.pid())?;
    Ok(Row::new(what, resident, Unit::Mebibytes).conditions(format!("Pss {} MiB", number(proportional))))
}
