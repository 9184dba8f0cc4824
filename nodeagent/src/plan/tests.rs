//! Single decisions, and what the report says of the same observation.

use jiff::SignedDuration;
use object::Time;
use serde_json::{Value, json};

use crate::*;

fn at(second: i64) -> Time {
    Time::from_second(second).unwrap()
}

/// A pod of one container `c` with image `i`.
fn pod(policy: &str, spec: Value) -> Pod {
    let mut document = json!({"metadata": {"name": "p", "namespace": "d", "uid": "u"},
        "spec": {"nodeName": "n", "containers": [{"name": "c", "image": "i", "imagePullPolicy": policy}]}});
    let fields = spec.as_object().cloned().unwrap_or_default();
    document["spec"].as_object_mut().unwrap().extend(fields);
    Pod::decode(document.to_string().as_bytes(), 1).unwrap()
}

/// A sandbox made at second 100, with these attempts and images.
fn observed(containers: Vec<ObservedContainer>, images: &[(&str, ImageState)]) -> Observed {
    let sandbox = Sandbox { state: SandboxState::Ready, ips: vec!["10.0.0.1".into()], since: at(100) };
    let images = images.iter().map(|(name, state)| Image { name: (*name).into(), state: state.clone() });
    Observed { sandbox: Some(sandbox), containers, images: images.collect(), ..Observed::default() }
}

fn attempt(attempt: u32, state: ContainerState) -> ObservedContainer {
    let (id, image_id) = (format!("x://{attempt}"), "i@1".to_owned());
    ObservedContainer { name: "c".into(), attempt, streak: 0, id, image_id, state }
}

fn running(failing: Option<Failing>, stopping: Option<Time>) -> ContainerState {
    ContainerState::Running { since: at(110), started: true, ready: true, stopping, failing }
}

fn exited(second: i64) -> ContainerState {
    let (reason, message) = ("Error".to_owned(), String::new());
    ContainerState::Exited { code: 1, since: Some(at(110)), at: at(second), reason, message }
}

fn present(pulled: Option<i64>) -> ImageState {
    ImageState::Present { id: "i@1".into(), pulled: pulled.map(at) }
}

fn start(attempt: u32) -> Vec<Effect> {
    vec![Effect::StartContainer { name: "c".into(), attempt, streak: attempt }]
}

fn pull() -> Vec<Effect> {
    vec![Effect::PullImage { image: "i".into() }]
}

#[test]
fn what_probes_give_up_is_stopped() {
    let failing = |grace| Failing { why: "Container c failed liveness probe".into(), grace };
    let stop = |seconds, why: &str| {
        let (name, grace) = ("c".into(), SignedDuration::from_secs(seconds));
        vec![Effect::StopContainer { name, attempt: 0, grace, why: Some(why.into()) }]
    };
    let restarted = "Container c failed liveness probe, will be restarted";
    let cases = [
        (json!({}), failing(None), None, stop(30, restarted)),
        (json!({"terminationGracePeriodSeconds": 7}), failing(None), None, stop(7, restarted)),
        (json!({"terminationGracePeriodSeconds": 7}), failing(Some(3)), None, stop(3, restarted)),
        (
            json!({"restartPolicy": "Never"}),
            failing(None),
            None,
            stop(30, "Container c failed liveness probe"),
        ),
        (json!({}), failing(None), Some(at(300)), vec![]),
    ];
    for (spec, failing, stopping, expected) in cases {
        let seen = observed(vec![attempt(0, running(Some(failing), stopping))], &[]);
        assert_eq!(plan(&pod("IfNotPresent", spec.clone()), &seen, at(200)).effects, expected, "{spec}");
    }
}

#[test]
fn policies_decide_on_pulls() {
    let none: &[(&str, ImageState)] = &[];
    let there = |pulled| vec![("i", present(pulled))];
    let ended = || vec![attempt(0, exited(150))];
    let cases = [
        ("IfNotPresent", vec![], none.to_vec(), pull()),
        ("IfNotPresent", vec![], there(None), start(0)),
        ("IfNotPresent", ended(), there(Some(120)), start(1)),
        ("Never", vec![], none.to_vec(), vec![]),
        ("Never", vec![], there(None), start(0)),
        ("Always", vec![], none.to_vec(), pull()),
        ("Always", vec![], there(None), pull()),
        ("Always", vec![], there(Some(99)), pull()),
        ("Always", vec![], there(Some(100)), start(0)),
        ("Always", ended(), there(Some(149)), pull()),
        ("Always", ended(), there(Some(150)), start(1)),
        ("Always", vec![attempt(0, ContainerState::Created)], there(None), start(0)),
    ];
    for (policy, containers, images, expected) in cases {
        let seen = observed(containers, &images);
        assert_eq!(plan(&pod(policy, json!({})), &seen, at(200)).effects, expected, "{policy} {seen:?}");
    }
    let seen = observed(vec![], &[]);
    assert_eq!(plan(&pod("Never", json!({})), &seen, at(200)).again, Some(at(210)));
}

#[test]
fn pods_that_end_get_their_own_grace() {
    let mut pod = pod("Never", json!({"terminationGracePeriodSeconds": 5, "activeDeadlineSeconds": 10}));
    pod.status.start_time = Some(at(100));
    let seen = observed(vec![attempt(0, running(None, None))], &[]);
    let grace = SignedDuration::from_secs(5);
    let stop = Effect::StopContainer { name: "c".into(), attempt: 0, grace, why: None };
    assert_eq!(plan(&pod, &seen, at(200)).effects, [stop]);
    let endless = self::pod("Never", json!({"terminationGracePeriodSeconds": i64::MAX}));
    assert_eq!(endless.spec.grace, i64::from(u32::MAX), "a grace can be added to a time");
}

/// Reason and message of the container's waiting state.
fn waiting(pod: &Pod, seen: &Observed) -> (String, String) {
    let status = report(pod, seen, &Host::default(), at(200));
    let waiting = status.container_statuses[0].state.waiting.clone().unwrap_or_default();
    (waiting.reason, waiting.message)
}

#[test]
fn hindrances_are_told() {
    let trouble = |container: Option<&str>, reason: &str| Trouble {
        container: container.map(str::to_owned),
        reason: reason.into(),
        message: "no".into(),
    };
    let with = |mut seen: Observed, trouble: Trouble| {
        seen.troubles.push(trouble);
        seen
    };
    let failed = |reason: &str, second| ImageState::Failed {
        reason: reason.into(),
        message: "m".into(),
        at: at(second),
        failures: 1,
    };
    let create = || trouble(Some("c"), "CreateContainerError");
    let never = "Container image \"i\" is not present with pull policy of Never";
    let back_off = "Back-off pulling image \"i\": ErrImagePull: m";
    let cases = [
        ("Always", observed(vec![], &[]), "ContainerCreating", ""),
        ("Never", observed(vec![], &[]), "ErrImageNeverPull", never),
        ("Never", Observed::default(), "ContainerCreating", ""),
        ("Always", with(observed(vec![], &[]), create()), "CreateContainerError", "no"),
        ("Always", with(observed(vec![], &[]), trouble(Some("d"), "x")), "ContainerCreating", ""),
        ("Always", with(Observed::default(), trouble(None, "FailedMount")), "ContainerCreating", ""),
        (
            "Always",
            with(observed(vec![], &[("i", failed("ErrImagePull", 198))]), create()),
            "ErrImagePull",
            "m",
        ),
        ("Always", observed(vec![], &[("i", failed("ErrImagePull", 190))]), "ImagePullBackOff", back_off),
        ("Always", observed(vec![], &[("i", failed("InvalidImageName", 190))]), "InvalidImageName", "m"),
        (
            "Always",
            with(observed(vec![attempt(0, exited(150))], &[]), create()),
            "CreateContainerError",
            "no",
        ),
    ];
    for (policy, seen, reason, message) in cases {
        let told = waiting(&pod(policy, json!({})), &seen);
        assert_eq!(told, (reason.to_owned(), message.to_owned()), "{seen:?}");
    }
}

#[test]
fn a_restart_that_fails_keeps_how_the_last_one_ended() {
    let mut seen = observed(vec![attempt(0, exited(150))], &[]);
    let container = Some("c".to_owned());
    seen.troubles.push(Trouble { container, reason: "RunContainerError".into(), message: String::new() });
    let status = report(&pod("Never", json!({})), &seen, &Host::default(), at(200));
    let last = status.container_statuses[0].last_state.terminated.as_ref().unwrap();
    assert_eq!((last.exit_code, last.container_id.as_str()), (1, "x://0"));
}

#[test]
fn an_absent_image_is_told_only_when_its_turn_has_come() {
    let init = json!({"initContainers": [{"name": "a", "image": "j"}]});
    let seen = observed(vec![], &[]);
    assert_eq!(waiting(&pod("Never", init), &seen).0, "PodInitializing");
}

#[test]
fn a_new_sandbox_is_initialized_anew() {
    let ended = |name: &str, code, second| {
        let (since, at, reason, message) = (None, at(second), "Completed".to_owned(), String::new());
        let state = ContainerState::Exited { code, since, at, reason, message };
        ObservedContainer { name: name.into(), ..attempt(0, state) }
    };
    let started = |init: i64, main: i64| {
        let pod = pod("IfNotPresent", json!({"initContainers": [{"name": "a", "image": "i"}]}));
        let seen = observed(vec![ended("a", 0, init), ended("c", 255, main)], &[("i", present(None))]);
        let effects = plan(&pod, &seen, at(2000)).effects;
        let names = effects.into_iter().map(|effect| match effect {
            Effect::StartContainer { name, attempt: 1, .. } => name.to_string(),
            other => format!("{other:?}"),
        });
        names.collect::<Vec<_>>()
    };
    assert_eq!(started(50, 60), ["a"], "both ended before the sandbox was made");
    assert_eq!(started(120, 60), ["c"], "it is initialized");
    assert_eq!(started(50, 130), ["c"], "a container has begun in it");
}
