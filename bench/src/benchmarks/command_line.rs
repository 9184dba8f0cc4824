//! The command line, from exec to exit, beside kubectl doing the same.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};

use crate::Setup;
use crate::server::Server;
use crate::stats::{Spread, millis};
use crate::table::{Row, Unit};

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let server = Server::start(setup).await?;
    let runs = setup.pick(3, 10, 10);
    let own = get_nodes(&setup.berth, &server, runs).await?;
    let reference = match &setup.kubectl {
        Some(kubectl) => Some(get_nodes(kubectl, &server, runs).await?),
        None => None,
    };
    Row::spread("get nodes, exec to exit", &own, Unit::Milliseconds)
        .beside("kubectl", reference.as_ref().map(|times| times.median))
        .conditions(reference.map_or_else(String::new, |times| format!("kubectl: {}", times.describe())))
        .conditions("discovery cached")
        .print();
    Ok(())
}

async fn get_nodes(program: &Path, server: &Server, runs: usize) -> anyhow::Result<Spread> {
    let mut times = Vec::new();
    // One more than is counted: the first fills the cache of what the server offers.
    for _ in 0..=runs {
        let mut command = Command::new(program);
        command.arg("--kubeconfig").arg(server.kubeconfig()).args(["get", "nodes"]).stdin(Stdio::null());
        command.env("KUBECACHEDIR", server.kubeconfig().with_file_name("cache"));
        let begun = Instant::now();
        let output = tokio::task::spawn_blocking(move || command.output()).await?;
        let output = output.with_context(|| format!("cannot run {}", program.display()))?;
        times.push(millis(begun.elapsed()));
        if !output.status.success() {
            bail!("{} says: {}", program.display(), String::from_utf8_lossy(&output.stderr).trim());
        }
    }
    Ok(Spread::of(times.split_off(1)))
}
