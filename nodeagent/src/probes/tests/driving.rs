//! The prober, by a clock that runs as fast as it can.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use futures::stream::BoxStream;
use parking_lot::Mutex;
use serde_json::json;
use tokio::time::Instant;

use super::super::{ExecEnd, ExecProbe, News, ProbeResult, Prober, Reported, Target};
use super::{probes, target};
use crate::Probe;

/// Answers from a script, `0` or `1` for each time it is asked, the last one for ever; notes when it was.
struct Script {
    answers: &'static str,
    began: Instant,
    /// (seconds, id, command). Locked for an update, never across an await.
    asked: Mutex<Vec<(u64, String, String)>>,
}

#[async_trait]
impl ExecProbe for Script {
    async fn exec(&self, id: &str, command: &[String], _: Duration) -> Result<ExecEnd, String> {
        let mut asked = self.asked.lock();
        asked.push((self.began.elapsed().as_secs(), id.to_owned(), command[0].clone()));
        let turn = asked.iter().filter(|(.., asked)| *asked == command[0]).count() - 1;
        let code = self.answers.as_bytes()[turn.min(self.answers.len() - 1)] - b'0';
        Ok(ExecEnd::Exited { code: code.into(), output: b"no".to_vec() })
    }
}

struct Scene {
    script: Arc<Script>,
    prober: Prober,
    news: BoxStream<'static, News>,
}

fn scene(answers: &'static str) -> Scene {
    let script = Arc::new(Script { answers, began: Instant::now(), asked: Mutex::default() });
    let (prober, news) = Prober::new(script.clone());
    Scene { script, prober, news }
}

impl Scene {
    /// Waits for the result of this container to change, and returns it with what was told before.
    async fn change(&mut self, target: &Target, probes: &[Probe]) -> (ProbeResult, Vec<String>) {
        let mut told = Vec::new();
        loop {
            match self.news.next().await.unwrap() {
                News::Event { message, .. } => told.push(message),
                News::Changed { pod } => {
                    assert_eq!(pod, target.pod);
                    return (self.prober.watch(target, probes), told);
                }
            }
        }
    }

    fn seconds(&self, command: &str) -> Vec<u64> {
        let asked = self.script.asked.lock();
        asked.iter().filter(|(.., asked)| asked == command).map(|(second, ..)| *second).collect()
    }

    async fn pass(&self, seconds: u64) {
        tokio::time::sleep(Duration::from_secs(seconds)).await;
    }
}

fn readiness() -> Vec<Probe> {
    probes(
        json!({"readinessProbe": {"exec": {"command": ["r"]}, "initialDelaySeconds": 3, "periodSeconds": 5}}),
        1,
    )
}

fn liveness() -> Vec<Probe> {
    probes(
        json!({"livenessProbe": {"exec": {"command": ["l"]}, "periodSeconds": 2, "failureThreshold": 2}}),
        1,
    )
}

#[tokio::test(start_paused = true)]
async fn readiness_comes_goes_and_is_told() {
    let mut scene = scene("10111");
    let (target, probes) = (target("a"), readiness());
    assert!(!scene.prober.watch(&target, &probes).ready, "not ready until it says so");
    let (result, told) = scene.change(&target, &probes).await;
    assert_eq!((result.ready, told), (true, vec!["Readiness probe failed: no".to_owned()]));
    let (result, told) = scene.change(&target, &probes).await;
    assert_eq!((result.ready, told.len()), (false, 3));
    assert_eq!(scene.seconds("r"), [3, 8, 13, 18, 23]);
}

#[tokio::test(start_paused = true)]
async fn liveness_gives_up_and_starts_anew_with_the_next_attempt() {
    let mut scene = scene("110");
    let (first, second, probes) = (target("a"), target("b"), liveness());
    scene.prober.watch(&first, &probes);
    let (result, _) = scene.change(&first, &probes).await;
    assert_eq!(result.failing.unwrap().why, "Container web failed liveness probe");
    scene.pass(100).await;
    assert_eq!(scene.seconds("l"), [0, 2], "what is given up is asked no more");
    assert_eq!(scene.prober.watch(&second, &probes), ProbeResult::UNASKED, "the next attempt starts anew");
    scene.prober.keep("u", &["b"]);
    scene.pass(3).await;
    assert_eq!(scene.seconds("l"), [0, 2, 102, 104]);
    assert_eq!(scene.prober.watch(&second, &probes).failing, None);
}

#[tokio::test(start_paused = true)]
async fn containers_that_are_not_kept_are_not_asked() {
    let scene = scene("0");
    scene.prober.watch(&target("a"), &liveness());
    scene.pass(3).await;
    scene.prober.keep("other", &[]);
    scene.prober.keep("u", &["b"]);
    scene.pass(100).await;
    assert_eq!(scene.seconds("l"), [0, 2]);
}

#[tokio::test(start_paused = true)]
async fn containers_found_running_are_asked_within_a_period_and_go_on_from_their_report() {
    let mut scene = scene("1");
    let reported = Some(Reported { started: true, ready: true });
    let target = Target { age: Duration::from_secs(1000), reported, ..target("a") };
    let probes = readiness();
    assert!(scene.prober.watch(&target, &probes).ready);
    let (result, told) = scene.change(&target, &probes).await;
    assert_eq!((result.ready, told.len()), (false, 3));
    let seconds = scene.seconds("r");
    assert!(seconds[0] < 5 && seconds[2] - seconds[0] == 10, "{seconds:?}");
}

#[tokio::test(start_paused = true)]
async fn thousands_of_containers_are_asked() {
    let scene = scene("0");
    let probes = liveness();
    for i in 0..3000 {
        scene.prober.watch(&target(&format!("c{i}")), &probes);
    }
    scene.pass(1).await;
    assert_eq!(scene.seconds("l").len(), 3000);
    drop(scene.prober);
    scene.script.asked.lock().clear();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(scene.script.asked.lock().len(), 0, "a prober that is dropped asks no more");
}

#[tokio::test]
async fn without_probes_there_is_nothing_to_ask() {
    assert_eq!(scene("0").prober.watch(&target("a"), &[]), ProbeResult::UNASKED);
}
