//! The pod behind an argument: itself, or the best one of what a workload or service selects.

use std::cmp::Reverse;
use std::time::Duration;

use object::{LabelSelector, Value};
use tokio::time::Instant;

use crate::Error;
use crate::resource::{Resources, items, targets, text};
use crate::session::{Session, segment};

/// How often pods are looked for.
const PAUSE: Duration = Duration::from_millis(200);

/// What the pod is wanted for; it decides which is the best of many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The one that has most to tell: of equals the one that restarted most.
    Log,
    /// The one that is most likely to stay: of equals the one that restarted least.
    Exec,
}

/// A pod, and how many there were to choose from.
pub(crate) struct Found {
    pub(crate) pod: Value,
    pub(crate) among: usize,
}

/// The pod that `POD` or `TYPE/NAME` means, the best of many; where a selector finds none yet, one is waited for.
pub(crate) async fn find(
    session: &Session,
    arg: &str,
    purpose: Purpose,
    patience: Duration,
) -> Result<Found, Error> {
    let pods = all_of(session, arg, purpose, patience).await?;
    let among = pods.len();
    match best(pods, purpose) {
        Some(pod) => Ok(Found { pod, among }),
        None => Err(Error::msg("timed out waiting for the condition")),
    }
}

/// The pods that `POD` or `TYPE/NAME` means, by name; where a selector finds none yet, one is waited for.
pub(crate) async fn all_of(
    session: &Session,
    arg: &str,
    purpose: Purpose,
    patience: Duration,
) -> Result<Vec<Value>, Error> {
    if !arg.contains('/') {
        return Ok(vec![session.get(&path(&session.namespace, arg)).await?]);
    }
    let resources = Resources::discover(session).await?;
    let found = targets(&[arg.to_owned()], &resources)?;
    let Some((resource, name)) = found.first().and_then(|t| t.name.as_ref().map(|name| (&t.resource, name)))
    else {
        return Err(Error::msg(format!("no resource is called {arg:?}")));
    };
    let object = session.get(&resource.object(session.namespace_of(resource), name)).await?;
    if resource.group.is_empty() && resource.kind == "Pod" {
        return Ok(vec![object]);
    }
    let labels = selector_of(&object, purpose)?;
    let until = Instant::now() + patience;
    loop {
        let pods = selected(session, &labels).await?;
        if !pods.is_empty() {
            return Ok(pods);
        }
        if Instant::now() >= until {
            return Err(Error::msg("timed out waiting for the condition"));
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// The pods of the session's namespace with these labels.
pub(crate) async fn selected(session: &Session, labels: &str) -> Result<Vec<Value>, Error> {
    let path = format!("/api/v1/namespaces/{}/pods", segment(&session.namespace));
    let list = session.list(&path, &[("labelSelector", labels)], None).await?;
    Ok(items(&list["items"]).to_vec())
}

/// The path of a pod.
pub(crate) fn path(namespace: &str, name: &str) -> String {
    format!("/api/v1/namespaces/{}/pods/{}", segment(namespace), segment(name))
}

/// The selector of the pods that an object stands for.
fn selector_of(object: &Value, purpose: Purpose) -> Result<String, Error> {
    let kind = text(&object["kind"]);
    let selector = &object["spec"]["selector"];
    let labels = match kind {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" => {
            let selector = LabelSelector::from_value(selector)
                .map_err(|e| Error::msg(format!("invalid label selector: {e}")))?;
            selector.map(|selector| selector.to_string()).unwrap_or_default()
        }
        "Service" | "ReplicationController" => {
            let pairs = selector.as_object().into_iter().flatten();
            pairs.map(|(key, value)| format!("{key}={}", text(value))).collect::<Vec<_>>().join(",")
        }
        _ if purpose == Purpose::Log => {
            return Err(Error::msg(format!("cannot get the logs from {kind}")));
        }
        _ => return Err(Error::msg(format!("cannot attach to {kind}: selector for {kind} not implemented"))),
    };
    if labels.is_empty() {
        let name = text(&object["metadata"]["name"]);
        let what = kind.to_lowercase();
        return Err(Error::msg(format!("invalid {what} '{name}': {kind} is defined without a selector")));
    }
    Ok(labels)
}

/// The best pod: on a node, running, ready, for a long time, and old.
fn best(pods: Vec<Value>, purpose: Purpose) -> Option<Value> {
    pods.into_iter().min_by_key(|pod| {
        let status = &pod["status"];
        let phase = match text(&status["phase"]) {
            "Running" => 0,
            "Unknown" => 1,
            "Pending" => 2,
            // In kubectl's order what has ended counts as running, but is not ready.
            _ => 0,
        };
        let ready = items(&status["conditions"])
            .iter()
            .find(|condition| condition["type"] == "Ready" && condition["status"] == "True");
        // Times of RFC 3339 in UTC are in the order of their text; what is missing comes last.
        let since = ready.map(|condition| text(&condition["lastTransitionTime"]).to_owned());
        let restarts = items(&status["containerStatuses"]).iter().map(|c| c["restartCount"].as_i64());
        let restarts = restarts.flatten().max().unwrap_or_default();
        let goes = purpose == Purpose::Exec && !pod["metadata"]["deletionTimestamp"].is_null();
        (
            text(&pod["spec"]["nodeName"]).is_empty(),
            phase,
            (ready.is_none(), goes),
            since.filter(|since| !since.is_empty()).map_or((true, String::new()), |since| (false, since)),
            if purpose == Purpose::Log { (Reverse(restarts), 0) } else { (Reverse(0), restarts) },
            text(&pod["metadata"]["creationTimestamp"]).to_owned(),
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A pod on a node by phase, the time since which it is ready, restarts and age.
    fn pod(name: &str, phase: &str, ready: &str, restarts: i64, created: &str) -> Value {
        let status = if ready.is_empty() { "False" } else { "True" };
        json!({
            "metadata": {"name": name, "creationTimestamp": created}, "spec": {"nodeName": "n"},
            "status": {
                "phase": phase, "containerStatuses": [{"restartCount": restarts}],
                "conditions": [{"type": "Ready", "status": status, "lastTransitionTime": ready}],
            },
        })
    }

    #[test]
    fn the_best_pod() {
        let check = |pods: &[Value], log: &str, exec: &str| {
            let name = |purpose| best(pods.to_vec(), purpose).unwrap()["metadata"]["name"].clone();
            assert_eq!((name(Purpose::Log), name(Purpose::Exec)), (json!(log), json!(exec)));
        };
        let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z");
        let good = pod("good", "Running", late, 0, late);
        let mut unplaced = good.clone();
        unplaced["metadata"]["name"] = "unplaced".into();
        unplaced["spec"]["nodeName"] = "".into();
        check(&[unplaced, good.clone()], "good", "good");
        check(&[pod("a", "Pending", "", 0, early), good.clone()], "good", "good");
        check(&[pod("a", "Running", "", 0, early), good.clone()], "good", "good");
        check(&[good.clone(), pod("long", "Running", early, 0, late)], "long", "long");
        check(&[good.clone(), pod("often", "Running", late, 3, late)], "often", "good");
        check(&[good.clone(), pod("old", "Running", late, 0, early)], "old", "old");
        let mut going = pod("going", "Running", early, 0, early);
        going["metadata"]["deletionTimestamp"] = late.into();
        check(&[good, going], "going", "good");
        assert!(best(Vec::new(), Purpose::Log).is_none());
    }

    #[test]
    fn selectors() {
        let check = |object: Value, expect: &str| {
            let found = selector_of(&object, Purpose::Log);
            assert_eq!(found.unwrap_or_else(|e| e.to_string()), expect);
        };
        check(json!({"kind": "Deployment", "spec": {"selector": {"matchLabels": {"a": "b"}}}}), "a=b");
        check(json!({"kind": "Service", "spec": {"selector": {"a": "b", "c": "d"}}}), "a=b,c=d");
        check(
            json!({"kind": "Service", "metadata": {"name": "s"}}),
            "error: invalid service 's': Service is defined without a selector",
        );
        check(json!({"kind": "Node"}), "error: cannot get the logs from Node");
    }
}
