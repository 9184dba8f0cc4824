//! What a pod's status means.

use std::cmp::Ordering;
use std::time::Duration;

use object::{Time, parse_time};

use crate::views::{Condition, Pod};

/// When a pod counts as available.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Availability {
    /// It is.
    Now,
    /// After this long, if it stays ready.
    In(Duration),
    /// Not before it is ready.
    Unready,
}

impl Pod {
    /// Whether it will not run again.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Whether it is neither finished nor going.
    pub(crate) fn is_active(&self) -> bool {
        !self.is_finished() && !self.metadata.is_terminating()
    }

    /// Its `Ready` condition.
    pub(crate) fn ready_condition(&self) -> Option<&Condition> {
        Condition::find(&self.status.conditions, "Ready")
    }

    /// Whether it is ready.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready_condition().is_some_and(|c| c.status == "True")
    }

    /// Since when it is ready.
    pub(crate) fn ready_since(&self) -> Option<Time> {
        let ready = self.ready_condition().filter(|c| c.status == "True")?;
        ready.last_transition_time.as_deref().and_then(parse_time)
    }

    /// Whether it has been ready for `min_ready` seconds.
    pub(crate) fn availability(&self, min_ready: i64, now: Time) -> Availability {
        if !self.is_ready() {
            return Availability::Unready;
        }
        if min_ready <= 0 {
            return Availability::Now;
        }
        let Some(since) = self.ready_since() else { return Availability::Unready };
        match until(since, min_ready, now) {
            None => Availability::Now,
            Some(left) => Availability::In(left),
        }
    }

    /// The most restarts of any of its containers.
    fn restarts(&self) -> i64 {
        let all = self.status.container_statuses.iter().chain(&self.status.init_container_statuses);
        all.map(|c| c.restart_count).max().unwrap_or(0)
    }

    /// The annotation by which users say which pods to keep.
    fn deletion_cost(&self) -> i32 {
        let text = self.metadata.annotations.get("controller.kubernetes.io/pod-deletion-cost");
        text.and_then(|t| t.parse().ok()).unwrap_or(0)
    }
}

/// How long from now until `seconds` after `since`; none where that is past.
pub(crate) fn until(since: Time, seconds: i64, now: Time) -> Option<Duration> {
    let due = since.as_millisecond() + seconds.saturating_mul(1000);
    u64::try_from(due - now.as_millisecond()).ok().filter(|&left| left > 0).map(Duration::from_millis)
}

/// Which of two pods goes first when there are too many: less is deleted first. `left` and `right` come with the
/// number of related pods on their node.
pub(crate) fn deletion_order(left: (&Pod, usize), right: (&Pod, usize), now: Time) -> Ordering {
    let ((a, a_rank), (b, b_rank)) = (left, right);
    let phase = |pod: &Pod| match pod.status.phase.as_str() {
        "" | "Pending" => 0,
        "Unknown" => 1,
        _ => 2,
    };
    (!a.spec.node_name.is_empty())
        .cmp(&!b.spec.node_name.is_empty())
        .then(phase(a).cmp(&phase(b)))
        .then(a.is_ready().cmp(&b.is_ready()))
        .then(a.deletion_cost().cmp(&b.deletion_cost()))
        .then(b_rank.cmp(&a_rank))
        .then_with(|| younger(a.ready_since(), b.ready_since(), now))
        .then(b.restarts().cmp(&a.restarts()))
        .then_with(|| younger(a.metadata.creation_timestamp, b.metadata.creation_timestamp, now))
        .then_with(|| a.metadata.uid.cmp(&b.metadata.uid))
}

/// The younger first; ages of the same power of two are alike, so that not always the newest goes.
fn younger(a: Option<Time>, b: Option<Time>, now: Time) -> Ordering {
    let magnitude = |time: Time| {
        let age = now.as_nanosecond() - time.as_nanosecond();
        if age > 0 { i64::from(age.ilog2()) } else { -1 }
    };
    match (a, b) {
        (Some(a), Some(b)) => magnitude(a).cmp(&magnitude(b)),
        _ => Ordering::Equal,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(second: i64) -> Time {
        Time::from_second(1_700_000_000 + second).unwrap()
    }

    fn pod(change: Value) -> Pod {
        let ready =
            json!([{"type": "Ready", "status": "True", "lastTransitionTime": object::format_time(at(0))}]);
        let mut base = json!({
            "metadata": {"name": "a", "uid": "a", "creationTimestamp": object::format_time(at(0))},
            "spec": {"nodeName": "n"},
            "status": {"phase": "Running", "conditions": ready},
        });
        merge(&mut base, change);
        serde_json::from_value(base).unwrap()
    }

    fn merge(into: &mut Value, from: Value) {
        match (into, from) {
            (Value::Object(into), Value::Object(from)) => {
                from.into_iter()
                    .for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
            }
            (into, from) => *into = from,
        }
    }

    /// A pod with this change goes before a plain one.
    fn goes_first(change: Value) {
        let (changed, plain) = (pod(change.clone()), pod(json!({"metadata": {"uid": "b"}})));
        assert_eq!(deletion_order((&changed, 1), (&plain, 1), at(1000)), Ordering::Less, "{change}");
        assert_eq!(deletion_order((&plain, 1), (&changed, 1), at(1000)), Ordering::Greater, "{change}");
    }

    #[test]
    fn the_least_useful_pod_goes_first() {
        goes_first(json!({"spec": {"nodeName": ""}, "metadata": {"uid": "z"}}));
        goes_first(json!({"status": {"phase": "Pending"}, "metadata": {"uid": "z"}}));
        goes_first(json!({"status": {"conditions": []}, "metadata": {"uid": "z"}}));
        goes_first(
            json!({"metadata": {"uid": "z", "annotations": {"controller.kubernetes.io/pod-deletion-cost": "-1"}}}),
        );
        goes_first(json!({"metadata": {"uid": "z", "creationTimestamp": object::format_time(at(999))}}));
        goes_first(json!({"status": {"containerStatuses": [{"restartCount": 3}]}, "metadata": {"uid": "z"}}));
        let (a, b) = (pod(json!({})), pod(json!({"metadata": {"uid": "b"}})));
        assert_eq!(deletion_order((&a, 1), (&b, 2), at(9)), Ordering::Greater, "doubled up on its node");
    }

    #[test]
    fn availability_takes_min_ready_seconds() {
        let rows = [
            (json!({}), 0, Availability::Now),
            (json!({}), 10, Availability::Now),
            (json!({}), 30, Availability::In(Duration::from_secs(10))),
            (json!({"status": {"conditions": []}}), 0, Availability::Unready),
        ];
        for (change, min_ready, expect) in rows {
            assert_eq!(pod(change.clone()).availability(min_ready, at(20)), expect, "{change} {min_ready}");
        }
    }
}
