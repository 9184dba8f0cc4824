//! Whole lives of pods on the fake runtime, by a clock that is an argument.

use async_trait::async_trait;
use jiff::SignedDuration;
use object::Time;
use serde_json::json;

use crate::suite::{self, Rig};
use crate::*;

/// One pod, driven as the agent drives it.
struct Life {
    runtime: FakeRuntime,
    pod: Pod,
    now: Time,
    /// `second: what changed`, joined.
    told: Vec<String>,
}

fn delays() -> Delays {
    let s = SignedDuration::from_secs;
    Delays { pull: s(2), sandbox: s(1), ready: s(1), run: s(1), stop: s(2) }
}

fn pod(spec: serde_json::Value, annotations: serde_json::Value) -> Pod {
    let mut spec = spec;
    spec["nodeName"] = "n".into();
    let document = json!({"metadata": {"name": "p", "namespace": "d", "uid": "u", "generation": 1,
        "annotations": annotations}, "spec": spec, "status": {"phase": "Pending", "qosClass": "BestEffort"}});
    Pod::decode(document.to_string().as_bytes(), 1).unwrap()
}

impl Life {
    fn new(pod: Pod) -> Self {
        let now = Time::from_second(1_000_000).unwrap();
        Self { runtime: FakeRuntime::new(delays()), pod, now, told: Vec::new() }
    }

    /// Drives the pod until that many seconds from the beginning.
    async fn until(&mut self, second: i64) {
        let end = Time::from_second(1_000_000 + second).unwrap();
        while self.now <= end {
            let again = self.step().await;
            match again {
                Some(at) => self.now = at,
                None => break,
            }
        }
        self.now = end;
    }

    async fn step(&mut self) -> Option<Time> {
        let host = Host { ips: vec!["192.0.2.1".into()] };
        for _ in 0..20 {
            let observed = self.runtime.observe(&self.pod, self.now).await.unwrap();
            let plan = plan(&self.pod, &observed, self.now);
            for effect in &plan.effects {
                self.runtime.perform(&self.pod, effect, self.now).await.unwrap();
            }
            if !plan.effects.is_empty() {
                continue;
            }
            let status = report(&self.pod, &observed, &host, self.now);
            if status.patch_from(&self.pod.status).is_some() {
                self.tell(&status);
                self.pod.status = status;
            }
            if has_left(&self.pod, &observed) {
                self.told.push(format!("{}: left", self.second()));
                return None;
            }
            return plan.again.into_iter().chain(observed.look_again).min();
        }
        panic!("the plan never settles: {:?}", self.told)
    }

    fn second(&self) -> i64 {
        self.now.as_second() - 1_000_000
    }

    fn tell(&mut self, status: &Status) {
        let state = |c: &ContainerStatus| {
            let state = &c.state;
            let text = match (&state.waiting, &state.running, &state.terminated) {
                (Some(waiting), ..) => waiting.reason.clone(),
                (_, Some(_), _) => if c.ready { "serving" } else { "running" }.to_owned(),
                (.., Some(ended)) => format!("exit {}", ended.exit_code),
                _ => "none".to_owned(),
            };
            if c.restart_count == 0 { text } else { format!("{text} x{}", c.restart_count) }
        };
        let containers = status.init_container_statuses.iter().chain(&status.container_statuses).map(state);
        let reason = if status.reason.is_empty() { String::new() } else { format!(" ({})", status.reason) };
        let containers: Vec<_> = containers.collect();
        self.told.push(format!("{}: {:?}{reason} [{}]", self.second(), status.phase, containers.join(", ")));
    }

    fn story(&self) -> String {
        self.told.join("\n")
    }
}

#[tokio::test]
async fn a_pod_comes_up_and_stays() {
    let mut life = Life::new(pod(json!({"containers": [{"name": "c", "image": "i"}]}), json!({})));
    life.until(100).await;
    assert_eq!(
        life.story(),
        "0: Pending [ContainerCreating]\n1: Pending [ContainerCreating]\n3: Running [running]\n4: Running [serving]"
    );
    let status = &life.pod.status;
    assert_eq!(status.pod_ip, "10.88.0.2");
    assert!(
        ["Ready", "Initialized", "ContainersReady", "PodScheduled"].iter().all(|kind| status
            .condition(kind)
            .unwrap()
            .status
            == "True")
    );
    let ready = status.condition("Ready").unwrap().last_transition_time.unwrap();
    assert_eq!(ready.as_second(), 1_000_004, "a condition keeps the time of its change");

    life.pod.deletion = Some(Deletion { deadline: life.now + SignedDuration::from_secs(30), grace: 30 });
    life.told.clear();
    life.until(200).await;
    assert_eq!(life.story(), "102: Succeeded [exit 0]\n102: left");
}

#[tokio::test]
async fn init_containers_run_in_order_and_sidecars_stay() {
    let spec = json!({"restartPolicy": "Never",
        "initContainers": [{"name": "a", "image": "i"}, {"name": "s", "image": "i", "restartPolicy": "Always"}, {"name": "b", "image": "i"}],
        "containers": [{"name": "c", "image": "i"}]});
    let mut life = Life::new(pod(spec, json!({"fake.berth.dev/run-for": "3"})));
    life.until(100).await;
    let expected = "0: Pending [PodInitializing, PodInitializing, PodInitializing, PodInitializing]
1: Pending [PodInitializing, PodInitializing, PodInitializing, PodInitializing]
3: Pending [running, PodInitializing, PodInitializing, PodInitializing]
6: Pending [exit 0, running, running, PodInitializing]
7: Pending [exit 0, serving, running, PodInitializing]
9: Running [exit 0, serving, exit 0, running]
10: Running [exit 0, serving, exit 0, serving]";
    assert_eq!(life.story(), expected);
}

#[tokio::test]
async fn jobs_end_with_their_sidecars() {
    let spec = json!({"restartPolicy": "Never",
        "initContainers": [{"name": "s", "image": "i", "restartPolicy": "Always"}],
        "containers": [{"name": "c", "image": "i"}]});
    let mut life =
        Life::new(pod(spec, json!({"fake.berth.dev/exit-code": "0", "fake.berth.dev/run-for": "5"})));
    life.until(100).await;
    assert_eq!(life.pod.status.phase, Phase::Succeeded, "{}", life.story());
    assert_eq!(life.pod.status.condition("Ready").unwrap().reason, "PodCompleted");
}

#[tokio::test]
async fn failures_back_off_or_end_the_pod() {
    let crash = json!({"fake.berth.dev/exit-code": "1"});
    let containers = json!([{"name": "c", "image": "i"}]);
    let mut life = Life::new(pod(json!({"restartPolicy": "Never", "containers": containers}), crash.clone()));
    life.until(100).await;
    assert_eq!(life.told.last().unwrap(), "4: Failed [exit 1]");

    let mut life = Life::new(pod(json!({"containers": containers}), crash));
    life.until(100).await;
    let expected = "0: Pending [ContainerCreating]
1: Pending [ContainerCreating]
3: Running [running]
4: Running [running x1]
5: Running [CrashLoopBackOff x1]
15: Running [running x2]
16: Running [CrashLoopBackOff x2]
36: Running [running x3]
37: Running [CrashLoopBackOff x3]
77: Running [running x4]
78: Running [CrashLoopBackOff x4]";
    assert_eq!(life.story(), expected);
    let container = &life.pod.status.container_statuses[0];
    let message = &container.state.waiting.as_ref().unwrap().message;
    assert_eq!(message, "back-off 1m20s restarting failed container=c pod=p_d(u)");
    assert_eq!(container.last_state.terminated.as_ref().unwrap().exit_code, 1);
}

#[tokio::test]
async fn missing_images_are_told_and_tried_again() {
    let mut life = Life::new(pod(json!({"containers": [{"name": "c", "image": "missing"}]}), json!({})));
    life.until(40).await;
    let expected = "0: Pending [ContainerCreating]
1: Pending [ContainerCreating]
3: Pending [ErrImagePull]
8: Pending [ImagePullBackOff]
13: Pending [ContainerCreating]
15: Pending [ErrImagePull]
20: Pending [ImagePullBackOff]
35: Pending [ContainerCreating]
37: Pending [ErrImagePull]";
    assert_eq!(life.story(), expected);
}

#[tokio::test]
async fn deadlines_end_pods() {
    let spec = json!({"activeDeadlineSeconds": 10, "containers": [{"name": "c", "image": "i"}]});
    let mut life = Life::new(pod(spec, json!({"fake.berth.dev/never-ready": "true"})));
    life.until(100).await;
    let end = "10: Running (DeadlineExceeded) [running]\n12: Failed (DeadlineExceeded) [exit 0]";
    assert!(life.story().ends_with(end), "{}", life.story());
}

#[tokio::test]
async fn a_new_agent_leaves_running_pods_alone() {
    let mut life = Life::new(pod(json!({"containers": [{"name": "c", "image": "i"}]}), json!({})));
    life.until(10).await;
    let before = life.pod.status.clone();
    life.runtime = FakeRuntime::new(delays());
    life.told.clear();
    life.until(100).await;
    assert_eq!((life.story().as_str(), &life.pod.status), ("", &before));
    let other = Pod { uid: "v".into(), ..pod(json!({"containers": []}), json!({})) };
    life.runtime.perform(&other, &Effect::CreateSandbox, life.now).await.unwrap();
    let observed = life.runtime.observe(&other, life.now).await.unwrap();
    assert_eq!(observed.sandbox.unwrap().ips, ["10.88.0.3"], "an adopted address is not given out again");
}

#[tokio::test]
async fn remains_are_removed() {
    let mut life = Life::new(pod(json!({"containers": [{"name": "c", "image": "i"}]}), json!({})));
    life.until(10).await;
    for _ in 0..3 {
        let observed = life.runtime.observe(&life.pod, life.now).await.unwrap();
        for effect in plan_gone(&observed, life.now).effects {
            life.runtime.perform(&life.pod, &effect, life.now).await.unwrap();
        }
    }
    life.pod.status = Status::default();
    let observed = life.runtime.observe(&life.pod, life.now).await.unwrap();
    assert!(observed.sandbox.is_none() && observed.containers.is_empty(), "{observed:?}");
}

#[test]
fn patches_name_what_changed() {
    let ip = |ip: &str| vec![Ip { ip: ip.into() }];
    let foreign = Condition { kind: "x".into(), ..Condition::default() };
    let old = Status { reason: "r".into(), pod_ips: ip("a"), conditions: vec![foreign], ..Status::default() };
    let new = Status { pod_ips: ip("b"), ..Status::default() };
    let patch = new.patch_from(&old).unwrap();
    assert_eq!(patch["reason"], json!(null));
    assert_eq!(patch["podIPs"], json!([{"$patch": "replace"}, {"ip": "b"}]));
    assert_eq!(Status { conditions: Vec::new(), ..old.clone() }.patch_from(&old), None);
}

struct FakeRig {
    runtime: FakeRuntime,
    now: Time,
}

#[async_trait]
impl Rig for FakeRig {
    fn runtime(&self) -> &dyn Runtime {
        &self.runtime
    }
    fn now(&self) -> Time {
        self.now
    }
    async fn pass(&mut self) {
        self.now += SignedDuration::from_millis(100);
    }
    fn image(&self) -> String {
        "ok".into()
    }
}

#[tokio::test]
async fn the_fake_runtime_passes_the_suite() {
    suite::run(&mut FakeRig { runtime: FakeRuntime::new(delays()), now: Time::UNIX_EPOCH }).await;
}
