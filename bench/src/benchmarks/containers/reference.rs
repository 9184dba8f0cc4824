//! The reference: bare containers by `ctr run -d`, which returns once the container runs.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};

use crate::node::{IMAGE, Node, run};

/// Starts one container: how long that took.
pub(super) fn one(node: &Node, name: &str) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    run(&mut command(node, name))?;
    Ok(begun.elapsed())
}

/// Starts many containers at once: how long until all run.
pub(super) fn many(node: &Node, count: usize) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    let mut starting = Vec::new();
    for i in 0..count {
        let mut command = command(node, &format!("many-{i}"));
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        starting.push(quiet.spawn().context("cannot start ctr")?);
    }
    for mut child in starting {
        if !child.wait()?.success() {
            bail!("ctr cannot start a container");
        }
    }
    Ok(begun.elapsed())
}

fn command(node: &Node, name: &str) -> Command {
    let mut command = node.ctr();
    command.args(["run", "-d", IMAGE, name]);
    command
}
