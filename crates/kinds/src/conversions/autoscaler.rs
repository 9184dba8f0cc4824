//! Autoscalers of version 1, stored as those of version 2. Version 1 has a field for the CPU's utilization; it carries
//! all else in annotations (`pkg/apis/autoscaling/v1/conversion.go` upstream).

use object::{Map, Value};
use serde_json::json;

use super::picked;
use crate::Conversion;
use crate::rules::{Read, Write};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

/// Paths of a kind of metric in version 2, and in version 1, where both begin with `target` for what is wanted and with
/// `current` for what is measured.
type Paths = &'static [(&'static str, &'static str)];

const SPECS: &[(&str, Paths)] = &[
    (
        "containerResource",
        &[
            ("container", "container"),
            ("name", "name"),
            ("target.averageUtilization", "targetAverageUtilization"),
            ("target.averageValue", "targetAverageValue"),
        ],
    ),
    (
        "external",
        &[
            ("metric.name", "metricName"),
            ("metric.selector", "metricSelector"),
            ("target.averageValue", "targetAverageValue"),
            ("target.value", "targetValue"),
        ],
    ),
    (
        "object",
        &[
            ("describedObject", "target"),
            ("metric.name", "metricName"),
            ("metric.selector", "selector"),
            ("target.averageValue", "averageValue"),
            ("target.value", "targetValue"),
        ],
    ),
    (
        "pods",
        &[
            ("metric.name", "metricName"),
            ("metric.selector", "selector"),
            ("target.averageValue", "targetAverageValue"),
        ],
    ),
    (
        "resource",
        &[
            ("name", "name"),
            ("target.averageUtilization", "targetAverageUtilization"),
            ("target.averageValue", "targetAverageValue"),
        ],
    ),
];

const STATUSES: &[(&str, Paths)] = &[
    (
        "containerResource",
        &[
            ("container", "container"),
            ("current.averageUtilization", "currentAverageUtilization"),
            ("current.averageValue", "currentAverageValue"),
            ("name", "name"),
        ],
    ),
    (
        "external",
        &[
            ("current.averageValue", "currentAverageValue"),
            ("current.value", "currentValue"),
            ("metric.name", "metricName"),
            ("metric.selector", "metricSelector"),
        ],
    ),
    (
        "object",
        &[
            ("current.averageValue", "averageValue"),
            ("current.value", "currentValue"),
            ("describedObject", "target"),
            ("metric.name", "metricName"),
            ("metric.selector", "selector"),
        ],
    ),
    (
        "pods",
        &[
            ("current.averageValue", "currentAverageValue"),
            ("metric.name", "metricName"),
            ("metric.selector", "selector"),
        ],
    ),
    (
        "resource",
        &[
            ("current.averageUtilization", "currentAverageUtilization"),
            ("current.averageValue", "currentAverageValue"),
            ("name", "name"),
        ],
    ),
];

/// Conversion of autoscalers.
pub(crate) struct Autoscaler;

impl Conversion for Autoscaler {
    fn to_stored(&self, object: &mut Value) {
        let mut metrics =
            noted(object, METRICS).map_or_else(Vec::new, |specs| converted(&specs, SPECS, later));
        metrics.iter_mut().for_each(type_target);
        if let Some(percent) = object.remove("spec.targetCPUUtilizationPercentage") {
            let target = json!({"type": "Utilization", "averageUtilization": percent});
            metrics.push(json!({"type": "Resource", "resource": {"name": "cpu", "target": target}}));
        }
        put_list(object, "spec.metrics", metrics);
        if let Some(behavior) = noted(object, BEHAVIOR) {
            object.put("spec.behavior", recased(&behavior, char::to_ascii_lowercase));
        }
        let percent = object.remove("status.currentCPUUtilizationPercentage");
        let noted_statuses = noted(object, CURRENT_METRICS);
        let mut statuses = noted_statuses.map_or_else(Vec::new, |s| converted(&s, STATUSES, later));
        if let Some(percent) = percent.filter(|_| !statuses.iter().any(is_cpu_status)) {
            let current = json!({"averageUtilization": percent});
            statuses.insert(0, json!({"type": "Resource", "resource": {"name": "cpu", "current": current}}));
        }
        put_list(object, "status.currentMetrics", statuses);
        if let Some(conditions) = noted(object, CONDITIONS) {
            object.put("status.conditions", conditions);
        }
    }

    fn to_served(&self, object: &mut Value) {
        let mut metrics = list(object.remove("spec.metrics"));
        if let Some(cpu) = metrics.iter().position(is_cpu) {
            let percent = metrics.remove(cpu).at("resource.target.averageUtilization").clone();
            object.put("spec.targetCPUUtilizationPercentage", percent);
        }
        note(object, METRICS, converted(&metrics.into(), SPECS, earlier).into());
        let behavior = object.remove("spec.behavior").unwrap_or_default();
        note(object, BEHAVIOR, recased(&behavior, char::to_ascii_uppercase));
        let statuses = list(object.remove("status.currentMetrics"));
        if let Some(measured) = statuses
            .iter()
            .find(|status| is_cpu_status(status))
            .filter(|s| s.has("resource.current.averageUtilization"))
        {
            let percent = measured.at("resource.current.averageUtilization").clone();
            object.put("status.currentCPUUtilizationPercentage", percent);
        }
        note(object, CURRENT_METRICS, converted(&statuses.into(), STATUSES, earlier).into());
        let conditions = object.remove("status.conditions").unwrap_or_default();
        note(object, CONDITIONS, conditions);
    }
}

/// Whether a metric is what version 1 has a field for.
fn is_cpu(metric: &Value) -> bool {
    metric.text("type") == "Resource"
        && metric.text("resource.name") == "cpu"
        && metric.has("resource.target.averageUtilization")
}

fn is_cpu_status(status: &Value) -> bool {
    status.text("type") == "Resource" && status.text("resource.name") == "cpu"
}

/// Metrics in the other version; `to` says which way a pair of paths leads.
fn converted(
    metrics: &Value,
    families: &'static [(&'static str, Paths)],
    to: fn(&(&'static str, &'static str)) -> (&'static str, &'static str),
) -> Vec<Value> {
    let one = |metric: &Value| {
        let mut converted = json!({"type": metric.at("type")});
        for (family, paths) in families.iter().filter(|(family, _)| metric.has(family)) {
            converted.put(family, picked(metric.at(family), paths.iter().map(to)));
        }
        converted
    };
    metrics.items("").iter().map(one).collect()
}

fn earlier(pair: &(&'static str, &'static str)) -> (&'static str, &'static str) {
    *pair
}

fn later((later, earlier): &(&'static str, &'static str)) -> (&'static str, &'static str) {
    (earlier, later)
}

/// Says of which type a target of version 2 is, which version 1 leaves to its fields.
fn type_target(metric: &mut Value) {
    for (family, _) in SPECS {
        let Some(target) = metric.at_mut(&format!("{family}.target")) else { continue };
        let kind = match () {
            () if target.has("averageUtilization") => "Utilization",
            () if target.has("averageValue") => "AverageValue",
            () => "Value",
        };
        target.put("type", kind);
    }
}

/// Takes the document out that an annotation holds; one that cannot be read is left, and no annotations are none.
fn noted(object: &mut Value, name: &str) -> Option<Value> {
    let annotations = object.at_mut("metadata.annotations")?.as_object_mut()?;
    let document = serde_json::from_str(annotations.get(name)?.as_str()?).ok()?;
    annotations.remove(name);
    if annotations.is_empty() {
        object.remove("metadata.annotations");
    }
    Some(document)
}

/// Keeps a document in an annotation, unless it is empty.
fn note(object: &mut Value, name: &str, document: Value) {
    if document.is_empty("") {
        return;
    }
    object.put_new("metadata.annotations", Value::Object(Map::new()));
    if let Some(annotations) = object.at_mut("metadata.annotations").and_then(Value::as_object_mut) {
        annotations.insert(name.to_owned(), document.to_string().into());
    }
}

/// The same with the first letter of every name in the other case: the annotation has the names of a Go structure.
fn recased(value: &Value, case: fn(&char) -> char) -> Value {
    let name = |name: &str| {
        let mut letters = name.chars();
        letters.next().iter().map(case).chain(letters).collect::<String>()
    };
    match value {
        Value::Object(map) => map.iter().map(|(key, value)| (name(key), recased(value, case))).collect(),
        Value::Array(list) => list.iter().map(|value| recased(value, case)).collect(),
        plain => plain.clone(),
    }
}

fn list(value: Option<Value>) -> Vec<Value> {
    match value {
        Some(Value::Array(list)) => list,
        _ => Vec::new(),
    }
}

fn put_list(object: &mut Value, path: &str, list: Vec<Value>) {
    if !list.is_empty() {
        object.put(path, list);
    }
}
