//! The suite that every [`Runtime`] passes.
//!
//! A [`Rig`] brings a runtime, a clock that can be waited on, and images: `ok` can be pulled, `missing` cannot.

use async_trait::async_trait;
use jiff::SignedDuration;
use object::Time;
use serde_json::json;

use crate::observed::{ContainerState, ImageState, Observed};
use crate::plan::Effect;
use crate::pod::Pod;
use crate::runtime::Runtime;

/// A runtime under test.
#[async_trait]
pub trait Rig: Send {
    /// The runtime.
    fn runtime(&self) -> &dyn Runtime;
    /// The present time.
    fn now(&self) -> Time;
    /// Lets a little time pass.
    async fn pass(&mut self);
    /// The image that can be pulled.
    fn image(&self) -> String;
}

/// Runs the whole suite. Panics with the broken rule.
pub async fn run(rig: &mut dyn Rig) {
    unknown_pods_are_empty(rig).await;
    sandboxes_keep_their_address(rig).await;
    pulls_tell_when(rig).await;
    attempts_start_once(rig).await;
    stopping_ends_and_removal_forgets(rig).await;
    missing_images_fail(rig).await;
}

/// A pod whose only container does not end by itself.
fn pod(rig: &dyn Rig, uid: &str) -> Pod {
    pod_of(uid, &rig.image())
}

pub(crate) fn pod_of(uid: &str, image: &str) -> Pod {
    let document = json!({
        "metadata": {"namespace": "suite", "name": uid, "uid": uid},
        "spec": {"containers": [{"name": "c", "image": image, "command": ["sleep", "600"]}]},
    });
    Pod::from_value(&document).expect("a pod")
}

/// Whether the runtime says that it holds something of a pod.
async fn holds(rig: &dyn Rig, pod: &Pod) -> bool {
    rig.runtime().held().await.expect("held").iter().any(|held| held.uid == pod.uid && held.key == pod.key)
}

async fn observe(rig: &dyn Rig, pod: &Pod) -> Observed {
    rig.runtime().observe(pod, rig.now()).await.expect("observe")
}

/// Performs an effect twice: the second time must change nothing.
async fn perform(rig: &dyn Rig, pod: &Pod, effect: Effect) {
    for _ in 0..2 {
        rig.runtime().perform(pod, &effect, rig.now()).await.expect("perform");
    }
}

async fn until(rig: &mut dyn Rig, pod: &Pod, what: &str, holds: impl Fn(&Observed) -> bool) -> Observed {
    for _ in 0..1000 {
        let observed = observe(rig, pod).await;
        if holds(&observed) {
            return observed;
        }
        rig.pass().await;
    }
    panic!("{what} never happened: {:?}", observe(rig, pod).await)
}

async fn started(rig: &mut dyn Rig, uid: &str) -> Pod {
    let pod = pod(rig, uid);
    perform(rig, &pod, Effect::CreateSandbox).await;
    perform(rig, &pod, Effect::PullImage { image: rig.image() }).await;
    let image = rig.image();
    let present = |o: &Observed| matches!(o.image(&image), Some(ImageState::Present { .. }));
    until(rig, &pod, "the pull", |o| present(o) && o.sandbox.as_ref().is_some_and(|s| s.is_ready())).await;
    perform(rig, &pod, Effect::StartContainer { name: "c".into(), attempt: 0, streak: 0 }).await;
    pod
}

/// For a runtime whose next start of a container hangs.
#[cfg(test)]
pub async fn a_start_that_hangs_is_given_up(rig: &mut dyn Rig) {
    let pod = pod(rig, "hangs");
    let ready = |o: &Observed| o.sandbox.as_ref().is_some_and(|s| s.is_ready());
    perform(rig, &pod, Effect::CreateSandbox).await;
    until(rig, &pod, "the sandbox", ready).await;
    let start = Effect::StartContainer { name: "c".into(), attempt: 0, streak: 0 };
    let error = rig.runtime().perform(&pod, &start, rig.now()).await.expect_err("it hangs");
    assert!(error.to_string().contains("not done within"), "{error}");
    perform(rig, &pod, start).await;
    let runs = |o: &Observed| o.containers.iter().any(|c| matches!(c.state, ContainerState::Running { .. }));
    until(rig, &pod, "another start", runs).await;
    clean(rig, &pod).await;
}

async fn unknown_pods_are_empty(rig: &mut dyn Rig) {
    let pod = pod(rig, "unknown");
    perform(rig, &pod, Effect::RemoveSandbox).await;
    perform(rig, &pod, Effect::RemoveContainer { name: "c".into(), attempt: 0 }).await;
    let observed = observe(rig, &pod).await;
    assert!(observed.sandbox.is_none() && observed.containers.is_empty(), "an unknown pod is empty");
}

async fn sandboxes_keep_their_address(rig: &mut dyn Rig) {
    let (a, b) = (pod(rig, "a"), pod(rig, "b"));
    perform(rig, &a, Effect::CreateSandbox).await;
    perform(rig, &b, Effect::CreateSandbox).await;
    let ready = |o: &Observed| o.sandbox.as_ref().is_some_and(|s| s.is_ready() && !s.ips.is_empty());
    let first = until(rig, &a, "a's sandbox", ready).await.sandbox;
    let other = until(rig, &b, "b's sandbox", ready).await.sandbox;
    assert_ne!(first.as_ref().map(|s| &s.ips), other.as_ref().map(|s| &s.ips), "addresses are unique");
    perform(rig, &a, Effect::CreateSandbox).await;
    assert_eq!(observe(rig, &a).await.sandbox, first, "a sandbox keeps its address");
    perform(rig, &a, Effect::RemoveSandbox).await;
    perform(rig, &b, Effect::RemoveSandbox).await;
    assert!(observe(rig, &a).await.sandbox.is_none(), "a removed sandbox is gone");
}

async fn pulls_tell_when(rig: &mut dyn Rig) {
    let pod = started(rig, "pulls").await;
    let (image, asked) = (rig.image(), rig.now());
    perform(rig, &pod, Effect::PullImage { image: image.clone() }).await;
    let again = |o: &Observed| match o.image(&image) {
        Some(ImageState::Present { pulled, .. }) => *pulled >= Some(asked),
        _ => false,
    };
    until(rig, &pod, "a pull of what is there", again).await;
    clean(rig, &pod).await;
}

async fn attempts_start_once(rig: &mut dyn Rig) {
    let pod = started(rig, "once").await;
    let running =
        |o: &Observed| matches!(o.latest("c").map(|c| &c.state), Some(ContainerState::Running { .. }));
    let observed = until(rig, &pod, "the start", running).await;
    assert_eq!(observed.containers.len(), 1, "an attempt is started once");
    assert!(holds(rig, &pod).await, "a running pod is held");
    let id = observed.containers[0].id.clone();
    perform(rig, &pod, Effect::StartContainer { name: "c".into(), attempt: 0, streak: 0 }).await;
    assert_eq!(observe(rig, &pod).await.containers[0].id, id, "a running attempt is left alone");
    clean(rig, &pod).await;
}

async fn stopping_ends_and_removal_forgets(rig: &mut dyn Rig) {
    let pod = started(rig, "stop").await;
    let grace = SignedDuration::from_secs(1);
    perform(rig, &pod, Effect::StopContainer { name: "c".into(), attempt: 0, grace, why: None }).await;
    until(rig, &pod, "the end", Observed::is_still).await;
    perform(rig, &pod, Effect::StartContainer { name: "c".into(), attempt: 0, streak: 0 }).await;
    assert!(observe(rig, &pod).await.is_still(), "an attempt that ended is not started again");
    clean(rig, &pod).await;
    let observed = observe(rig, &pod).await;
    assert!(observed.containers.is_empty() && observed.sandbox.is_none(), "what was removed is gone");
}

async fn missing_images_fail(rig: &mut dyn Rig) {
    let pod = pod_of("missing", "missing");
    perform(rig, &pod, Effect::PullImage { image: "missing".into() }).await;
    let failed = |o: &Observed| matches!(o.image("missing"), Some(ImageState::Failed { failures: 1.., .. }));
    until(rig, &pod, "the failure", failed).await;
}

async fn clean(rig: &mut dyn Rig, pod: &Pod) {
    let stop = Effect::StopContainer { name: "c".into(), attempt: 0, grace: SignedDuration::ZERO, why: None };
    perform(rig, pod, stop).await;
    until(rig, pod, "the end", Observed::is_still).await;
    perform(rig, pod, Effect::RemoveContainer { name: "c".into(), attempt: 0 }).await;
    perform(rig, pod, Effect::RemoveSandbox).await;
    for _ in 0..2 {
        rig.runtime().forget(pod).await.expect("forget");
    }
    assert!(!holds(rig, pod).await, "a forgotten pod is not held");
}
