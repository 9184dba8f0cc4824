//! The other kinds.

use object::{Value, to_yaml};

use super::pod::{controlled_by, template};
use super::{Around, date, none_if_empty, pairs};
use crate::jsonpath::shown;
use crate::resource::{Resource, items, text};

/// Name, namespace, labels and annotations.
fn head(object: &Value) -> String {
    let meta = &object["metadata"];
    let mut out = format!("Name:\t{}\n", text(&meta["name"]));
    if let Some(namespace) = meta["namespace"].as_str() {
        out.push_str(&format!("Namespace:\t{namespace}\n"));
    }
    out.push_str(&pairs("Labels", &meta["labels"], "="));
    out.push_str(&pairs("Annotations", &meta["annotations"], ": "));
    out
}

/// A label selector as text.
fn selector(selector: &Value) -> String {
    let mut parts: Vec<_> = selector["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", shown(value)))
        .collect();
    for requirement in items(&selector["matchExpressions"]) {
        let values: Vec<_> = items(&requirement["values"]).iter().map(text).collect();
        let key = text(&requirement["key"]);
        parts.push(match text(&requirement["operator"]) {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        });
    }
    none_if_empty(&parts.join(",")).to_owned()
}

fn owned<'a>(object: &Value, parts: &'a [Value]) -> impl Iterator<Item = &'a Value> {
    let uid = object["metadata"]["uid"].clone();
    parts.iter().filter(move |part| {
        items(&part["metadata"]["ownerReferences"]).iter().any(|owner| owner["uid"] == uid)
    })
}

/// A deployment.
pub(super) fn deployment(object: &Value, around: &Around) -> String {
    let (meta, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let count = |of: &Value| of.as_i64().unwrap_or_default();
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", text(&meta["name"]), text(&meta["namespace"]));
    out.push_str(&format!("CreationTimestamp:\t{}\n", date(&meta["creationTimestamp"])));
    out.push_str(&pairs("Labels", &meta["labels"], "="));
    out.push_str(&pairs("Annotations", &meta["annotations"], ": "));
    out.push_str(&format!("Selector:\t{}\n", selector(&spec["selector"])));
    out.push_str(&format!(
        "Replicas:\t{} desired | {} updated | {} total | {} available | {} unavailable\n",
        count(&spec["replicas"]),
        count(&status["updatedReplicas"]),
        count(&status["replicas"]),
        count(&status["availableReplicas"]),
        count(&status["unavailableReplicas"]),
    ));
    out.push_str(&format!("StrategyType:\t{}\n", text(&spec["strategy"]["type"])));
    out.push_str(&format!("MinReadySeconds:\t{}\n", count(&spec["minReadySeconds"])));
    let rolling = &spec["strategy"]["rollingUpdate"];
    if rolling.is_object() {
        let (unavailable, surge) = (shown(&rolling["maxUnavailable"]), shown(&rolling["maxSurge"]));
        out.push_str(&format!("RollingUpdateStrategy:\t{unavailable} max unavailable, {surge} max surge\n"));
    }
    out.push_str(&template(&spec["template"]));
    if !items(&status["conditions"]).is_empty() {
        out.push_str("Conditions:\n  Type\tStatus\tReason\n  ----\t------\t------\n");
        for condition in items(&status["conditions"]) {
            let of = |name: &str| text(&condition[name]);
            out.push_str(&format!("  {} \t{}\t{}\n", of("type"), of("status"), of("reason")));
        }
    }
    out.push_str(&replica_sets(object, around));
    out
}

/// The replica set that has the deployment's template, and those that had an earlier one.
fn replica_sets(deployment: &Value, around: &Around) -> String {
    let revision =
        |of: &Value| text(&of["metadata"]["annotations"]["deployment.kubernetes.io/revision"]).to_owned();
    let current = revision(deployment);
    let line = |set: &Value| {
        let (name, count) = (text(&set["metadata"]["name"]), |of: &Value| of.as_i64().unwrap_or_default());
        let (now, wanted) = (count(&set["status"]["replicas"]), count(&set["spec"]["replicas"]));
        format!("{name} ({now}/{wanted} replicas created)")
    };
    let (new, old): (Vec<_>, Vec<_>) =
        owned(deployment, &around.parts).partition(|set| revision(set) == current);
    let lines = |sets: &[&Value]| sets.iter().map(|set| line(set)).collect::<Vec<_>>().join(", ");
    let (new, old) = (lines(&new), lines(&old));
    format!("OldReplicaSets:\t{}\nNewReplicaSet:\t{}\n", none_if_empty(&old), none_if_empty(&new))
}

/// A replica set.
pub(super) fn replica_set(object: &Value, around: &Around) -> String {
    let (meta, spec) = (&object["metadata"], &object["spec"]);
    let count = |of: &Value| of.as_i64().unwrap_or_default();
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", text(&meta["name"]), text(&meta["namespace"]));
    out.push_str(&format!("Selector:\t{}\n", selector(&spec["selector"])));
    out.push_str(&pairs("Labels", &meta["labels"], "="));
    out.push_str(&pairs("Annotations", &meta["annotations"], ": "));
    out.push_str(&controlled_by(meta));
    let (current, wanted) = (count(&object["status"]["replicas"]), count(&spec["replicas"]));
    out.push_str(&format!("Replicas:\t{current} current / {wanted} desired\n"));
    let phases: Vec<_> = owned(object, &around.parts).map(|pod| text(&pod["status"]["phase"])).collect();
    let of = |phase: &str| phases.iter().filter(|known| **known == phase).count();
    out.push_str(&format!(
        "Pods Status:\t{} Running / {} Waiting / {} Succeeded / {} Failed\n",
        of("Running"),
        of("Pending"),
        of("Succeeded"),
        of("Failed")
    ));
    out + &template(&spec["template"])
}

/// A node.
pub(super) fn node(object: &Value) -> String {
    let (meta, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let role = "node-role.kubernetes.io/";
    let labels = meta["labels"].as_object();
    let roles: Vec<_> =
        labels.into_iter().flat_map(|l| l.keys()).filter_map(|l| l.strip_prefix(role)).collect();
    let mut out = format!("Name:\t{}\nRoles:\t{}\n", text(&meta["name"]), none_if_empty(&roles.join(",")));
    out.push_str(&pairs("Labels", &meta["labels"], "="));
    out.push_str(&pairs("Annotations", &meta["annotations"], ": "));
    out.push_str(&format!("CreationTimestamp:\t{}\n", date(&meta["creationTimestamp"])));
    let taints: Vec<_> = items(&spec["taints"]).iter().map(taint).collect();
    out.push_str(&format!("Taints:\t{}\n", none_if_empty(&taints.join("\n\t"))));
    out.push_str(&format!("Unschedulable:\t{}\n", spec["unschedulable"] == true));
    out.push_str("Conditions:\n  Type\tStatus\tLastHeartbeatTime\tLastTransitionTime\tReason\tMessage\n");
    out.push_str("  ----\t------\t-----------------\t------------------\t------\t-------\n");
    for condition in items(&status["conditions"]) {
        let (of, at) = (|name: &str| text(&condition[name]), |name: &str| date(&condition[name]));
        let times = format!("{} \t{}", at("lastHeartbeatTime"), at("lastTransitionTime"));
        let (kind, status, reason, message) = (of("type"), of("status"), of("reason"), of("message"));
        out.push_str(&format!("  {kind} \t{status} \t{times} \t{reason} \t{message}\n"));
    }
    out.push_str("Addresses:\n");
    for address in items(&status["addresses"]) {
        out.push_str(&format!("  {}:\t{}\n", text(&address["type"]), text(&address["address"])));
    }
    for (title, field) in [("Capacity", "capacity"), ("Allocatable", "allocatable")] {
        out.push_str(&format!("{title}:\n"));
        for (name, value) in status[field].as_object().into_iter().flatten() {
            out.push_str(&format!("  {name}:\t{}\n", shown(value)));
        }
    }
    out.push_str("System Info:\n");
    for (title, field) in [
        ("Machine ID", "machineID"),
        ("System UUID", "systemUUID"),
        ("Boot ID", "bootID"),
        ("Kernel Version", "kernelVersion"),
        ("OS Image", "osImage"),
        ("Operating System", "operatingSystem"),
        ("Architecture", "architecture"),
        ("Container Runtime Version", "containerRuntimeVersion"),
        ("Kubelet Version", "kubeletVersion"),
        ("Kube-Proxy Version", "kubeProxyVersion"),
    ] {
        out.push_str(&format!("  {title}:\t{}\n", text(&status["nodeInfo"][field])));
    }
    out
}

fn taint(taint: &Value) -> String {
    let (key, effect) = (text(&taint["key"]), text(&taint["effect"]));
    match taint["value"].as_str().filter(|value| !value.is_empty()) {
        Some(value) => format!("{key}={value}:{effect}"),
        None => format!("{key}:{effect}"),
    }
}

/// A service.
pub(super) fn service(object: &Value, around: &Around) -> String {
    let spec = &object["spec"];
    let list = |field: &str| items(&spec[field]).iter().map(text).collect::<Vec<_>>().join(",");
    let mut out = head(object) + &pairs("Selector", &spec["selector"], "=").replace("\n\t", ",");
    out.push_str(&format!("Type:\t{}\n", text(&spec["type"])));
    out.push_str(&format!("IP Family Policy:\t{}\n", text(&spec["ipFamilyPolicy"])));
    out.push_str(&format!("IP Families:\t{}\n", none_if_empty(&list("ipFamilies"))));
    out.push_str(&format!(
        "IP:\t{}\nIPs:\t{}\n",
        text(&spec["clusterIP"]),
        none_if_empty(&list("clusterIPs"))
    ));
    for port in items(&spec["ports"]) {
        let name = port["name"].as_str().unwrap_or("<unset>");
        let protocol = text(&port["protocol"]);
        out.push_str(&format!("Port:\t{name}\t{}/{protocol}\n", shown(&port["port"])));
        out.push_str(&format!("TargetPort:\t{}/{protocol}\n", shown(&port["targetPort"])));
        if port["nodePort"].as_i64().is_some_and(|port| port != 0) {
            out.push_str(&format!("NodePort:\t{name}\t{}/{protocol}\n", shown(&port["nodePort"])));
        }
        out.push_str(&format!("Endpoints:\t{}\n", endpoints(port["name"].as_str(), &around.parts)));
    }
    out.push_str(&format!("Session Affinity:\t{}\n", text(&spec["sessionAffinity"])));
    if let Some(policy) = spec["externalTrafficPolicy"].as_str() {
        out.push_str(&format!("External Traffic Policy:\t{policy}\n"));
    }
    out.push_str(&format!("Internal Traffic Policy:\t{}\n", text(&spec["internalTrafficPolicy"])));
    out
}

/// The ready end points of a port: three, and how many more there are.
fn endpoints(port: Option<&str>, slices: &[Value]) -> String {
    let mut found = Vec::new();
    for slice in slices {
        let named = |p: &&Value| text(&p["name"]) == port.unwrap_or_default();
        let Some(port) = items(&slice["ports"]).iter().find(named) else { continue };
        for endpoint in items(&slice["endpoints"]).iter().filter(|e| e["conditions"]["ready"] != false) {
            let port = shown(&port["port"]);
            found.extend(items(&endpoint["addresses"]).iter().map(|ip| format!("{}:{port}", text(ip))));
        }
    }
    match found.len() {
        0 => "<none>".into(),
        count if count > 3 => format!("{} + {} more...", found[..3].join(","), count - 3),
        _ => found.join(","),
    }
}

/// A config map.
pub(super) fn config_map(object: &Value) -> String {
    let mut out = head(object) + "\nData\n====\n";
    for (key, value) in object["data"].as_object().into_iter().flatten() {
        out.push_str(&format!("{key}:\n----\n{}\n\n", shown(value)));
    }
    out.push_str("\nBinaryData\n====\n");
    for (key, value) in object["binaryData"].as_object().into_iter().flatten() {
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text(value));
        out.push_str(&format!("{key}: {} bytes\n", bytes.unwrap_or_default().len()));
    }
    out + "\n"
}

/// A namespace, with the names of its quotas and limits.
pub(super) fn namespace(object: &Value, around: &Around) -> String {
    let mut out = format!("{}Status:\t{}\n", head(object), text(&object["status"]["phase"]));
    let kinds = [("Resource Quotas", "No resource quota."), ("Limit Ranges", "No LimitRange resource.")];
    for (list, (title, none)) in around.parts.iter().zip(kinds) {
        match items(&list["items"]) {
            [] => out.push_str(&format!("\n{none}\n")),
            some => {
                out.push_str(&format!("\n{title}\n"));
                let names = some.iter().map(|item| format!("  Name:\t{}\n", text(&item["metadata"]["name"])));
                out.extend(names);
            }
        }
    }
    out
}

/// Any other: its fields as they are.
pub(super) fn generic(resource: &Resource, object: &Value) -> String {
    let mut out = head(object);
    out.push_str(&format!("API Version:\t{}\nKind:\t{}\n", resource.api_version(), resource.kind));
    let mut rest = object.clone();
    if let Some(fields) = rest.as_object_mut() {
        ["apiVersion", "kind", "metadata"].iter().for_each(|name| drop(fields.remove(*name)));
    }
    if rest.as_object().is_some_and(|fields| !fields.is_empty()) {
        out.push_str(&to_yaml(&rest));
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn selectors_and_endpoints() {
        let labels = json!({"matchLabels": {"a": "b"}, "matchExpressions": [{"key": "c", "operator": "In", "values": ["d", "e"]}]});
        assert_eq!(selector(&labels), "a=b,c in (d,e)");
        assert_eq!(selector(&json!({})), "<none>");
        let slice = json!({"ports": [{"name": "http", "port": 80}], "endpoints": [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": true}},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": false}},
        ]});
        assert_eq!(endpoints(Some("http"), std::slice::from_ref(&slice)), "10.0.0.1:80");
        assert_eq!(endpoints(None, &[slice]), "<none>");
    }
}
