//! The report: a pod's status from what is desired and what is observed.

use object::{Time, Value};

use crate::containers::{self, seconds};
use crate::observed::Observed;
use crate::pod::{Container, Pod};
use crate::status::{Condition, ContainerStatus, Ip, Phase, Status};
use crate::verdict::{self, Verdict};

/// What a report says about the node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Host {
    /// The node's addresses, the first one first.
    pub ips: Vec<String>,
}

/// The pod's status as a document.
pub fn status(desired: &Pod, observed: &Observed, host: &Host, now: Time) -> Value {
    serde_json::to_value(report(desired, observed, host, now)).unwrap_or_default()
}

/// The pod's status.
pub fn report(desired: &Pod, observed: &Observed, host: &Host, now: Time) -> Status {
    let old = &desired.status;
    let spec = &desired.spec;
    let verdict = verdict::verdict(desired, observed, now);
    let ending = verdict != Verdict::Run;
    let all = |list: &[Container]| -> Vec<ContainerStatus> {
        list.iter().map(|c| containers::container(desired, c, observed, ending, now)).collect()
    };
    let (init, containers) = (all(&spec.init), all(&spec.containers));
    let phase = phase(desired, observed, &verdict);
    let (reason, message) = why(desired, &verdict);
    let pod_ips = addresses(desired, observed, host);
    let ips = |ips: &[String]| ips.iter().map(|ip| Ip { ip: ip.clone() }).collect::<Vec<_>>();
    let mut status = Status {
        observed_generation: desired.generation,
        phase,
        reason,
        message,
        start_time: old.start_time.or(Some(seconds(now))),
        host_ip: host.ips.first().cloned().unwrap_or_default(),
        host_ips: ips(&host.ips),
        pod_ip: pod_ips.first().cloned().unwrap_or_default(),
        pod_ips: ips(&pod_ips),
        qos_class: if old.qos_class.is_empty() { spec.qos.to_owned() } else { old.qos_class.clone() },
        conditions: Vec::new(),
        init_container_statuses: init,
        container_statuses: containers,
    };
    status.conditions = conditions(desired, observed, &status, now);
    status
}

/// A phase once terminal stays so, and a pod that ends counts as running until its containers have ended.
fn phase(desired: &Pod, observed: &Observed, verdict: &Verdict) -> Phase {
    let old = desired.status.phase;
    match verdict {
        _ if old.is_terminal() => old,
        Verdict::Run => verdict::phase_of(desired, observed, false),
        Verdict::End { .. } if !observed.is_still() => old,
        Verdict::End { why: Some(_), .. } => Phase::Failed,
        Verdict::End { .. } if desired.deletion.is_some() && observed.sandbox.is_some() => old,
        Verdict::End { .. } => verdict::phase_of(desired, observed, true),
    }
}

fn why(desired: &Pod, verdict: &Verdict) -> (String, String) {
    match verdict {
        Verdict::End { why: Some((reason, message)), .. } => (reason.to_string(), message.to_string()),
        _ => (desired.status.reason.clone(), desired.status.message.clone()),
    }
}

/// The pod's addresses: the node's where it shares its network, the last known ones once the sandbox is gone.
fn addresses(desired: &Pod, observed: &Observed, host: &Host) -> Vec<String> {
    if desired.spec.host_network {
        return host.ips.clone();
    }
    match &observed.sandbox {
        Some(sandbox) => sandbox.ips.clone(),
        None => desired.status.pod_ips.iter().map(|ip| ip.ip.clone()).collect(),
    }
}

/// A condition's state, reason and message.
type Finding = (bool, &'static str, String);

fn conditions(desired: &Pod, observed: &Observed, status: &Status, now: Time) -> Vec<Condition> {
    let sandbox = observed
        .sandbox
        .as_ref()
        .is_some_and(|s| s.is_ready() && (!s.ips.is_empty() || desired.spec.host_network));
    let serving = serving(desired, status);
    [
        ("PodReadyToStartContainers", (sandbox, "", String::new())),
        ("Initialized", initialized(desired, observed, status)),
        ("Ready", gated(desired, serving.clone())),
        ("ContainersReady", serving),
        ("PodScheduled", (true, "", String::new())),
    ]
    .into_iter()
    .map(|(kind, finding)| condition(desired, kind, finding, now))
    .collect()
}

fn condition(desired: &Pod, kind: &str, (holds, reason, message): Finding, now: Time) -> Condition {
    let status = if holds { "True" } else { "False" };
    let old = desired.status.condition(kind).filter(|old| old.status == status);
    Condition {
        kind: kind.to_owned(),
        status: status.to_owned(),
        last_transition_time: old.and_then(|old| old.last_transition_time).or(Some(seconds(now))),
        reason: reason.to_owned(),
        message,
        observed_generation: desired.generation,
    }
}

fn initialized(desired: &Pod, observed: &Observed, status: &Status) -> Finding {
    if status.phase == Phase::Succeeded {
        return (true, "PodCompleted", String::new());
    }
    let begun = verdict::containers_begun(desired, observed);
    let sidecar = |name: &str| desired.spec.init.iter().any(|c| c.name == name && c.is_sidecar());
    let done = |c: &&ContainerStatus| if sidecar(&c.name) { c.started } else { c.ready };
    let incomplete = status.init_container_statuses.iter().filter(|c| !begun && !done(c));
    let names: Vec<&str> = incomplete.map(|c| c.name.as_str()).collect();
    if names.is_empty() {
        return (true, "", String::new());
    }
    (false, "ContainersNotInitialized", format!("containers with incomplete status: [{}]", names.join(" ")))
}

fn serving(desired: &Pod, status: &Status) -> Finding {
    match status.phase {
        Phase::Succeeded => return (false, "PodCompleted", String::new()),
        Phase::Failed => return (false, "PodFailed", String::new()),
        _ => {}
    }
    let sidecars = status.init_container_statuses.iter();
    let sidecars = sidecars.filter(|c| desired.spec.init.iter().any(|s| s.name == c.name && s.is_sidecar()));
    let unready = sidecars.chain(&status.container_statuses).filter(|c| !c.ready);
    let names: Vec<&str> = unready.map(|c| c.name.as_str()).collect();
    if names.is_empty() {
        return (true, "", String::new());
    }
    (false, "ContainersNotReady", format!("containers with unready status: [{}]", names.join(" ")))
}

/// Readiness also waits for the conditions that the spec names.
fn gated(desired: &Pod, serving: Finding) -> Finding {
    if !serving.0 {
        return serving;
    }
    let missing: Vec<String> =
        desired.spec.gates.iter().filter_map(|gate| gate_message(desired, gate)).collect();
    if missing.is_empty() { serving } else { (false, "ReadinessGatesNotReady", missing.join(", ")) }
}

fn gate_message(desired: &Pod, gate: &str) -> Option<String> {
    match desired.status.condition(gate).map(|c| c.status.as_str()) {
        Some("True") => None,
        Some(status) => {
            Some(format!("the status of pod readiness gate {gate:?} is not \"True\", but {status}"))
        }
        None => Some(format!("corresponding condition of pod readiness gate {gate:?} does not exist.")),
    }
}
