//! What a cluster holds from its first moment: system namespaces with their service account, default roles, flow
//! schemas with their levels, the server's own service and the block that services have addresses of.

use std::sync::Arc;

use client::PatchType;
use futures::future::try_join_all;
use object::{Key, Meta, Time, Value, format_time};
use serde_json::json;

use crate::api::Api;
use crate::claims::ServiceRange;
use crate::identity::Identity;
use crate::local::LocalService;
use crate::{bootstrap_flow, bootstrap_rbac};

/// Creates what is missing, and brings default roles up to date that an older version wrote. Everything else that is
/// there is left as it is, and so is what another server that starts does at the same time. `port` is the server's.
pub(crate) async fn run(api: &Arc<Api>, port: u16) -> Result<(), client::Error> {
    let client = LocalService::new(api.clone(), Identity::admin()).client();
    let mut wanted = namespaces();
    wanted.extend(bootstrap_rbac::documents());
    wanted.extend(kinds::SYSTEM_PRIORITIES.map(priority_class));
    wanted.push(service_cidr(&api.services));
    wanted.push(kubernetes_service(&api.services, port));
    for object in wanted {
        settle(api, &client, &object).await?;
    }
    // all at once, as the store writes together what comes together
    let flows = bootstrap_flow::documents();
    try_join_all(flows.iter().map(|object| settle(api, &client, object))).await?;
    keep_service_cidr(api, &client).await
}

/// Creates an object where it is missing, or brings it up to date where that is ours to do.
async fn settle(api: &Api, client: &client::Client, object: &Value) -> Result<(), client::Error> {
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    let Some(kind) = api.kinds.kind(group, object["kind"].as_str().unwrap_or_default()) else {
        return Ok(());
    };
    let meta = Meta::of(object);
    let done = match api.cache.get(&kind.resource(), &meta.key()) {
        Some(entry) => {
            let existing: Value = serde_json::from_slice(&entry.document()).unwrap_or_default();
            let better = bootstrap_rbac::reconciled(&existing, object);
            let Some(better) = better.filter(|_| group == crate::rbac::GROUP) else { return Ok(()) };
            client.update(kind, &meta.key(), &better).await
        }
        None => client.create(kind, &meta.namespace, object).await,
    };
    // Where another server was faster, what it made, or what that holds, stands in the way.
    match done {
        Err(error) if client.get(kind, &meta.key()).await.is_err() => Err(error),
        _ => Ok(()),
    }
}

/// The namespaces, each with the account that its pods run as unless they name another.
fn namespaces() -> Vec<Value> {
    let names = ["default", "kube-system", "kube-public", "kube-node-lease"];
    let of = |name: &str| {
        let account = json!({"name": "default", "namespace": name});
        [
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": account}),
        ]
    };
    names.into_iter().flat_map(of).collect()
}

/// A priority class of the system's own pods.
fn priority_class((name, value, about): (&str, i64, &str)) -> Value {
    json!({
        "apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": name}, "value": value,
        "description": about, "preemptionPolicy": "PreemptLowerPriority",
    })
}

/// The service at which pods find the API server: the first address of the range.
fn kubernetes_service(range: &ServiceRange, port: u16) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "kubernetes", "namespace": "default", "labels": {"component": "apiserver", "provider": "kubernetes"}},
        "spec": {
            "clusterIP": range.first().to_string(), "type": "ClusterIP",
            "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": port}],
        },
    })
}

/// The ServiceCIDR of the configured blocks.
fn service_cidr(range: &ServiceRange) -> Value {
    let blocks: Vec<String> = range.blocks().map(|block| block.to_string()).collect();
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR",
        "metadata": {"name": "kubernetes"}, "spec": {"cidrs": blocks},
    })
}

/// Says that the ServiceCIDR of the configured blocks is ready, where nobody has said anything, and adds the second
/// block to it where that was configured since. One that says otherwise is left alone.
async fn keep_service_cidr(api: &Api, client: &client::Client) -> Result<(), client::Error> {
    let Some(kind) = api.kinds.kind("networking.k8s.io", "ServiceCIDR") else { return Ok(()) };
    let wanted = service_cidr(&api.services)["spec"]["cidrs"].take();
    let key = Key::new("", "kubernetes");
    let found = match client.get(kind, &key).await {
        Err(error) if error.is_not_found() => return Ok(()),
        found => found?,
    };
    let blocks = &found["spec"]["cidrs"];
    let conditions = found["status"]["conditions"].as_array().cloned().unwrap_or_default();
    if *blocks != wanted && *blocks == json!([wanted[0]]) {
        let patch = json!({"spec": {"cidrs": wanted}});
        client.patch(kind, &key, None, PatchType::Merge, &patch).await?;
    } else if *blocks != wanted {
        tracing::warn!(
            configured = %wanted, found = %blocks,
            "the ServiceCIDR kubernetes has other blocks than are configured: configure these, or delete it"
        );
    } else if !Meta::of(&found).is_terminating() && !conditions.iter().any(|c| c["type"] == "Ready") {
        let ready = json!({
            "type": "Ready", "status": "True", "reason": "", "message": "Kubernetes default Service CIDR is ready",
            "lastTransitionTime": format_time(Time::now()),
        });
        let conditions: Vec<Value> = conditions.into_iter().chain([ready]).collect();
        let patch = json!({"status": {"conditions": conditions}});
        client.patch(kind, &key, Some("status"), PatchType::Merge, &patch).await?;
    }
    Ok(())
}
