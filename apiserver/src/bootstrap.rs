//! What a cluster holds from its first moment: system namespaces with their service account, default roles, the
//! server's own service.

use std::sync::Arc;

use object::{Meta, Value};
use serde_json::json;

use crate::api::Api;
use crate::bootstrap_rbac;
use crate::claims::ServiceRange;
use crate::identity::Identity;
use crate::local::LocalService;

/// Creates what is missing, and brings default roles up to date that an older version wrote. Everything else that is
/// there is left as it is, and so is what another server that starts does at the same time. `port` is the server's.
pub(crate) async fn run(api: &Arc<Api>, port: u16) -> Result<(), client::Error> {
    let client = LocalService::new(api.clone(), Identity::admin()).client();
    let mut wanted = namespaces();
    wanted.extend(bootstrap_rbac::documents());
    wanted.push(kubernetes_service(&api.services, port));
    for object in wanted {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let Some(kind) = api.kinds.kind(group, object["kind"].as_str().unwrap_or_default()) else { continue };
        let meta = Meta::of(&object);
        let done = match api.cache.get(&kind.resource(), &meta.key()) {
            Some(entry) => {
                let existing: Value = serde_json::from_slice(&entry.document()).unwrap_or_default();
                let better = bootstrap_rbac::reconciled(&existing, &object);
                let Some(better) = better.filter(|_| group == crate::rbac::GROUP) else { continue };
                client.update(kind, &meta.key(), &better).await
            }
            None => client.create(kind, &meta.namespace, &object).await,
        };
        // Where another server was faster, what it made, or what that holds, stands in the way.
        if let Err(error) = done
            && client.get(kind, &meta.key()).await.is_err()
        {
            return Err(error);
        }
    }
    Ok(())
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
