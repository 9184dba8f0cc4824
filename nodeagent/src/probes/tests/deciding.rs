//! What answers amount to.

use std::time::Duration;

use serde_json::{Value, json};

use super::super::Reported;
use super::super::checks::Checks;
use super::super::spec::{HttpGet, ProbeAction, ProbeKind};
use super::super::tally::{Answer, Tally, Verdict};
use super::probes;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn documents_are_read_with_their_defaults() {
    let get = json!({"httpGet": {"scheme": "HTTPS", "port": "http", "path": "a?b", "httpHeaders": [{"name": "X", "value": "y"}]},
        "initialDelaySeconds": 4, "terminationGracePeriodSeconds": 9});
    let probe = probes(json!({"livenessProbe": get}), 8080).remove(0);
    let headers = vec![("X".to_owned(), "y".to_owned())];
    let expected = HttpGet { tls: true, host: None, port: 8080, path: "/a?b".into(), headers };
    assert_eq!((probe.kind, &probe.action), (ProbeKind::Liveness, &ProbeAction::Http(expected)));
    assert_eq!((probe.initial_delay, probe.period, probe.timeout), (secs(4), secs(10), secs(1)));
    assert_eq!((probe.success_threshold, probe.failure_threshold, probe.grace), (1, 3, Some(9)));
}

#[test]
fn ports_are_found_or_named_as_missing() {
    let action =
        |port: Value| probes(json!({"readinessProbe": {"tcpSocket": {"port": port}}}), 80).remove(0).action;
    let tcp = |port| ProbeAction::Tcp { host: None, port };
    let no = |why: &str| ProbeAction::Impossible(why.into());
    let cases = [
        (json!(7), tcp(7)),
        (json!("http"), tcp(80)),
        (json!("81"), tcp(81)),
        (json!("none"), no("strconv.Atoi: parsing \"none\": invalid syntax")),
        (json!("odd"), no("invalid port number: 0")),
        (json!(70000), no("invalid port number: 70000")),
    ];
    for (port, expected) in cases {
        assert_eq!(action(port.clone()), expected, "{port}");
    }
}

/// One letter per answer (`+`, `-`, `?`) and per verdict after it (`g`ood, `b`ad, `.` pending).
fn verdicts(success: u32, failure: u32, answers: &str) -> String {
    let fields =
        json!({"readinessProbe": {"exec": {}, "successThreshold": success, "failureThreshold": failure}});
    let probe = probes(fields, 1).remove(0);
    let mut tally = Tally::new(Verdict::Pending, Duration::ZERO);
    let letter = |answer| {
        let answer = match answer {
            '+' => Answer::Success,
            '-' => Answer::Failure,
            _ => Answer::Unknown,
        };
        tally = tally.step(&probe, answer, tally.due);
        match tally.verdict {
            Verdict::Pending => '.',
            Verdict::Good => 'g',
            Verdict::Bad => 'b',
        }
    };
    answers.chars().map(letter).collect()
}

#[test]
fn thresholds_count_answers_in_a_row() {
    let cases = [
        (1, 3, "+", "g"),
        (1, 3, "---", "..b"),
        (1, 3, "--+--+", "..gggg"),
        (1, 3, "+---+", "gggbg"),
        (2, 2, "+-++--", "...ggb"),
        (1, 3, "--?-", "...b"),
        (1, 1, "?-?+", ".bbg"),
    ];
    for (success, failure, answers, expected) in cases {
        assert_eq!(verdicts(success, failure, answers), expected, "{success} {failure} {answers}");
    }
}

#[test]
fn the_next_try_is_a_period_later_or_at_once_when_that_is_over() {
    let probe = probes(json!({"readinessProbe": {"exec": {}, "periodSeconds": 5}}), 1).remove(0);
    let tally = Tally::new(Verdict::Pending, secs(3));
    assert_eq!(tally.step(&probe, Answer::Success, secs(4)).due, secs(8));
    assert_eq!(tally.step(&probe, Answer::Unknown, secs(20)).due, secs(20));
}

fn all() -> Value {
    json!({
        "startupProbe": {"exec": {}, "failureThreshold": 2, "periodSeconds": 1},
        "readinessProbe": {"exec": {}, "initialDelaySeconds": 3, "failureThreshold": 1},
        "livenessProbe": {"exec": {}, "failureThreshold": 1, "terminationGracePeriodSeconds": 5},
    })
}

fn checks(fields: Value, age: u64, reported: Option<Reported>) -> Checks {
    Checks::new("web".into(), &probes(fields, 1), secs(age), reported, |_| Duration::ZERO)
}

/// `started ready`, and why the container is given up.
fn result(checks: &Checks) -> (bool, bool, Option<(String, Option<i64>)>) {
    let result = checks.result();
    (result.started, result.ready, result.failing.map(|failing| (failing.why, failing.grace)))
}

const STARTUP: usize = 0;
const READINESS: usize = 1;
const LIVENESS: usize = 2;

/// Lets a probe ask and be answered.
fn answer(checks: &mut Checks, index: usize, answer: Answer, now: u64) -> bool {
    checks.begin(index);
    checks.answer(index, answer, secs(now))
}

#[test]
fn startup_holds_the_others_back() {
    let mut checks = checks(all(), 0, None);
    assert_eq!((checks.due(), result(&checks)), (Some((STARTUP, secs(0))), (false, false, None)));
    assert!(!answer(&mut checks, STARTUP, Answer::Failure, 0), "one failure of two changes nothing");
    assert_eq!(checks.due(), Some((STARTUP, secs(1))));
    assert!(answer(&mut checks, STARTUP, Answer::Success, 1));
    assert_eq!((checks.due(), result(&checks)), (Some((LIVENESS, secs(0))), (true, false, None)));
    checks.begin(LIVENESS);
    assert_eq!(checks.due(), Some((READINESS, secs(3))), "the delay counts from the container's start");
    assert!(answer(&mut checks, READINESS, Answer::Success, 3));
    assert_eq!(result(&checks), (true, true, None));
}

#[test]
fn a_container_is_given_up_once() {
    let mut starting = checks(all(), 0, None);
    answer(&mut starting, STARTUP, Answer::Failure, 0);
    assert!(answer(&mut starting, STARTUP, Answer::Failure, 1));
    let why = "Container web failed startup probe".to_owned();
    assert_eq!((result(&starting), starting.due()), ((false, false, Some((why, None))), None));

    let mut living = checks(all(), 0, Some(Reported { started: true, ready: true }));
    assert_eq!(result(&living), (true, true, None), "a new agent goes on from what was reported");
    answer(&mut living, LIVENESS, Answer::Failure, 0);
    let why = "Container web failed liveness probe".to_owned();
    assert_eq!(result(&living), (true, true, Some((why, Some(5)))));
    assert_eq!(living.due(), Some((READINESS, secs(3))), "readiness goes on");
}

#[test]
fn without_a_probe_of_a_kind_its_answer_is_yes() {
    let liveness = checks(json!({"livenessProbe": {"exec": {}}}), 0, None);
    assert_eq!(result(&liveness), (true, true, None));
    let readiness = checks(json!({"readinessProbe": {"exec": {}}}), 0, None);
    assert_eq!(result(&readiness), (true, false, None));
}

#[test]
fn pods_on_their_way_out_are_asked_for_readiness_alone() {
    let mut checks = checks(all(), 100, Some(Reported { started: true, ready: true }));
    checks.end();
    assert_eq!(checks.due(), Some((READINESS, secs(100))));
    assert!(answer(&mut checks, READINESS, Answer::Failure, 100));
    assert_eq!(result(&checks), (true, false, None));
}
