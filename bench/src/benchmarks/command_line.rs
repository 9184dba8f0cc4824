//! The reference for a command line of our own: how long kubectl takes to list nodes.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::Setup;
use crate::server::Server;
use crate::stats::{Spread, millis};
use crate::table::{Row, Unit};

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let row = Row::only_reference("get nodes, exec to exit", Unit::Milliseconds);
    let Some(kubectl) = &setup.kubectl else {
        row.beside("kubectl", None).print();
        return Ok(());
    };
    let server = Server::start(setup).await?;
    let mut times = Vec::new();
    // One more than is counted: the first fills kubectl's cache of what the server offers.
    for _ in 0..=setup.pick(3, 10, 10) {
        let mut command = Command::new(kubectl);
        command.arg("--kubeconfig").arg(server.kubeconfig()).args(["get", "nodes"]).stdin(Stdio::null());
        command.arg("--cache-dir").arg(server.kubeconfig().with_file_name("kubectl-cache"));
        let begun = Instant::now();
        let output =
            tokio::task::spawn_blocking(move || command.output()).await?.context("cannot run kubectl")?;
        times.push(millis(begun.elapsed()));
        if !output.status.success() {
            bail!("kubectl says: {}", String::from_utf8_lossy(&output.stderr).trim());
        }
    }
    let spread = Spread::of(times.split_off(1));
    row.beside("kubectl", Some(spread.median))
        .conditions(spread.describe())
        .conditions("discovery cached")
        .print();
    Ok(())
}
