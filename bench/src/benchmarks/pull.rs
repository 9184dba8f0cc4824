//! An image pulled from a registry on this machine and unpacked, by `berth image pull` beside `ctr images pull`, into the
//! same containerd.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, bail};
use containerd::testing::{ARCHITECTURE, Registry, Rig, Security, TestImage};

use crate::stats::{Spread, millis};
use crate::table::{Row, Unit};
use crate::{Setup, machine, node};

/// Layers of the image, and bytes of each, which do not compress.
const LAYERS: usize = 4;
const LAYER: usize = 25_000_000;

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    if let Some(lacking) = node::missing() {
        println!("  {lacking}");
        return Ok(());
    }
    if machine::installed("docker-registry").is_none() {
        println!("  docker-registry is not installed");
        return Ok(());
    }
    let rig = Rig::start().await.context("there is no containerd of one's own")?;
    let mut registry = Registry::prepare(rig.directory())?;
    let names: Vec<String> = (0..LAYERS).map(|layer| format!("file-{layer}")).collect();
    let files: Vec<(&str, Vec<u8>)> =
        names.iter().zip(1..).map(|(name, seed)| (name.as_str(), noise(seed))).collect();
    registry.push("box", "1", &TestImage::with(ARCHITECTURE, &files)?)?;
    registry.run(rig.command("docker-registry"), &Security::None)?;
    let image = format!("{}/box:1", registry.place());
    let socket = rig.options().socket;
    let berth = setup.berth.canonicalize()?;
    let ctr = |args: &[&str]| {
        let mut command = rig.command("ctr");
        command.arg("--address").arg(&socket).args(["-n", "k8s.io", "images"]).args(args);
        command
    };
    let ours = || {
        let mut command = rig.command(&berth.to_string_lossy());
        command.args(["image", "pull", &image, "--containerd"]).arg(&socket);
        command.arg("--run-dir").arg(rig.directory().join("run"));
        command
    };
    let (mut own, mut reference) = (Vec::new(), Vec::new());
    // One more than is counted: the first finds cold caches, and the registry perhaps not up yet.
    for run in 0..=setup.pick(1, 5, 9) {
        for (times, command) in [(&mut own, ours()), (&mut reference, ctr(&["pull", "--plain-http", &image]))]
        {
            let took = timed(command, run == 0).await?;
            times.extend((run > 0).then_some(took));
            timed(ctr(&["rm", "--sync", &image]), false).await?;
        }
    }
    let (own, reference) = (Spread::of(own), Spread::of(reference));
    Row::spread("pull of 100 MB in 4 layers, unpacked", &own, Unit::Milliseconds)
        .beside("ctr", Some(reference.median))
        .conditions(format!("ctr: {}", reference.describe()))
        .print();
    Ok(())
}

/// How long a command takes, which must succeed: in the end, where it may fail at first.
async fn timed(mut command: Command, patient: bool) -> anyhow::Result<f64> {
    command.stdin(Stdio::null());
    let tries = if patient { 100 } else { 1 };
    tokio::task::spawn_blocking(move || {
        for left in (0..tries).rev() {
            let begun = Instant::now();
            let output = command.output().context("the program does not run")?;
            if output.status.success() {
                return Ok(millis(begun.elapsed()));
            }
            if left == 0 {
                bail!("{command:?} says: {}", String::from_utf8_lossy(&output.stderr).trim());
            }
        }
        bail!("never tried")
    })
    .await?
}

/// Bytes that do not compress.
fn noise(seed: u64) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u8
    };
    std::iter::repeat_with(next).take(LAYER).collect()
}
