//! What a cluster holds from its first moment: system namespaces with their service account, default roles, flow
//! schemas with their levels, the server's own service and the block that services have addresses of, and the
//! APIServices of what is served.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use client::{ListParams, PatchType};
use futures::future::try_join_all;
use object::{Key, Meta, Time, Value, format_time};
use serde_json::json;

use crate::api::Api;
use crate::claims::ServiceRange;
use crate::identity::Identity;
use crate::local::LocalService;
use crate::{bootstrap_apis, bootstrap_flow, bootstrap_rbac};

/// How often the server's own service is looked for.
const EVERY: Duration = Duration::from_secs(2);

/// Creates what is missing, and brings default roles and APIServices up to date that an older version wrote. Everything else that is
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
    let services = bootstrap_apis::documents(&api.kinds);
    let together = bootstrap_flow::documents();
    let together = together.iter().chain(&services);
    try_join_all(together.map(|object| settle(api, &client, object))).await?;
    drop_services(api, &client, &services).await?;
    keep_service_cidr(api, &client).await
}

/// Makes the server's own service anew where somebody deletes it, for as long as the process lives.
pub(crate) async fn keep_service(api: Arc<Api>, port: u16) {
    let client = LocalService::new(api.clone(), Identity::admin()).client();
    let service = kubernetes_service(&api.services, port);
    loop {
        tokio::time::sleep(EVERY).await;
        if let Err(error) = settle(&api, &client, &service).await {
            tracing::warn!("the service of the API server cannot be made anew: {error}");
        }
    }
}

/// Removes the APIServices of what is no longer served.
async fn drop_services(api: &Api, client: &client::Client, wanted: &[Value]) -> Result<(), client::Error> {
    let Some(kind) = api.kinds.kind(bootstrap_apis::GROUP, "APIService") else { return Ok(()) };
    let wanted: HashSet<String> = wanted.iter().map(|service| Meta::of(service).name).collect();
    let (label, value) = bootstrap_apis::MANAGED;
    let params = ListParams { labels: format!("{label}={value}"), ..ListParams::default() };
    let found = client.list(kind, "", &params).await?;
    let found = found["items"].as_array().into_iter().flatten().map(|service| Meta::of(service).key());
    for key in found.filter(|key| !wanted.contains(&key.name)) {
        match client.delete(kind, &key, &Value::Null).await {
            Err(error) if !error.is_not_found() => return Err(error),
            _ => {}
        }
    }
    Ok(())
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
            let better = match group {
                crate::rbac::GROUP => bootstrap_rbac::reconciled(&existing, object),
                bootstrap_apis::GROUP => bootstrap_apis::reconciled(&existing, object),
                _ => None,
            };
            let Some(better) = better else { return Ok(()) };
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
