//! 200 MB into a container and out of it: `cp` beside `ctr tasks exec` with the same `tar`, and a forwarded port beside the
//! pod's own address. Both with kubectl and with berth.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use http::StatusCode;
use serde_json::json;

use crate::node::{IMAGE, Node, missing, run as must};
use crate::pods::Watch;
use crate::process::Process;
use crate::stats::{Spread, millis};
use crate::table::{Row, Unit};
use crate::{Setup, machine};

/// Megabytes that are copied.
const MEGABYTES: u32 = 200;
/// The pod: it serves the file to whoever connects to one port, and reads to the end what comes to the other.
const SERVE: &str = "nc -ll -p 9001 -e sh -c 'dd of=/dev/null bs=1M iflag=fullblock 2>&1' & \
                     exec nc -ll -p 9000 -e cat /tmp/file";
/// The local ports that are forwarded, to the pod's of the same names.
const OUT: Port = Port { local: 19000, remote: 9000 };
const INTO: Port = Port { local: 19001, remote: 9001 };

/// A port that is forwarded.
#[derive(Clone, Copy)]
struct Port {
    local: u16,
    remote: u16,
}

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    if let Some(lacking) = missing() {
        println!("  {lacking}");
        return Ok(());
    }
    let node = Node::start(setup).await?;
    let mut watch = Watch::start(&node.endpoint, "default", "copy").await?;
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": { "name": "box", "labels": { "app": "copy" } },
        "spec": { "containers": [{ "name": "box", "image": IMAGE, "command": ["sh", "-c", SERVE] }] },
    });
    let mut lane = node.endpoint.connect().await?;
    lane.call(node.endpoint.post("/api/v1/namespaces/default/pods", pod.to_string()), StatusCode::CREATED)
        .await?;
    while watch.running.is_empty() {
        watch.progress().await?;
    }
    let found = node.engine.list().await?;
    let container = found.first().context("the pod has no container")?.id.clone();
    let (file, tar) = (node.mark().join("file"), node.mark().join("file.tar"));
    must(
        Command::new("dd")
            .args(["if=/dev/urandom", "bs=1M"])
            .arg(format!("count={MEGABYTES}"))
            .arg(format!("of={}", file.display())),
    )?;
    must(Command::new("tar").arg("-cf").arg(&tar).arg("-C").arg(node.mark()).arg("file"))?;
    let runs = setup.pick(1, 5, 9);
    let berth = setup.berth.canonicalize()?.display().to_string();
    let clients: Vec<String> = [Some(berth), machine::installed("kubectl").map(|_| "kubectl".to_owned())]
        .into_iter()
        .flatten()
        .collect();

    let exec = |words: &str| {
        shell(
            &node,
            &format!(
                "ctr --address {} -n k8s.io tasks exec --exec-id bench {container} {words}",
                node.mark().join("containerd.sock").display(),
            ),
        )
    };
    let up = times(runs, || exec(&format!("tar -xmf - -C /tmp <{}", tar.display()))).await?;
    let down = times(runs, || exec("tar cf - /tmp/file | tar xf - -O >/dev/null")).await?;
    for client in &clients {
        let cp = |from: &str, to: &str| client_command(&node, client, &["cp", from, to]);
        let (here, there) = (file.display().to_string(), node.mark().join("back").display().to_string());
        let name = name_of(client);
        let own = times(runs, || cp(&here, "box:/tmp/file")).await?;
        tell(&format!("{name} cp, {MEGABYTES} MiB into a container"), &own, "ctr exec tar", &up);
        let own = times(runs, || cp("box:/tmp/file", &there)).await?;
        tell(&format!("{name} cp, {MEGABYTES} MiB out of a container"), &own, "ctr exec tar", &down);
    }
    let pod = address(&node, &clients[0])?;
    let fetch = |place: &str| shell(&node, &format!("busybox nc {place} </dev/null >/dev/null"));
    forwards(&node, &clients, runs, &pod, "out of", OUT, fetch).await?;
    // The pod says how many whole megabytes came when all have.
    let send = |place: &str| {
        let sent = format!("busybox nc {place} <{}", file.display());
        let all = format!("grep -q '^{MEGABYTES}+0 records in'");
        shell(&node, &format!("{sent} | {all} || {{ echo it did not come >&2; exit 1; }}"))
    };
    forwards(&node, &clients, runs, &pod, "into", INTO, send).await
}

/// Moves the file over a port that each client forwards, and over the pod's own.
async fn forwards(
    node: &Node,
    clients: &[String],
    runs: usize,
    pod: &str,
    way: &str,
    port: Port,
    carry: impl Fn(&str) -> Command,
) -> anyhow::Result<()> {
    let direct = times(runs, || carry(&format!("{pod} {}", port.remote))).await?;
    for client in clients {
        let ports = format!("{}:{}", port.local, port.remote);
        let mut forward = client_command(node, client, &["port-forward", "box", &ports]);
        let forward = Process::start(&mut forward, node.mark().join("forward.log"))?;
        let place = format!("127.0.0.1 {}", port.local);
        // the first waits until the port is there
        let begun = Instant::now();
        while times(1, || carry(&place)).await.is_err() {
            if begun.elapsed().as_secs() > 20 {
                bail!("the port is not forwarded");
            }
        }
        let own = times(runs, || carry(&place)).await?;
        drop(forward);
        let what = format!("{} port-forward, {MEGABYTES} MiB {way} a pod", name_of(client));
        tell(&what, &own, "the pod's address", &direct);
    }
    Ok(())
}

fn tell(what: &str, own: &Spread, beside: &'static str, reference: &Spread) {
    let rate = f64::from(MEGABYTES) * 1.048_576 / (own.median / 1000.0);
    Row::spread(what, own, Unit::Milliseconds)
        .beside(beside, Some(reference.median))
        .conditions(format!("{rate:.0} MB/s; reference {}", reference.describe()))
        .print();
}

/// The address of the pod.
fn address(node: &Node, client: &str) -> anyhow::Result<String> {
    let args = ["get", "pod", "box", "-o", "jsonpath={.status.podIP}"];
    let output = client_command(node, client, &args).output().context("the client does not run")?;
    let address = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if address.is_empty() { bail!("the pod has no address") } else { Ok(address) }
}

fn name_of(client: &str) -> &str {
    Path::new(client).file_name().and_then(|name| name.to_str()).unwrap_or(client)
}

fn shell(node: &Node, script: &str) -> Command {
    let mut command = node.command("sh");
    command.args(["-c", script]);
    command
}

fn client_command(node: &Node, client: &str, args: &[&str]) -> Command {
    let mut command = node.command(client);
    command.arg("--kubeconfig").arg(node.mark().join("data/admin.kubeconfig")).args(args);
    command.env("HOME", node.mark());
    command
}

/// How long a command takes, again and again.
async fn times(runs: usize, command: impl Fn() -> Command) -> anyhow::Result<Spread> {
    let mut times = Vec::new();
    for _ in 0..runs {
        let mut command = command();
        command.stdin(Stdio::null());
        let took = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let output = command.output().context("the program does not run")?;
            if !output.status.success() {
                bail!("{command:?} says: {}", String::from_utf8_lossy(&output.stderr).trim());
            }
            Ok(millis(begun.elapsed()))
        });
        times.push(took.await??);
    }
    Ok(Spread::of(times))
}
