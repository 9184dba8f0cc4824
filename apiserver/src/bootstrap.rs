//! What a cluster holds from its first moment: system namespaces with their service account, default roles, the
//! server's own service.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;

use object::{Meta, Value};
use serde_json::json;

use crate::api::Api;
use crate::bootstrap_rbac;
use crate::claims::ServiceRange;
use crate::identity::Identity;
use crate::local::LocalService;

/// Creates what is missing, and brings up to date what the server itself answers for: default roles that an older
/// version wrote, and the address behind the service `kubernetes`. Everything else that is there is left as it is.
pub(crate) async fn run(api: &Arc<Api>, address: SocketAddr) -> Result<(), client::Error> {
    let client = LocalService::new(api.clone(), Identity::admin()).client();
    let mut wanted = namespaces();
    wanted.extend(bootstrap_rbac::documents());
    wanted.push(kubernetes_service(&api.services, address.port()));
    wanted.extend(advertised(address).map(kubernetes_endpoints));
    for object in wanted {
        let api_version = object["apiVersion"].as_str().unwrap_or_default();
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        let Some(kind) = api.kinds.kind(group, object["kind"].as_str().unwrap_or_default()) else { continue };
        let meta = Meta::of(&object);
        match api.cache.get(&kind.resource(), &meta.key()) {
            Some(entry) => {
                let existing: Value = serde_json::from_slice(&entry.document()).unwrap_or_default();
                let better = match group {
                    crate::rbac::GROUP => bootstrap_rbac::reconciled(&existing, &object),
                    "discovery.k8s.io" => moved(&existing, &object),
                    _ => None,
                };
                if let Some(better) = better {
                    client.update(kind, &meta.key(), &better).await?;
                }
            }
            None => match client.create(kind, &meta.namespace, &object).await {
                Err(e) if !e.is_already_exists() => return Err(e),
                _ => {}
            },
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

/// The address at which pods reach a server that listens on `address`: none where only this host's own processes can.
fn advertised(address: SocketAddr) -> Option<SocketAddr> {
    let ip = if address.ip().is_unspecified() { outward()? } else { address.ip() };
    (!ip.is_loopback()).then(|| SocketAddr::new(ip, address.port()))
}

/// The host's address on its default route. Nothing is sent: connecting a datagram socket only picks the route.
fn outward() -> Option<IpAddr> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).ok()?;
    socket.connect((Ipv4Addr::new(192, 0, 2, 1), 9)).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

/// What stands behind the service `kubernetes`.
fn kubernetes_endpoints(address: SocketAddr) -> Value {
    let family = if address.is_ipv4() { "IPv4" } else { "IPv6" };
    json!({
        "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
        "metadata": {
            "name": "kubernetes", "namespace": "default",
            "labels": {"kubernetes.io/service-name": "kubernetes"},
        },
        "addressType": family,
        "endpoints": [{"addresses": [address.ip().to_string()], "conditions": {"ready": true}}],
        "ports": [{"name": "https", "port": address.port(), "protocol": "TCP"}],
    })
}

/// The slice with the address as it is now; none where that has not changed. Its family stays: it is immutable.
fn moved(existing: &Value, wanted: &Value) -> Option<Value> {
    if existing["addressType"] != wanted["addressType"] {
        return None;
    }
    let differs = ["endpoints", "ports"].iter().any(|field| existing[field] != wanted[field]);
    differs.then(|| {
        let mut moved = existing.clone();
        for field in ["endpoints", "ports"] {
            moved[field] = wanted[field].clone();
        }
        moved
    })
}
