//! Probes by a command in the container.

use std::time::Duration;

use async_trait::async_trait;

use super::ask::{Tried, bounded_text};

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ExecEnd {
    /// By itself.
    Exited {
        /// Exit code.
        code: i32,
        /// What it wrote, both streams together; the implementation bounds it, at no less than 10 KiB.
        output: Vec<u8>,
    },
    /// It was killed because its time was over.
    TimedOut,
}

/// Runs commands in containers.
#[async_trait]
pub trait ExecProbe: Send + Sync + 'static {
    /// Runs a command in a container until it ends or `timeout` is over, then kills it. The error is a sentence
    /// on why it could not be run. Where the future is dropped, the command must be killed too.
    async fn exec(&self, container: &str, command: &[String], timeout: Duration) -> Result<ExecEnd, String>;
}

/// Beyond its own time-out, how long a command may take to be killed.
const KILL: Duration = Duration::from_secs(5);

pub(crate) async fn ask(
    exec: &dyn ExecProbe,
    container: &str,
    command: &[String],
    timeout: Duration,
) -> Tried {
    let late = || {
        let line = command.join(" ");
        Tried::Failure(format!("command timed out: {line:?} timed out after {}s", timeout.as_secs()))
    };
    match tokio::time::timeout(timeout + KILL, exec.exec(container, command, timeout)).await {
        Ok(Ok(ExecEnd::Exited { code: 0, .. })) => Tried::Success,
        Ok(Ok(ExecEnd::Exited { output, .. })) => Tried::Failure(bounded_text(&output)),
        Ok(Ok(ExecEnd::TimedOut)) | Err(_) => late(),
        Ok(Err(why)) => Tried::Error(why),
    }
}
