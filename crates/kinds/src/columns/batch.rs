//! Columns of jobs, cron jobs and autoscalers.

use object::{Time, Value, parse_time};

use super::duration::human_duration;
use super::{AGE, NAME, NONE, UNKNOWN, UNSET, age, column, count, joined, or, shown, size, text, wide};
use crate::rules::{Read, labels, quantities};
use crate::{Cell, Column};

/// Columns of jobs.
pub(crate) const JOB: &[Column] = &[
    NAME,
    shown("Status", |o, _| status(o).into()),
    shown("Completions", |o, _| completions(o).into()),
    shown("Duration", |o, now| duration(o, now).into()),
    AGE,
    wide(shown("Containers", |o, _| joined(o.items("spec.template.spec.containers"), "name").into())),
    wide(shown("Images", |o, _| joined(o.items("spec.template.spec.containers"), "image").into())),
    wide(shown("Selector", |o, _| selector(o, "spec.selector").into())),
];

/// The containers of a cron job's pods.
const POD_CONTAINERS: &str = "spec.jobTemplate.spec.template.spec.containers";

/// Columns of cron jobs.
pub(crate) const CRON_JOB: &[Column] = &[
    NAME,
    text("Schedule", "spec.schedule"),
    shown("Timezone", |o, _| or(o.text("spec.timeZone"), NONE).into()),
    column("Suspend", "boolean", Cell::Of(|o, _| flag(o.at("spec.suspend")).into())),
    column("Active", "integer", Cell::Of(|o, _| size(o, "status.active").into())),
    shown("Last Schedule", |o, now| last_schedule(o, now).into()),
    AGE,
    wide(shown("Containers", |o, _| joined(o.items(POD_CONTAINERS), "name").into())),
    wide(shown("Images", |o, _| joined(o.items(POD_CONTAINERS), "image").into())),
    wide(shown("Selector", |o, _| selector(o, "spec.jobTemplate.spec.selector").into())),
];

/// Columns of horizontal pod autoscalers.
pub(crate) const AUTOSCALER: &[Column] = &[
    NAME,
    shown("Reference", |o, _| {
        format!("{}/{}", o.text("spec.scaleTargetRef.kind"), o.text("spec.scaleTargetRef.name")).into()
    }),
    shown("Targets", |o, _| targets(o).into()),
    shown("MinPods", |o, _| o.int("spec.minReplicas").map_or(UNSET.to_owned(), |n| n.to_string()).into()),
    shown("MaxPods", |o, _| count(o, "spec.maxReplicas")),
    shown("Replicas", |o, _| count(o, "status.currentReplicas")),
    AGE,
];

/// Conditions of a job that has ended.
const ENDED: [&str; 2] = ["Complete", "Failed"];
/// Conditions of a job that goes on, or will.
const PASSING: [&str; 3] = ["Suspended", "FailureTarget", "SuccessCriteriaMet"];

fn status(job: &Value) -> &'static str {
    let has = |kind: &&&str| {
        let mut all = job.items("status.conditions").iter();
        all.any(|one| one.text("type") == **kind && one.text("status") == "True")
    };
    if let Some(end) = ENDED.iter().find(has) {
        return end;
    }
    if job.has("metadata.deletionTimestamp") {
        return "Terminating";
    }
    PASSING.iter().find(has).copied().unwrap_or("Running")
}

fn completions(job: &Value) -> String {
    let done = count(job, "status.succeeded");
    match (job.int("spec.completions"), job.int("spec.parallelism")) {
        (Some(all), _) => format!("{done}/{all}"),
        (None, Some(at_once)) if at_once > 1 => format!("{done}/1 of {at_once}"),
        (None, _) => format!("{done}/1"),
    }
}

/// How long a job took, or takes by now.
fn duration(job: &Value, now: Time) -> String {
    let Some(start) = parse_time(job.text("status.startTime")) else { return String::new() };
    let end = parse_time(job.text("status.completionTime")).unwrap_or(now);
    human_duration(end.duration_since(start))
}

fn last_schedule(cron_job: &Value, now: Time) -> String {
    let path = "status.lastScheduleTime";
    if cron_job.has(path) { age(cron_job, path, now) } else { NONE.to_owned() }
}

fn flag(value: &Value) -> &'static str {
    match value {
        Value::Bool(true) => "True",
        Value::Bool(false) => "False",
        _ => UNSET,
    }
}

fn selector(object: &Value, path: &str) -> String {
    or(&labels::show_selector(object.at(path)), NONE).to_owned()
}

/// The first two metrics, each with what is and what should be, and how many more there are.
fn targets(autoscaler: &Value) -> String {
    let metrics = autoscaler.items("spec.metrics");
    let now = autoscaler.items("status.currentMetrics");
    let shown =
        metrics.iter().enumerate().map(|(i, metric)| target(metric, now.get(i).unwrap_or(&Value::Null)));
    let shown: Vec<String> = shown.collect();
    match shown.len() {
        0 => NONE.to_owned(),
        1 | 2 => shown.join(", "),
        all => format!("{} + {} more...", shown[..2].join(", "), all - 2),
    }
}

fn target(metric: &Value, now: &Value) -> String {
    let (field, whole) = match metric.text("type") {
        "External" => ("external", false),
        "Object" => ("object", false),
        "Pods" => ("pods", false),
        "Resource" => ("resource", true),
        "ContainerResource" => ("containerResource", true),
        _ => return "<unknown type>".to_owned(),
    };
    let (source, current) = (metric.at(field), now.at(field));
    if whole { resource(source, current) } else { quantity(source, current, field != "pods") }
}

/// How much of a resource is used, and should be: an amount, or a share of what is asked for.
fn resource(source: &Value, current: &Value) -> String {
    let name = source.text("name");
    if source.has("target.averageValue") {
        let (is, should) = (amount(current, "current.averageValue"), amount(source, "target.averageValue"));
        return format!("{name}: {is}/{should}");
    }
    let percent = |value: &Value, path, otherwise: &str| {
        value.int(path).map_or_else(|| otherwise.to_owned(), |n| format!("{n}%"))
    };
    let is = percent(current, "current.averageUtilization", UNKNOWN);
    format!("{name}: {is}/{}", percent(source, "target.averageUtilization", "<auto>"))
}

/// An amount that is, and that should be: of each pod, or of all.
fn quantity(source: &Value, current: &Value, marked: bool) -> String {
    let pairs =
        |of: &str| (amount(current, &format!("current.{of}")), amount(source, &format!("target.{of}")));
    if source.has("target.averageValue") {
        let (is, should) = pairs("averageValue");
        return format!("{is}/{should}{}", if marked { " (avg)" } else { "" });
    }
    let (is, should) = pairs("value");
    format!("{is}/{should}")
}

fn amount(value: &Value, path: &str) -> String {
    let amount = value.at(path);
    if amount.is_null() { UNKNOWN.to_owned() } else { quantities::show(amount) }
}
