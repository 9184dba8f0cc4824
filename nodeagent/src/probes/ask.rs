//! Asks once.

use std::time::Duration;

use super::exec::{self, ExecProbe};
use super::prober::Target;
use super::spec::{Probe, ProbeAction, ProbeKind};
use super::tally::Answer;
use super::{dial, grpc, http};

/// The most bytes of an answer that are read or told.
pub(crate) const MOST: usize = 10 << 10;
/// How often a question is asked that cannot be asked.
const TRIES: usize = 3;

/// How a try went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// Well.
    Success,
    /// Well, but for what this says.
    Warning(String),
    /// Not well, with what was answered.
    Failure(String),
    /// The question could not be asked.
    Error(String),
}

impl Tried {
    /// What of it counts.
    pub(crate) fn answer(&self) -> Answer {
        match self {
            Self::Success | Self::Warning(_) => Answer::Success,
            Self::Failure(_) => Answer::Failure,
            Self::Error(_) => Answer::Unknown,
        }
    }

    /// Reason and message of the event that tells it.
    pub(crate) fn event(&self, kind: ProbeKind) -> Option<(&'static str, String)> {
        match self {
            Self::Success => None,
            Self::Warning(text) => Some(("ProbeWarning", format!("{kind} probe warning: {text}"))),
            Self::Failure(text) => Some(("Unhealthy", format!("{kind} probe failed: {text}"))),
            Self::Error(text) => {
                Some(("Unhealthy", format!("{kind} probe errored and resulted in unknown state: {text}")))
            }
        }
    }
}

/// Asks; where that is not possible, a few times.
pub(crate) async fn ask(probe: &Probe, target: &Target, exec: &dyn ExecProbe) -> Tried {
    let mut tried = once(probe, target, exec).await;
    for _ in 1..TRIES {
        if !matches!(tried, Tried::Error(_)) {
            break;
        }
        tried = once(probe, target, exec).await;
    }
    tried
}

async fn once(probe: &Probe, target: &Target, exec: &dyn ExecProbe) -> Tried {
    act(&probe.action, &target.ip, &target.id, probe.timeout, exec).await
}

/// Does once what an action says, to the container with this id or to the address of its pod.
pub(crate) async fn act(
    action: &ProbeAction,
    ip: &str,
    id: &str,
    timeout: Duration,
    exec: &dyn ExecProbe,
) -> Tried {
    match action {
        ProbeAction::Exec { command } => exec::ask(exec, id, command, timeout).await,
        ProbeAction::Http(get) => http::ask(get, ip, timeout).await,
        ProbeAction::Tcp { host, port } => dial::ask(host.as_deref().unwrap_or(ip), *port, timeout).await,
        ProbeAction::Grpc { port, service } => grpc::ask(ip, *port, service, timeout).await,
        ProbeAction::Impossible(why) => Tried::Error(why.clone()),
    }
}

/// As much of an answer as is told.
pub(crate) fn bounded_text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(MOST)]).into_owned()
}
