//! `componentstatuses`: how the parts of the control plane are, as far as this server can tell. Upstream asks their
//! ports; here the store is asked, and controllers and scheduler are judged by the Leases of their leaders, or are known
//! to live in this process, which they would take down with them.

use std::sync::Arc;

use cache::{Entry, List};
use kinds::Kind;
use object::{FieldSelector, Key, LabelSelector, Status, Time, Value, encode};
use serde_json::json;

use crate::api::{Answer, Api, Call};
use crate::write::not_found;

/// The part that keeps the objects.
const STORE: &str = "etcd-0";
/// The other parts, each with the name of its leader's Lease.
const PARTS: [(&str, &str); 2] =
    [("scheduler", "kube-scheduler"), ("controller-manager", "kube-controller-manager")];
const NAMESPACE: &str = "kube-system";

/// How a part is.
#[derive(Debug, PartialEq)]
enum Health {
    /// It works.
    Good,
    /// It does not, and why.
    Bad(String),
    /// Nothing is known of it, and why.
    Unknown(String),
}

impl Api {
    /// One part.
    pub(crate) async fn component(&self, call: &Call<'_>) -> Result<Answer, Status> {
        let name = call.info.name.as_str();
        let mut all = self.components(call.now).await.into_iter();
        let found = all.find(|document| document["metadata"]["name"] == name);
        let found = found.ok_or_else(|| not_found(&call.served, &call.key()))?;
        Ok(Answer::document(200, found))
    }

    /// All parts that match.
    pub(crate) async fn list_components(&self, call: &Call<'_>) -> Result<Answer, Status> {
        let bad = |e: &dyn std::fmt::Display| Status::bad_request(e.to_string());
        let labels: LabelSelector = call.info.param("labelSelector").parse().map_err(|e| bad(&e))?;
        let fields: FieldSelector = call.info.param("fieldSelector").parse().map_err(|e| bad(&e))?;
        if let Some(other) = fields.requirements().iter().find(|wanted| wanted.field != "metadata.name") {
            return Err(bad(&format!("field label not supported: {}", other.field)));
        }
        let named = |document: &Value| {
            let name = document["metadata"]["name"].as_str().unwrap_or_default();
            fields.requirements().iter().all(|wanted| (wanted.value == name) == wanted.equals)
        };
        let all = self.components(call.now).await.into_iter();
        let wanted = all.filter(|document| labels.matches_with(|_| None) && named(document));
        let revision = self.cache.revision();
        let items = wanted.filter_map(|document| entry(&call.kind, &document, revision)).collect();
        Ok(Answer::List { list: List { items, revision, more: false, remaining: 0 }, token: None })
    }

    async fn components(&self, now: Time) -> Vec<Value> {
        let mut all: Vec<Value> =
            PARTS.iter().map(|(name, lease)| document(name, self.part(lease, now))).collect();
        let store = match self.objects.writable().await {
            Ok(()) => Health::Good,
            Err(status) => Health::Bad(status.message),
        };
        all.push(document(STORE, store));
        all
    }

    fn part(&self, lease: &'static str, now: Time) -> Health {
        if self.inside.read().contains(&lease) {
            return Health::Good;
        }
        let entry = self.cache.get("leases.coordination.k8s.io", &Key::new(NAMESPACE, lease));
        let document = entry.and_then(|entry| serde_json::from_slice(&entry.document()).ok());
        of_lease(lease, document.as_ref(), now)
    }
}

/// How a part is by the Lease of its leader.
fn of_lease(name: &str, lease: Option<&Value>, now: Time) -> Health {
    let told = format!("Lease {NAMESPACE}/{name}");
    let Some(spec) = lease.map(|lease| &lease["spec"]) else {
        return Health::Unknown(format!("{told} does not exist"));
    };
    if spec["holderIdentity"].as_str().unwrap_or_default().is_empty() {
        return Health::Bad(format!("{told} is held by nobody"));
    }
    let renewed = spec["renewTime"].as_str().unwrap_or_default();
    let lasts = spec["leaseDurationSeconds"].as_i64().unwrap_or_default().max(0).unsigned_abs();
    match renewed.parse::<Time>() {
        Ok(time) if now <= time + std::time::Duration::from_secs(lasts) => Health::Good,
        _ => Health::Bad(format!("{told} was last renewed at {renewed:?}, for {lasts} seconds")),
    }
}

fn document(name: &str, health: Health) -> Value {
    let (status, message, error) = match health {
        Health::Good => ("True", "ok", String::new()),
        Health::Bad(why) => ("False", "", why),
        Health::Unknown(why) => ("Unknown", "", why),
    };
    let mut condition = json!({"type": "Healthy", "status": status});
    for (field, text) in [("message", message), ("error", error.as_str())] {
        if !text.is_empty() {
            condition[field] = text.into();
        }
    }
    json!({
        "apiVersion": "v1", "kind": "ComponentStatus", "metadata": {"name": name}, "conditions": [condition],
    })
}

fn entry(kind: &Kind, document: &Value, revision: u64) -> Option<Arc<Entry>> {
    let key = Key::new("", document["metadata"]["name"].as_str().unwrap_or_default());
    Entry::new(kind, key, encode(document).bytes, revision, revision).map(Arc::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_lives_while_its_lease_is_renewed() {
        let now: Time = "2024-05-06T07:08:20Z".parse().expect("a time");
        let check = |spec: Value, expect: Health| {
            assert_eq!(of_lease("kube-scheduler", Some(&json!({"spec": spec})), now), expect, "{spec}");
        };
        let lease = |holder: &str, renewed: &str| json!({"holderIdentity": holder, "renewTime": renewed, "leaseDurationSeconds": 15});
        check(lease("a", "2024-05-06T07:08:05.000000Z"), Health::Good);
        check(
            lease("a", "2024-05-06T07:08:04.999999Z"),
            Health::Bad(
                "Lease kube-system/kube-scheduler was last renewed at \"2024-05-06T07:08:04.999999Z\", for 15 seconds"
                    .to_owned(),
            ),
        );
        check(
            lease("", "2024-05-06T07:08:20.000000Z"),
            Health::Bad("Lease kube-system/kube-scheduler is held by nobody".to_owned()),
        );
        let none = Health::Unknown("Lease kube-system/kube-scheduler does not exist".to_owned());
        assert_eq!(of_lease("kube-scheduler", None, now), none);
    }
}
