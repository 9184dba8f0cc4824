//! Columns of pods. Most of it is the status word, which sums up phase, conditions and container states.

use object::{Time, Value, parse_time};

use super::{AGE, NAME, NONE, human_duration, or, shown, wide};
use crate::Column;
use crate::rules::Read;

/// Columns of pods.
pub(crate) const POD: &[Column] = &[
    NAME,
    shown("Ready", |pod, _| Summary::of(pod).ready().into()),
    shown("Status", |pod, _| Summary::of(pod).word.into()),
    shown("Restarts", |pod, now| Summary::of(pod).restarted(now).into()),
    AGE,
    wide(shown("IP", |pod, _| pod_ip(pod).into())),
    wide(shown("Node", |pod, _| or(pod.text("spec.nodeName"), NONE).into())),
    wide(shown("Nominated Node", |pod, _| or(pod.text("status.nominatedNodeName"), NONE).into())),
    wide(shown("Readiness Gates", |pod, _| readiness_gates(pod).into())),
];

/// All that they read.
pub(crate) const POD_READS: &[&str] = &[
    "metadata",
    "spec.containers.name",
    "spec.initContainers.name",
    "spec.initContainers.restartPolicy",
    "spec.nodeName",
    "spec.readinessGates",
    "status",
];

fn pod_ip(pod: &Value) -> &str {
    let first = pod.items("status.podIPs").first().map_or("", |ip| ip.text("ip"));
    or(or(first, pod.text("status.podIP")), NONE)
}

fn readiness_gates(pod: &Value) -> String {
    let gates = pod.items("spec.readinessGates");
    let met = gates.iter().filter(|gate| condition(pod, gate.text("conditionType")).text("status") == "True");
    if gates.is_empty() { NONE.to_owned() } else { format!("{}/{}", met.count(), gates.len()) }
}

fn condition<'a>(pod: &'a Value, kind: &str) -> &'a Value {
    pod.items("status.conditions").iter().find(|c| c.text("type") == kind).unwrap_or(&Value::Null)
}

/// What the columns say about a pod's containers.
#[derive(Default)]
struct Summary {
    word: String,
    containers: usize,
    ready: usize,
    restarts: Restarts,
}

#[derive(Clone, Copy, Default)]
struct Restarts {
    count: i64,
    last: Option<Time>,
}

impl Restarts {
    fn add(&mut self, status: &Value) {
        self.count += status.int("restartCount").unwrap_or_default();
        self.last = self.last.max(parse_time(status.text("lastState.terminated.finishedAt")));
    }
}

impl Summary {
    fn of(pod: &Value) -> Self {
        let mut sum = Self {
            word: or(pod.text("status.reason"), pod.text("status.phase")).to_owned(),
            ..Self::default()
        };
        if condition(pod, "PodScheduled").text("reason") == "SchedulingGated" {
            sum.word = "SchedulingGated".to_owned();
        }
        sum.containers = pod.items("spec.containers").len() + sidecars(pod).count();
        let (initializing, of_sidecars) = sum.add_init_containers(pod);
        if !initializing || condition(pod, "Initialized").text("status") == "True" {
            sum.restarts = of_sidecars;
            sum.add_containers(pod);
        }
        sum.note_deletion(pod);
        sum
    }

    /// Reads the init containers up to the first that is not done; says whether there is one, and how often
    /// the sidecars before it were restarted.
    fn add_init_containers(&mut self, pod: &Value) -> (bool, Restarts) {
        let mut of_sidecars = Restarts::default();
        for (i, status) in pod.items("status.initContainerStatuses").iter().enumerate() {
            let sidecar = sidecars(pod).any(|c| c.text("name") == status.text("name"));
            self.restarts.add(status);
            if sidecar {
                of_sidecars.add(status);
            }
            if status.has("state.terminated") && exit_code(status) == 0 {
                continue;
            }
            if sidecar && status.flag("started") {
                self.ready += usize::from(status.flag("ready"));
                continue;
            }
            let waiting = status.text("state.waiting.reason");
            self.word = if status.has("state.terminated") {
                format!("Init:{}", ended(status))
            } else if !waiting.is_empty() && waiting != "PodInitializing" {
                format!("Init:{waiting}")
            } else {
                format!("Init:{i}/{}", pod.items("spec.initContainers").len())
            };
            return (true, of_sidecars);
        }
        (false, of_sidecars)
    }

    fn add_containers(&mut self, pod: &Value) {
        let mut running = false;
        for status in pod.items("status.containerStatuses").iter().rev() {
            self.restarts.add(status);
            let waiting = status.text("state.waiting.reason");
            if !waiting.is_empty() {
                self.word = waiting.to_owned();
            } else if status.has("state.terminated") {
                self.word = ended(status);
            } else if status.flag("ready") && status.has("state.running") {
                running = true;
                self.ready += 1;
            }
        }
        if self.word == "Completed" && running {
            let ready = condition(pod, "Ready").text("status") == "True";
            self.word = if ready { "Running" } else { "NotReady" }.to_owned();
        }
    }

    fn note_deletion(&mut self, pod: &Value) {
        let finished = matches!(pod.text("status.phase"), "Succeeded" | "Failed");
        match pod.text("status.reason") {
            _ if !pod.has("metadata.deletionTimestamp") => {}
            "NodeLost" => self.word = "Unknown".to_owned(),
            _ if !finished => self.word = "Terminating".to_owned(),
            _ => {}
        }
    }

    fn ready(&self) -> String {
        format!("{}/{}", self.ready, self.containers)
    }

    fn restarted(&self, now: Time) -> String {
        match self.restarts {
            Restarts { count, last: Some(last) } if count > 0 => {
                format!("{count} ({} ago)", human_duration(now.duration_since(last)))
            }
            Restarts { count, .. } => count.to_string(),
        }
    }
}

/// Init containers that keep running beside the others.
fn sidecars(pod: &Value) -> impl Iterator<Item = &Value> {
    pod.items("spec.initContainers").iter().filter(|c| c.text("restartPolicy") == "Always")
}

fn exit_code(status: &Value) -> i64 {
    status.int("state.terminated.exitCode").unwrap_or_default()
}

/// Why a container ended: its reason, else its signal or exit code.
fn ended(status: &Value) -> String {
    let reason = status.text("state.terminated.reason");
    match status.int("state.terminated.signal") {
        _ if !reason.is_empty() => reason.to_owned(),
        Some(signal) if signal != 0 => format!("Signal:{signal}"),
        _ => format!("ExitCode:{}", exit_code(status)),
    }
}
