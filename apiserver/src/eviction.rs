//! `/eviction`: a deletion that disruption budgets must allow (policy/v1 Eviction).

use cache::{Filter, ListQuery};
use kinds::Kind;
use object::{Cause, Key, LabelSelector, Meta, Reason, Status, Time, Value, format_time};
use serde_json::json;

use crate::api::{Answer, Api, Call};
use crate::deletion::{DeleteOptions, Preconditions, check_preconditions};
use crate::prepare::Part;
use crate::request::RequestInfo;
use crate::subresources::set_condition;
use crate::write::{Change, not_found};

/// Seconds after which a client may ask again whose budget was not looked at yet.
const AGAIN: u32 = 10;
/// A budget that has lent as many disruptions as this whose pods are not gone lends no more.
const MOST_DISRUPTED: usize = 2000;

/// How often a pod is judged anew that changes meanwhile.
const TRIES: usize = 5;

/// What a pod's budget says to an eviction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// It does not count, whatever becomes of the pod.
    Unguarded,
    /// It does not count while the pod is as it is.
    Free,
    /// It counts.
    Counts,
}

impl Api {
    /// Deletes a pod where its disruption budget allows that.
    pub(crate) async fn evict(&self, call: &mut Call<'_>, eviction: &Value) -> Result<Answer, Status> {
        let (pods, key) = (call.kind.clone(), call.key());
        if Meta::of(eviction).name != key.name {
            return Err(Status::bad_request("name in URL does not match name in Eviction object"));
        }
        let mut options: DeleteOptions = match &eviction["deleteOptions"] {
            Value::Null => DeleteOptions::default(),
            options => {
                serde_json::from_value(options.clone()).map_err(|e| Status::bad_request(e.to_string()))?
            }
        };
        options.check()?;
        call.dry_run |= !options.dry_run.is_empty();
        let wanted = options.preconditions.take().unwrap_or_default();
        for _ in 0..TRIES {
            let pod = self.objects.get(&pods, &key).await?.ok_or_else(|| not_found(&pods, &key))?.value;
            let meta = Meta::of(&pod);
            check_preconditions(&pods, &key, &wanted, &meta)?;
            let verdict = self.ask_budget(call, &pod, &key).await?;
            match self.say_evicted(call, &meta, verdict).await {
                Err(status) if verdict == Verdict::Free && status.code == 409 => continue,
                said => said?,
            }
            options.preconditions = Some(Preconditions { uid: Some(meta.uid), resource_version: None });
            self.delete(call, &options).await?;
            let done = Status { code: 201, reason: None, message: String::new(), details: None };
            return Ok(Answer::Status(done));
        }
        Err(refusal(format!("The pod {} changes too often to be judged.", key.name), AGAIN))
    }

    /// What the pod's budget says, which then has counted the eviction.
    async fn ask_budget(&self, call: &Call<'_>, pod: &Value, key: &Key) -> Result<Verdict, Status> {
        let phase = pod["status"]["phase"].as_str();
        if matches!(phase, Some("Succeeded" | "Failed")) || Meta::of(pod).is_terminating() {
            return Ok(Verdict::Unguarded);
        }
        if phase == Some("Pending") {
            return Ok(Verdict::Free);
        }
        match self.budget_of(pod, key).await? {
            Some(budget) => self.take(call, &budget, pod).await,
            None => Ok(Verdict::Unguarded),
        }
    }

    /// The budget that is about a pod.
    async fn budget_of(&self, pod: &Value, key: &Key) -> Result<Option<Value>, Status> {
        self.reach(self.objects.revision().await?).await?;
        let Some(kind) = self.budgets() else { return Ok(None) };
        let filter = Filter { namespace: key.namespace.clone(), ..Filter::default() };
        let list = self.cache.list(kind, &ListQuery { filter, ..ListQuery::default() });
        let items = list.map_err(|_| Status::internal("the disruption budgets cannot be listed"))?.items;
        let budgets =
            items.iter().filter_map(|entry| serde_json::from_slice::<Value>(&entry.document()).ok());
        let mut budgets = budgets.filter(|budget| selects(budget, pod));
        match (budgets.next(), budgets.next()) {
            (_, Some(_)) => Err(Status::new(
                500,
                Reason::InternalError,
                "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.",
            )),
            (budget, None) => Ok(budget),
        }
    }

    fn budgets(&self) -> Option<&std::sync::Arc<Kind>> {
        self.kinds.kind("policy", "PodDisruptionBudget")
    }

    /// Takes one of the disruptions that a budget allows, if the pod counts.
    async fn take(&self, call: &Call<'_>, budget: &Value, pod: &Value) -> Result<Verdict, Status> {
        let Some(kind) = self.budgets() else { return Ok(Verdict::Unguarded) };
        let verdict = weigh(budget, pod)?;
        if verdict == Verdict::Counts {
            let info = RequestInfo { name: Meta::of(budget).name, ..call.info.clone() };
            let mut of_budget =
                Call { info: &info, kind: kind.clone(), served: kind.clone(), warnings: Vec::new(), ..*call };
            let (name, now) = (Meta::of(pod).name, call.now);
            let edit = |budget: &mut Value| {
                if weigh(budget, pod)? == Verdict::Counts {
                    count(budget, &name, now);
                }
                Ok(())
            };
            self.update(&mut of_budget, Part::Of(&kinds::Part::STATUS), Change::Server(&edit)).await?;
        }
        Ok(verdict)
    }

    /// Notes in the pod why it goes (KEP-3329), if it is the one that was judged.
    async fn say_evicted(&self, call: &mut Call<'_>, judged: &Meta, verdict: Verdict) -> Result<(), Status> {
        let (now, name) = (format_time(call.now), call.info.name.clone());
        let edit = |pod: &mut Value| {
            let meta = Meta::of(pod);
            let changed = verdict == Verdict::Free && meta.resource_version != judged.resource_version;
            if meta.uid != judged.uid || changed {
                return Err(Status::stale("", "pods", &name));
            }
            let condition = json!({
                "type": "DisruptionTarget", "status": "True", "reason": "EvictionByEvictionAPI",
                "message": "Eviction API: evicting", "lastProbeTime": null, "lastTransitionTime": now,
            });
            set_condition(pod, condition);
            Ok(())
        };
        self.update(call, Part::Server, Change::Server(&edit)).await.map(drop)
    }
}

/// Whether a budget is about a pod. One without a selector is about none.
fn selects(budget: &Value, pod: &Value) -> bool {
    let selector = LabelSelector::from_value(&budget["spec"]["selector"]).ok().flatten();
    selector.is_some_and(|selector| selector.matches(&Meta::of(pod).labels))
}

/// What a budget says to the end of a pod; an error where it forbids it.
fn weigh(budget: &Value, pod: &Value) -> Result<Verdict, Status> {
    let (spec, status) = (&budget["spec"], &budget["status"]);
    let number = |field: &str| status[field].as_i64().unwrap_or(0);
    let (healthy, desired) = (number("currentHealthy"), number("desiredHealthy"));
    let tolerates =
        spec["unhealthyPodEvictionPolicy"] == "AlwaysAllow" || (healthy >= desired && desired > 0);
    if !is_ready(pod) && tolerates {
        return Ok(Verdict::Free);
    }
    let meta = Meta::of(budget);
    let forbidden = |why: &str| Err(Status::forbidden("policy", "poddisruptionbudgets", &meta.name, why));
    if number("observedGeneration") < budget["metadata"]["generation"].as_i64().unwrap_or(0) {
        let why = format!("The disruption budget {} is still being processed by the server.", meta.name);
        return Err(refusal(why, AGAIN));
    }
    match number("disruptionsAllowed") {
        ..0 => forbidden("pdb disruptions allowed is negative"),
        0 => {
            let name = &meta.name;
            let why = format!(
                "The disruption budget {name} needs {desired} healthy pods and has {healthy} currently"
            );
            Err(refusal(why, 0))
        }
        1.. if status["disruptedPods"].as_object().is_some_and(|pods| pods.len() > MOST_DISRUPTED) => {
            forbidden("DisruptedPods map too big - too many evictions not confirmed by PDB controller")
        }
        1.. => Ok(Verdict::Counts),
    }
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Counts a disruption that begins now.
fn count(budget: &mut Value, pod: &str, now: Time) {
    let left = budget["status"]["disruptionsAllowed"].as_i64().unwrap_or(0) - 1;
    budget["status"]["disruptionsAllowed"] = left.into();
    budget["status"]["disruptedPods"][pod] = format_time(now).into();
    if left == 0 {
        let condition = json!({
            "type": "DisruptionAllowed", "status": "False", "reason": "InsufficientPods", "message": "",
            "lastTransitionTime": format_time(now), "observedGeneration": budget["status"]["observedGeneration"],
        });
        set_condition(budget, condition);
    }
}

/// A refusal; after how many seconds to ask again, where the server knows: clients do so by themselves then.
fn refusal(why: String, again: u32) -> Status {
    let text = "Cannot evict pod as it would violate the pod's disruption budget.";
    let mut status = Status::too_many_requests(text, again);
    let cause = Cause { reason: "DisruptionBudget".to_owned(), message: why, field: String::new() };
    status.details.get_or_insert_default().causes = vec![cause];
    status
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(allowed: i64, healthy: i64) -> Value {
        json!({
            "metadata": {"name": "b", "generation": 1}, "spec": {"selector": {"matchLabels": {"app": "a"}}},
            "status": {"observedGeneration": 1, "disruptionsAllowed": allowed, "currentHealthy": healthy, "desiredHealthy": 2},
        })
    }

    fn pod(ready: &str) -> Value {
        json!({"metadata": {"name": "p", "labels": {"app": "a"}}, "status": {"conditions": [{"type": "Ready", "status": ready}]}})
    }

    #[test]
    fn a_budget_counts_what_it_allows() {
        let check = |budget: &Value, ready: &str, expect: Result<Verdict, &str>| {
            let why =
                |status: Status| status.details.unwrap_or_default().causes.first().map(|c| c.message.clone());
            let found = weigh(budget, &pod(ready)).map_err(|status| why(status).unwrap_or_default());
            assert_eq!(found, expect.map_err(str::to_owned), "{budget}");
        };
        check(&budget(1, 3), "True", Ok(Verdict::Counts));
        check(&budget(0, 2), "True", Err("The disruption budget b needs 2 healthy pods and has 2 currently"));
        check(&budget(0, 2), "False", Ok(Verdict::Free));
        check(
            &budget(0, 1),
            "False",
            Err("The disruption budget b needs 2 healthy pods and has 1 currently"),
        );
        let mut tolerant = budget(0, 1);
        tolerant["spec"]["unhealthyPodEvictionPolicy"] = "AlwaysAllow".into();
        check(&tolerant, "False", Ok(Verdict::Free));
        let mut unseen = budget(1, 3);
        unseen["metadata"]["generation"] = 2.into();
        check(&unseen, "True", Err("The disruption budget b is still being processed by the server."));
        let mut counted = budget(1, 3);
        count(&mut counted, "p", "2024-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(counted["status"]["disruptedPods"], json!({"p": "2024-01-01T00:00:00Z"}));
        check(&counted, "True", Err("The disruption budget b needs 2 healthy pods and has 3 currently"));
    }

    #[test]
    fn a_budget_without_a_selector_is_about_none() {
        assert!(selects(&budget(0, 0), &pod("True")));
        assert!(selects(&json!({"spec": {"selector": {}}}), &pod("True")));
        assert!(!selects(&json!({"spec": {}}), &pod("True")));
    }
}
