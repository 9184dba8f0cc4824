//! Jobs and cron jobs.

use super::*;

const UID: &str = "0a1b";

/// A job's spec after these changes.
fn spec(changes: &Value) -> Value {
    let pod = json!({ "restartPolicy": "Never", "containers": [{ "name": "a", "image": "busybox:1" }] });
    changed(json!({ "template": { "spec": pod } }), changes)
}

fn job(changes: Value) -> Value {
    json!({ "metadata": { "name": "pi", "uid": UID }, "spec": spec(&changes) })
}

/// A job whose pods have indexes.
fn indexed(changes: &Value) -> Value {
    job(changed(json!({ "completionMode": "Indexed", "completions": 5 }), changes))
}

fn labels() -> Value {
    json!({
        "batch.kubernetes.io/controller-uid": UID, "batch.kubernetes.io/job-name": "pi",
        "controller-uid": UID, "job-name": "pi",
    })
}

#[test]
fn jobs_select_by_what_they_generate() {
    check_field("Job", job(json!({})), "spec.template.metadata.labels", labels());
    let selector = json!({ "matchLabels": { "batch.kubernetes.io/controller-uid": UID } });
    check_field("Job", job(json!({})), "spec.selector", selector);
    check_field("Job", job(json!({})), "metadata.labels", labels());
    let labelled = json!({ "template": { "metadata": { "labels": { "app": "x" } } } });
    check_field("Job", job(labelled), "metadata.labels", json!({ "app": "x" }));
    let manual = json!({ "manualSelector": true, "selector": { "matchLabels": { "app": "x" } },
        "template": { "metadata": { "labels": { "app": "x" } } } });
    check_create("Job", job(manual.clone()), &[]);
    check_field("Job", job(manual), "spec.template.metadata.labels", json!({ "app": "x" }));
}

#[test]
fn selectors_of_jobs_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("Job", job(spec), expect);
    check(json!({}), &[]);
    check(json!({ "manualSelector": true }), &["spec.selector: Required value"]);
    check(
        json!({ "manualSelector": true, "selector": { "matchLabels": { "app": "x" } } }),
        &["spec.template.metadata.labels: Invalid value: null: `selector` does not match template `labels`"],
    );
    let mut taken = labels();
    taken.put("job-name", "e");
    check(
        json!({ "template": { "metadata": { "labels": { "job-name": "e" } } } }),
        &[&format!("spec.template.metadata.labels[job-name]: Invalid value: {taken}: must be 'pi'")],
    );
    check(
        json!({ "selector": { "matchLabels": { "app": "x" } }, "template": { "metadata": { "labels": { "app": "x" } } } }),
        &[&format!(
            "spec.selector: Invalid value: {}: `selector` not auto-generated",
            json!({ "matchLabels": { "app": "x", "batch.kubernetes.io/controller-uid": UID } })
        )],
    );
    let found = json!({ "matchExpressions": [{ "key": "a", "operator": "Is" }] });
    check(
        json!({ "selector": found }),
        &["spec.selector.matchExpressions[0].operator: Invalid value: \"Is\": not a valid selector operator"],
    );
}

#[test]
fn jobs_run_once_unless_told_otherwise() {
    let check = |spec: Value, field: &str, expect: Value| {
        check_field("Job", job(spec), &format!("spec.{field}"), expect);
    };
    for (field, expect) in [
        ("completions", json!(1)),
        ("parallelism", json!(1)),
        ("backoffLimit", json!(6)),
        ("completionMode", json!("NonIndexed")),
        ("suspend", json!(false)),
        ("manualSelector", json!(false)),
        ("podReplacementPolicy", json!("TerminatingOrFailed")),
    ] {
        check(json!({}), field, expect);
    }
    check(json!({ "parallelism": 3 }), "completions", Value::Null);
    check(json!({ "backoffLimitPerIndex": 1 }), "backoffLimit", json!(2_147_483_647));
    check(json!({ "podFailurePolicy": { "rules": [] } }), "podReplacementPolicy", json!("Failed"));
}

#[test]
fn jobs_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("Job", job(spec), expect);
    check(
        json!({ "parallelism": -1 }),
        &["spec.parallelism: Invalid value: -1: must be greater than or equal to 0"],
    );
    let restart = "spec.template.spec.restartPolicy";
    check(
        json!({ "template": { "spec": { "restartPolicy": null } } }),
        &[&format!("{restart}: Required value: valid values: \"OnFailure\", \"Never\"")],
    );
    check(json!({ "template": { "spec": { "restartPolicy": "OnFailure" } } }), &[]);
    check(
        json!({ "podReplacementPolicy": "Soon" }),
        &[
            "spec.podReplacementPolicy: Unsupported value: \"Soon\": supported values: \"Failed\", \"TerminatingOrFailed\"",
        ],
    );
    check(
        json!({ "completionMode": "Any" }),
        &["spec.completionMode: Unsupported value: \"Any\": supported values: \"NonIndexed\", \"Indexed\""],
    );
    check(json!({ "managedBy": "example.com/queue" }), &[]);
    check(json!({ "managedBy": "" }), &["spec.managedBy: Required value"]);
    check(
        json!({ "managedBy": "queue" }),
        &[
            "spec.managedBy: Invalid value: \"queue\": must be a domain-prefixed path (such as \"acme.io/foo\")",
        ],
    );
    check(
        json!({ "managedBy": "example.com/a b" }),
        &[
            "spec.managedBy: Invalid value: \"a b\": Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')",
        ],
    );
    check(
        json!({ "managedBy": format!("example.com/{}", "a".repeat(60)) }),
        &["spec.managedBy: Too long: may not be more than 63 bytes"],
    );
    check(
        json!({ "backoffLimitPerIndex": 1, "successPolicy": { "rules": [] } }),
        &[
            "spec.backoffLimitPerIndex: Invalid value: 1: requires indexed completion mode",
            "spec.successPolicy: Invalid value: {\"rules\":[]}: requires indexed completion mode",
        ],
    );
}

#[test]
fn indexed_jobs_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("Job", indexed(&spec), expect);
    check(json!({}), &[]);
    check(
        json!({ "completions": null, "parallelism": 1 }),
        &["spec.completions: Required value: when completion mode is Indexed"],
    );
    check(
        json!({ "parallelism": 100_001 }),
        &[
            "spec.parallelism: Invalid value: 100001: must be less than or equal to 100000 when completion mode is Indexed",
        ],
    );
    check(
        json!({ "maxFailedIndexes": 6 }),
        &[
            "spec.maxFailedIndexes: Invalid value: 6: must be less than or equal to completions",
            "spec.backoffLimitPerIndex: Required value: when maxFailedIndexes is specified",
        ],
    );
    let many = json!({ "completions": 200_000, "backoffLimitPerIndex": 1, "parallelism": 10_001 });
    let at_most = "must be less than or equal to 10000 when completions are above 100000 and used with backoff limit per index";
    check(
        many.clone(),
        &[
            "spec.maxFailedIndexes: Required value: must be specified when completions is above 100000",
            &format!("spec.parallelism: Invalid value: 10001: {at_most}"),
        ],
    );
    check(
        changed(many, &json!({ "maxFailedIndexes": 100_001 })),
        &[
            "spec.maxFailedIndexes: Invalid value: 100001: must be less than or equal to 100000",
            &format!("spec.parallelism: Invalid value: 10001: {at_most}"),
            &format!("spec.maxFailedIndexes: Invalid value: 100001: {at_most}"),
        ],
    );
    let long = "a".repeat(62);
    check_create(
        "Job",
        changed(indexed(&json!({})), &json!({ "metadata": { "name": long } })),
        &[&format!(
            "metadata.name: Invalid value: \"{long}\": will not able to create pod with invalid DNS label: {long}-4"
        )],
    );
}

#[test]
fn policies_for_failures_are_checked() {
    let check = |rule: Value, expect: &[&str]| {
        check_create("Job", job(json!({ "podFailurePolicy": { "rules": [rule] } })), expect);
    };
    let at = "spec.podFailurePolicy.rules[0]";
    let codes = |codes: Value| json!({ "action": "Ignore", "onExitCodes": codes });
    check(json!({ "action": "Count", "onPodConditions": [{ "type": "DisruptionTarget" }] }), &[]);
    check(codes(json!({ "operator": "In", "values": [1, 2], "containerName": "a" })), &[]);
    check(
        json!({}),
        &[
            &format!(
                "{at}.action: Required value: valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]"
            ),
            &format!("{at}: Invalid value: specifying one of OnExitCodes and OnPodConditions is required"),
        ],
    );
    check(
        changed(
            codes(json!({ "operator": "In", "values": [1] })),
            &json!({ "onPodConditions": [{ "type": "A" }] }),
        ),
        &[&format!("{at}: Invalid value: specifying both OnExitCodes and OnPodConditions is not supported")],
    );
    check(
        json!({ "action": "FailIndex", "onPodConditions": [{ "type": "A", "status": "Maybe" }] }),
        &[
            &format!(
                "{at}.action: Invalid value: \"FailIndex\": requires the backoffLimitPerIndex to be set"
            ),
            &format!(
                "{at}.onPodConditions[0].status: Unsupported value: \"Maybe\": supported values: \"False\", \"True\", \"Unknown\""
            ),
        ],
    );
    check(
        json!({ "action": "Wait", "onPodConditions": [{ "type": "A" }] }),
        &[&format!(
            "{at}.action: Unsupported value: \"Wait\": supported values: \"Count\", \"FailIndex\", \"FailJob\", \"Ignore\""
        )],
    );
    check(
        codes(json!({ "operator": "In", "values": [0], "containerName": "b" })),
        &[
            &format!(
                "{at}.onExitCodes.containerName: Invalid value: \"b\": must be one of the container or initContainer names in the pod template"
            ),
            &format!("{at}.onExitCodes.values[0]: Invalid value: 0: must not be 0 for the In operator"),
        ],
    );
    check(
        codes(json!({ "values": [] })),
        &[
            &format!("{at}.onExitCodes.operator: Required value: valid values: [\"In\" \"NotIn\"]"),
            &format!("{at}.onExitCodes.values: Invalid value: []: at least one value is required"),
        ],
    );
    check(
        codes(json!({ "operator": "NotIn", "values": [2, 1, 1] })),
        &[
            &format!("{at}.onExitCodes.values[2]: Duplicate value: 1"),
            &format!("{at}.onExitCodes.values: Invalid value: [2,1,1]: must be ordered"),
        ],
    );
}

#[test]
fn policies_for_failures_go_with_pods_that_do_not_restart() {
    let rules: Vec<Value> =
        (0..21).map(|_| json!({ "action": "Count", "onPodConditions": [{ "type": "A" }] })).collect();
    let policy = json!({ "podFailurePolicy": { "rules": rules }, "podReplacementPolicy": "TerminatingOrFailed",
        "template": { "spec": { "restartPolicy": "OnFailure" } } });
    check_create(
        "Job",
        job(policy),
        &[
            "spec.podFailurePolicy.rules: Too many: 21: must have at most 20 items",
            "spec.podReplacementPolicy: Unsupported value: \"TerminatingOrFailed\": supported values: \"Failed\"",
            "spec.template.spec.restartPolicy: Invalid value: \"OnFailure\": only \"Never\" is supported when podFailurePolicy is specified",
        ],
    );
}

#[test]
fn policies_for_success_are_checked() {
    let check = |rules: Value, expect: &[&str]| {
        check_create("Job", indexed(&json!({ "successPolicy": { "rules": rules } })), expect);
    };
    let at = "spec.successPolicy.rules";
    check(json!([{ "succeededIndexes": "0,2-4", "succeededCount": 2 }]), &[]);
    check(
        json!([]),
        &[&format!(
            "{at}: Required value: at least one rules must be specified when the successPolicy is specified"
        )],
    );
    check(
        json!([{}]),
        &[&format!(
            "{at}[0]: Required value: at least one of succeededCount or succeededIndexes must be specified"
        )],
    );
    check(
        json!([{ "succeededCount": 6 }, { "succeededCount": -1 }]),
        &[
            &format!(
                "{at}[0].succeededCount: Invalid value: 6: must be less than or equal to 5 (the number of specified completions)"
            ),
            &format!("{at}[1].succeededCount: Invalid value: -1: must be greater than or equal to 0"),
        ],
    );
    check(
        json!([{ "succeededCount": 3, "succeededIndexes": "0-1" }]),
        &[&format!(
            "{at}[0].succeededCount: Invalid value: 3: must be less than or equal to 2 (the number of indexes in the specified succeededIndexes field)"
        )],
    );
    check(
        json!([{ "succeededIndexes": "5" }]),
        &[&format!(
            "{at}[0].succeededIndexes: Invalid value: \"5\": error parsing succeededIndexes: too large index: \"5\""
        )],
    );
}

#[test]
fn no_environment_is_as_good_as_an_empty_list() {
    let containers = |env: Value| {
        let container = changed(json!({ "name": "a", "image": "busybox:1" }), &json!({ "env": env }));
        json!({ "template": { "spec": { "containers": [container] } } })
    };
    let changes = json!({ "spec": containers(Value::Null) });
    check_update("Job", job(containers(json!([]))), changes, &[]);
}

#[test]
fn jobs_stay_as_they_are() {
    let check = |changes: Value, expect: &[&str]| {
        check_update("Job", job(json!({})), json!({ "spec": changes }), expect);
    };
    check(json!({ "parallelism": 3, "suspend": true, "backoffLimit": 1, "activeDeadlineSeconds": 5 }), &[]);
    check(json!({ "completions": 2 }), &["spec.completions: Invalid value: 2: field is immutable"]);
    check(
        json!({ "managedBy": "a.b/c", "completionMode": "Indexed" }),
        &[
            "spec.completionMode: Invalid value: \"Indexed\": field is immutable",
            "spec.managedBy: Invalid value: \"a.b/c\": field is immutable",
        ],
    );
    let policy = json!({ "rules": [] });
    check(
        json!({ "podFailurePolicy": policy, "podReplacementPolicy": "Failed" }),
        &["spec.podFailurePolicy: Invalid value: {\"rules\":[]}: field is immutable"],
    );
    let old = created("Job", job(json!({})));
    let image = json!({ "template": { "metadata": { "annotations": { "a": "b" } } } });
    let template = changed(old, &json!({ "spec": image })).at("spec.template").to_string();
    check(image, &[&format!("spec.template: Invalid value: {template}: field is immutable")]);
}

#[test]
fn indexed_jobs_grow_and_shrink() {
    let check = |changes: Value, expect: &[&str]| {
        check_update("Job", indexed(&json!({ "parallelism": 5 })), json!({ "spec": changes }), expect);
    };
    check(json!({ "completions": 3, "parallelism": 3 }), &[]);
    check(
        json!({ "completions": 3 }),
        &["spec.completions: Invalid value: 3: can only be modified in tandem with spec.parallelism"],
    );
    check(
        json!({ "backoffLimitPerIndex": 2, "successPolicy": { "rules": [{ "succeededCount": 1 }] } }),
        &[
            "spec.backoffLimitPerIndex: Invalid value: 2: field is immutable",
            "spec.successPolicy: Invalid value: {\"rules\":[{\"succeededCount\":1}]}: field is immutable",
        ],
    );
}

#[test]
fn suspended_jobs_may_be_directed_anew() {
    let container = json!({ "name": "a", "image": "busybox:1", "resources": { "requests": { "cpu": "1" } } });
    let affinity = json!({ "nodeAffinity": { "preferredDuringSchedulingIgnoredDuringExecution": [] } });
    let anew = json!({ "template": { "metadata": { "annotations": { "a": "b" } },
        "spec": { "nodeSelector": { "disk": "ssd" }, "affinity": affinity, "containers": [container] } } });
    let check = |status: Value, expect: usize| {
        let suspended = changed(job(json!({ "suspend": true })), &json!({ "status": status }));
        let old = created("Job", suspended);
        let new = updated("Job", changed(old.clone(), &json!({ "spec": anew })), &old);
        assert_eq!(row("Job").strategy.validate_update(&new, &old).len(), expect, "{new}");
    };
    check(json!({}), 0);
    check(json!({ "startTime": "2026-01-01T00:00:00Z", "active": 0 }), 0);
    check(json!({ "startTime": "2026-01-01T00:00:00Z", "active": 1 }), 1);
}

/// Checks what is wrong with a write that makes one job of another.
fn check_outcome(old: Value, new: Value, expect: &[&str]) {
    let (old, new) = (created("Job", old), created("Job", new));
    assert_eq!(texts(row("Job").strategy.validate_status(&new, &old)), expect, "{new}");
}

fn condition(kind: &str) -> Value {
    json!({ "type": kind, "status": "True" })
}

#[test]
fn what_jobs_have_come_to_is_checked() {
    let check = |old: Value, new: Value, expect: &[&str]| {
        let with = |status: &Value| {
            changed(
                indexed(&json!({ "backoffLimitPerIndex": 1, "parallelism": 2 })),
                &json!({ "status": status }),
            )
        };
        check_outcome(with(&old), with(&new), expect);
    };
    let start = "2026-01-01T00:00:00Z";
    let done = json!({ "startTime": start, "completionTime": "2026-01-01T00:01:00Z", "succeeded": 5,
        "conditions": [condition("SuccessCriteriaMet"), condition("Complete")] });
    let failed =
        json!({ "startTime": start, "conditions": [condition("FailureTarget"), condition("Failed")] });
    check(json!({}), done.clone(), &[]);
    check(json!({}), failed.clone(), &[]);
    check(
        json!({}),
        json!({ "active": -1, "uncountedTerminatedPods": { "failed": ["a", ""], "succeeded": ["a"] } }),
        &[
            "status.active: Invalid value: -1: must be greater than or equal to 0",
            "status.uncountedTerminatedPods.failed[0]: Duplicate value: \"a\"",
            "status.uncountedTerminatedPods.failed[1]: Invalid value: \"\": must not be empty",
        ],
    );
    check(
        json!({}),
        changed(done.clone(), &json!({ "conditions": [condition("Complete"), condition("Failed")] })),
        &[
            "status.conditions: Invalid value: cannot set Complete=True and Failed=true conditions",
            "status.conditions: Invalid value: cannot set Failed=True condition without the FailureTarget=true condition",
            "status.conditions: Invalid value: cannot set Complete=True condition without the SuccessCriteriaMet=true condition",
        ],
    );
    check(
        done.clone(),
        json!({ "startTime": start, "succeeded": 5 }),
        &[
            "status.conditions: Invalid value: cannot disable the terminal Complete=True condition",
            "status.conditions: Invalid value: cannot disable the SuccessCriteriaMet=True condition",
        ],
    );
    let times = json!({ "startTime": null, "completionTime": null });
    check(
        json!({}),
        changed(done.clone(), &times),
        &[
            "status.completionTime: Required value: completionTime is required for Complete jobs",
            "status.startTime: Required value: startTime is required for finished job",
        ],
    );
    check(
        json!({ "startTime": start }),
        json!({ "startTime": "2026-01-01T00:02:00Z", "completionTime": "2026-01-01T00:01:00Z" }),
        &[
            "status.completionTime: Invalid value: \"2026-01-01T00:01:00Z\": cannot set completionTime when there is no Complete=True condition",
            "status.completionTime: Invalid value: \"2026-01-01T00:01:00Z\": completionTime cannot be set before startTime",
            "status.startTime: Required value: startTime cannot be removed for unsuspended job",
        ],
    );
    check(
        done.clone(),
        changed(done, &json!({ "completionTime": "2026-01-01T00:03:00Z" })),
        &["status.completionTime: Invalid value: \"2026-01-01T00:03:00Z\": completionTime cannot be mutated"],
    );
    check(
        json!({}),
        changed(
            failed,
            &json!({ "active": 1, "terminating": 1, "uncountedTerminatedPods": { "failed": ["a"] } }),
        ),
        &[
            "status.active: Invalid value: 1: active>0 is invalid for finished job",
            "status.terminating: Invalid value: 1: terminating>0 is invalid for finished job",
            "status.uncountedTerminatedPods: Invalid value: {\"failed\":[\"a\"]}: uncountedTerminatedPods needs to be empty for finished job",
        ],
    );
    check(
        json!({ "failed": 2, "succeeded": 2 }),
        json!({ "failed": 1, "succeeded": 1, "ready": 1 }),
        &[
            "status.failed: Invalid value: 1: cannot decrease the failed counter",
            "status.succeeded: Invalid value: 1: cannot decrease the succeeded counter",
            "status.ready: Invalid value: 1: cannot set more ready pods than active",
        ],
    );
}

#[test]
fn indexes_of_jobs_are_checked() {
    let check = |job: Value, status: Value, expect: &[&str]| {
        let new = changed(job.clone(), &json!({ "status": status }));
        check_outcome(job, new, expect);
    };
    let per_index = || indexed(&json!({ "backoffLimitPerIndex": 1 }));
    check(per_index(), json!({ "completedIndexes": "0-2", "failedIndexes": "3" }), &[]);
    check(
        per_index(),
        json!({ "completedIndexes": "0-2", "failedIndexes": "2-x" }),
        &[
            "status.failedIndexes: Invalid value: \"2-x\": error parsing failedIndexes: cannot convert string to integer for index: \"x\"",
        ],
    );
    check(
        per_index(),
        json!({ "completedIndexes": "0-2,9", "failedIndexes": "2" }),
        &[
            "status.completedIndexes: Invalid value: \"0-2,9\": error parsing completedIndexes: too large index: \"9\"",
            "status.failedIndexes: Invalid value: \"2\": failedIndexes and completedIndexes overlap at index: 2",
        ],
    );
    check(
        job(json!({})),
        json!({ "completedIndexes": "0", "failedIndexes": "" }),
        &[
            "status.completedIndexes: Invalid value: \"0\": cannot set non-empty completedIndexes when non-indexed completion mode",
            "status.failedIndexes: Invalid value: \"\": cannot set non-null failedIndexes when backoffLimitPerIndex is null",
        ],
    );
}

#[test]
fn successes_go_by_their_policy() {
    let done = json!({ "conditions": [condition("Complete")], "completionTime": "2026-01-01T00:01:00Z", "startTime": "2026-01-01T00:00:00Z" });
    let with = |conditions: Value| {
        let policy = indexed(&json!({ "successPolicy": { "rules": [{ "succeededCount": 1 }] } }));
        changed(policy, &json!({ "status": changed(done.clone(), &json!({ "conditions": conditions })) }))
    };
    let complete = || with(json!([condition("Complete")]));
    let policy = "status.conditions: Invalid value: cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True";
    check_outcome(complete(), complete(), &[policy]);
    check_outcome(
        complete(),
        with(json!([condition("Complete"), condition("SuccessCriteriaMet"), condition("FailureTarget")])),
        &[
            "status.conditions: Invalid value: cannot set Complete=True and FailureTarget=true conditions",
            "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
            "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions",
        ],
    );
    let lost = json!([condition("SuccessCriteriaMet"), condition("FailureTarget"), condition("Failed")]);
    let failing = json!([condition("FailureTarget"), condition("Failed")]);
    let without_end =
        |conditions| changed(with(conditions), &json!({ "status": { "completionTime": null } }));
    check_outcome(
        without_end(failing),
        without_end(lost),
        &[
            "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and Failed=true conditions",
            "status.conditions: Invalid value: cannot set SuccessCriteriaMet=True and FailureTarget=true conditions",
        ],
    );
}

fn cron_job(changes: Value) -> Value {
    let good = json!({ "schedule": "*/5 * * * *", "jobTemplate": { "spec": spec(&json!({})) } });
    json!({ "metadata": { "name": "tidy" }, "spec": changed(good, &changes) })
}

#[test]
fn cron_jobs_are_checked() {
    let check = |spec: Value, expect: &[&str]| check_create("CronJob", cron_job(spec), expect);
    check(json!({ "timeZone": "Europe/Paris" }), &[]);
    check(json!({ "schedule": null }), &["spec.schedule: Required value"]);
    check(
        json!({ "schedule": "61 * * * *" }),
        &["spec.schedule: Invalid value: \"61 * * * *\": end of range (61) above maximum (59): 61"],
    );
    check(
        json!({ "schedule": "CRON_TZ=UTC * * * * *" }),
        &[
            "spec.schedule: Invalid value: \"CRON_TZ=UTC * * * * *\": cannot use TZ or CRON_TZ in schedule, use timeZone field instead",
        ],
    );
    for unknown in ["Europe/Pariss", "europe/paris", "../UTC", "a b"] {
        check(
            json!({ "timeZone": unknown }),
            &[&format!("spec.timeZone: Invalid value: \"{unknown}\": unknown time zone {unknown}")],
        );
    }
    check(
        json!({ "timeZone": "" }),
        &["spec.timeZone: Invalid value: \"\": timeZone must be nil or non-empty string"],
    );
    check(
        json!({ "timeZone": "Local" }),
        &[
            "spec.timeZone: Invalid value: \"Local\": timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
        ],
    );
    check(
        json!({ "concurrencyPolicy": "Queue", "successfulJobsHistoryLimit": -1 }),
        &[
            "spec.concurrencyPolicy: Unsupported value: \"Queue\": supported values: \"Allow\", \"Forbid\", \"Replace\"",
            "spec.successfulJobsHistoryLimit: Invalid value: -1: must be greater than or equal to 0",
        ],
    );
    check(
        json!({ "jobTemplate": { "spec": { "manualSelector": true, "selector": { "matchLabels": {} } } } }),
        &[
            "spec.jobTemplate.spec.selector: Invalid value: {\"matchLabels\":{}}: `selector` will be auto-generated",
            "spec.jobTemplate.spec.manualSelector: Unsupported value: true: supported values: \"nil\", \"false\"",
        ],
    );
    check(
        json!({ "jobTemplate": { "spec": { "template": { "spec": { "restartPolicy": "Always" } } } } }),
        &[
            "spec.jobTemplate.spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\"",
        ],
    );
    let long = "a".repeat(53);
    check_create(
        "CronJob",
        changed(cron_job(json!({})), &json!({ "metadata": { "name": long } })),
        &[&format!("metadata.name: Invalid value: \"{long}\": must be no more than 52 characters")],
    );
}

#[test]
fn cron_jobs_leave_to_jobs_what_is_theirs() {
    let check = |field: &str, expect: Value| check_field("CronJob", cron_job(json!({})), field, expect);
    check("spec.concurrencyPolicy", json!("Allow"));
    check("spec.suspend", json!(false));
    check("spec.failedJobsHistoryLimit", json!(1));
    check("spec.jobTemplate.spec.completions", Value::Null);
    check("spec.jobTemplate.spec.template.spec.dnsPolicy", json!("ClusterFirst"));
}

#[test]
fn names_that_are_no_hostnames_are_warned_of() {
    let named = |object: Value| changed(object, &json!({ "metadata": { "name": "a.b" } }));
    let warning = "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; \
                   a DNS label is recommended: [must not contain dots]";
    check_warnings("Job", named(job(json!({}))), &[warning]);
    check_warnings("CronJob", named(cron_job(json!({}))), &[warning]);
    check_warnings("Job", job(json!({})), &[]);
    let vast = indexed(&json!({ "completions": 100_001, "parallelism": 10_001 }));
    let warning = "spec: In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than \
                   10^4, Kubernetes might not be able to track completedIndexes when a big number of indexes fail";
    check_warnings("Job", vast, &[warning]);
}
