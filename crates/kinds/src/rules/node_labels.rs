//! Labels of nodes that have other names today.

/// A label of old, since when it is, and its name of today.
const RENAMED: [(&str, &str, &str); 5] = [
    ("beta.kubernetes.io/arch", "v1.14", "kubernetes.io/arch"),
    ("beta.kubernetes.io/instance-type", "v1.17", "node.kubernetes.io/instance-type"),
    ("beta.kubernetes.io/os", "v1.14", "kubernetes.io/os"),
    ("failure-domain.beta.kubernetes.io/region", "v1.17", "topology.kubernetes.io/region"),
    ("failure-domain.beta.kubernetes.io/zone", "v1.17", "topology.kubernetes.io/zone"),
];

/// Labels of old that have no other name, and what to do instead.
const OTHERS: [(&str, &str); 3] = [
    ("app.kubernetes.io/created-by", "deprecated since v1.9"),
    ("node-role.kubernetes.io/master", "use \"node-role.kubernetes.io/control-plane\" instead"),
    (
        "scheduler.alpha.kubernetes.io/preferAvoidPods",
        "deprecated since v1.22; use Taints and Tolerations instead",
    ),
];

/// What a label is called today, if it was renamed.
pub(crate) fn name_of_today(label: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(old, ..)| *old == label).map(|&(_, _, today)| today)
}

/// What is said of a label whose time is over.
pub(crate) fn deprecation(label: &str) -> Option<String> {
    if let Some((_, since, today)) = RENAMED.iter().find(|(old, ..)| *old == label) {
        return Some(format!("deprecated since {since}; use {today:?} instead"));
    }
    OTHERS.iter().find(|(old, _)| *old == label).map(|&(_, text)| text.to_owned())
}
