//! What a node's memory goes into: the server, and the shims that stand between containerd and the containers.

use std::fs;
use std::path::Path;
use std::time::Duration;

use crate::node::Node;
use crate::table::{Row, Unit, number};
use crate::usage::{self, Memory};

/// How long the server is left alone before it is measured.
const IDLE: Duration = Duration::from_secs(10);
/// The program of the shims.
const SHIM: &str = "containerd-shim";

/// What the processes of a node held at one time.
pub(super) struct Held {
    server: Memory,
}

/// Measures a server whose node runs nothing.
pub(super) async fn idle(node: &Node) -> anyhow::Result<Held> {
    tokio::time::sleep(IDLE).await;
    let server = usage::memory(node.process.pid())?;
    print(format!("resident, idle {} s after ready", IDLE.as_secs()), server, "server with its node's agent");
    Ok(Held { server })
}

/// Measures the same with pods that run, and what each of them costs.
pub(super) async fn with_pods(node: &Node, count: usize, idle: &Held) -> anyhow::Result<()> {
    usage::settled(node.process.pid()).await?;
    let server = usage::memory(node.process.pid())?;
    print(format!("the same with {count} pods"), server, "once the server is quiet");
    let (shims, number_of) = shims(node.mark())?;
    let each = |of: f64| of / count as f64;
    let growth = server.resident - idle.server.resident;
    Row::new("a pod: its shim and the server's growth", each(shims.resident + growth), Unit::Mebibytes)
        .conditions(format!(
            "resident; {number_of} shims, each {} MiB, Pss {} MiB; server {} MiB a pod; without the container's own",
            number(shims.resident / number_of.max(1) as f64),
            number(shims.proportional / number_of.max(1) as f64),
            number(each(growth)),
        ))
        .print();
    Ok(())
}

/// Measures the same once all pods are gone.
pub(super) async fn without_pods(node: &Node) -> anyhow::Result<()> {
    usage::settled(node.process.pid()).await?;
    let server = usage::memory(node.process.pid())?;
    print("the same after all are gone".to_owned(), server, "their events remain");
    Ok(())
}

/// Measures the shims of as many bare containers.
pub(super) fn of_reference(node: &Node, count: usize) -> anyhow::Result<()> {
    let (shims, _) = shims(node.mark())?;
    let each = |of: f64| of / count as f64;
    Row::only_reference("a bare container: its shim", Unit::Mebibytes)
        .beside("ctr", Some(each(shims.resident)))
        .conditions(format!("resident; Pss {} MiB", number(each(shims.proportional))))
        .print();
    Ok(())
}

fn print(what: String, memory: Memory, conditions: &str) {
    Row::new(what, memory.resident, Unit::Mebibytes)
        .conditions(format!("Pss {} MiB; {conditions}", number(memory.proportional)))
        .print();
}

/// What all shims of the containerd in this directory hold, and how many there are.
fn shims(of: &Path) -> anyhow::Result<(Memory, usize)> {
    let of = of.to_string_lossy();
    let (mut sum, mut count) = (Memory { resident: 0.0, proportional: 0.0 }, 0);
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let words = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let words = String::from_utf8_lossy(&words).into_owned();
        if !words.split('\0').next().is_some_and(|program| program.contains(SHIM)) || !words.contains(&*of) {
            continue;
        }
        // One that ends meanwhile counts for nothing.
        let Ok(memory) = usage::memory(pid) else { continue };
        sum.resident += memory.resident;
        sum.proportional += memory.proportional;
        count += 1;
    }
    Ok((sum, count))
}
