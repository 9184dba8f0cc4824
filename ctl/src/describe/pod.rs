//! Pods and pod templates.

use object::Value;

use super::{date, none_if_empty, pairs};
use crate::jsonpath::shown;
use crate::resource::{items, text};

/// A pod.
pub(super) fn pod(pod: &Value) -> String {
    let (meta, spec, status) = (&pod["metadata"], &pod["spec"], &pod["status"]);
    let mut out = format!("Name:\t{}\nNamespace:\t{}\n", text(&meta["name"]), text(&meta["namespace"]));
    out.push_str(&format!("Priority:\t{}\n", spec["priority"].as_i64().unwrap_or_default()));
    for (title, field) in [
        ("Priority Class Name", "priorityClassName"),
        ("Runtime Class Name", "runtimeClassName"),
        ("Service Account", "serviceAccountName"),
    ] {
        if let Some(value) = spec[field].as_str() {
            out.push_str(&format!("{title}:\t{value}\n"));
        }
    }
    match text(&spec["nodeName"]) {
        "" => out.push_str("Node:\t<none>\n"),
        node => out.push_str(&format!("Node:\t{node}/{}\n", text(&status["hostIP"]))),
    }
    if status["startTime"].is_string() {
        out.push_str(&format!("Start Time:\t{}\n", date(&status["startTime"])));
    }
    out.push_str(&pairs("Labels", &meta["labels"], "="));
    out.push_str(&pairs("Annotations", &meta["annotations"], ": "));
    match meta["deletionTimestamp"].is_string() {
        true => out.push_str(&format!("Status:\tTerminating (since {})\n", date(&meta["deletionTimestamp"]))),
        false => out.push_str(&format!("Status:\t{}\n", text(&status["phase"]))),
    }
    for (title, field) in [("Reason", "reason"), ("Message", "message")] {
        if let Some(value) = status[field].as_str() {
            out.push_str(&format!("{title}:\t{value}\n"));
        }
    }
    out.push_str(&format!("IP:\t{}\n", text(&status["podIP"])));
    match items(&status["podIPs"]) {
        [] => out.push_str("IPs:\t<none>\n"),
        ips => {
            out.push_str("IPs:\n");
            ips.iter().for_each(|ip| out.push_str(&format!("  IP:\t{}\n", text(&ip["ip"]))));
        }
    }
    out.push_str(&controlled_by(meta));
    if !items(&spec["initContainers"]).is_empty() {
        out.push_str("Init Containers:\n");
        out.push_str(&containers(&spec["initContainers"], Some(&status["initContainerStatuses"]), ""));
    }
    out.push_str("Containers:\n");
    out.push_str(&containers(&spec["containers"], Some(&status["containerStatuses"]), ""));
    out.push_str("Conditions:\n  Type\tStatus\n");
    for condition in items(&status["conditions"]) {
        out.push_str(&format!("  {} \t{} \n", text(&condition["type"]), text(&condition["status"])));
    }
    out.push_str(&volumes(&spec["volumes"], ""));
    out.push_str(&format!("QoS Class:\t{}\n", text(&status["qosClass"])));
    out.push_str(&placement(spec, ""));
    out
}

/// Who controls an object.
pub(super) fn controlled_by(meta: &Value) -> String {
    let owner = items(&meta["ownerReferences"]).iter().find(|owner| owner["controller"] == true);
    owner.map_or_else(String::new, |o| format!("Controlled By:\t{}/{}\n", text(&o["kind"]), text(&o["name"])))
}

/// The template of a deployment or replica set.
pub(super) fn template(template: &Value) -> String {
    let spec = &template["spec"];
    let labels = pairs("  Labels", &template["metadata"]["labels"], "=").replace("\n\t", "\n \t");
    let mut out = format!("Pod Template:\n{labels}");
    if template["metadata"]["annotations"].is_object() {
        out.push_str(&pairs("  Annotations", &template["metadata"]["annotations"], ": "));
    }
    if let Some(account) = spec["serviceAccountName"].as_str() {
        out.push_str(&format!("  Service Account:\t{account}\n"));
    }
    if !items(&spec["initContainers"]).is_empty() {
        out.push_str("  Init Containers:\n");
        out.push_str(&containers(&spec["initContainers"], None, " "));
    }
    out.push_str("  Containers:\n");
    out.push_str(&containers(&spec["containers"], None, " "));
    out.push_str(&volumes(&spec["volumes"], "  "));
    out.push_str(&placement(spec, "  "));
    out
}

fn placement(spec: &Value, indent: &str) -> String {
    let mut out = pairs(&format!("{indent}Node-Selectors"), &spec["nodeSelector"], "=");
    let tolerations: Vec<_> = items(&spec["tolerations"]).iter().map(toleration).collect();
    out.push_str(&format!("{indent}Tolerations:\t{}\n", none_if_empty(&tolerations.join("\n\t"))));
    out
}

fn toleration(toleration: &Value) -> String {
    let mut out = text(&toleration["key"]).to_owned();
    let value = text(&toleration["value"]);
    if !value.is_empty() {
        out.push_str(&format!("={value}"));
    }
    if let Some(effect) = toleration["effect"].as_str() {
        out.push_str(&format!(":{effect}"));
    }
    if toleration["operator"] == "Exists" && value.is_empty() {
        out.push_str(if out.is_empty() { "op=Exists" } else { " op=Exists" });
    }
    if let Some(seconds) = toleration["tolerationSeconds"].as_i64() {
        out.push_str(&format!(" for {seconds}s"));
    }
    out
}

fn volumes(volumes: &Value, indent: &str) -> String {
    if items(volumes).is_empty() {
        return format!("{indent}Volumes:\t<none>\n");
    }
    let mut out = format!("{indent}Volumes:\n");
    for volume in items(volumes) {
        out.push_str(&format!("{indent} {}:\n", text(&volume["name"])));
        for (kind, source) in volume.as_object().into_iter().flatten().filter(|(name, _)| *name != "name") {
            out.push_str(&format!("{indent}  Type:\t{kind}\n"));
            for (field, value) in source.as_object().into_iter().flatten() {
                out.push_str(&format!("{indent}  {field}:\t{}\n", shown(value)));
            }
        }
    }
    out
}

/// Containers, with what became of them where that is known.
fn containers(list: &Value, statuses: Option<&Value>, indent: &str) -> String {
    let mut out = String::new();
    for container in items(list) {
        let name = text(&container["name"]);
        let found = statuses.and_then(|all| items(all).iter().find(|status| text(&status["name"]) == name));
        out.push_str(&format!("{indent}  {name}:\n"));
        let inner = container_lines(container, found);
        inner.lines().for_each(|line| out.push_str(&format!("    {line}\n")));
    }
    out
}

fn container_lines(container: &Value, status: Option<&Value>) -> String {
    let mut out = String::new();
    if let Some(status) = status {
        out.push_str(&format!("Container ID:\t{}\n", text(&status["containerID"])));
    }
    out.push_str(&format!("Image:\t{}\n", text(&container["image"])));
    if let Some(status) = status {
        out.push_str(&format!("Image ID:\t{}\n", text(&status["imageID"])));
    }
    out.push_str(&ports(container));
    for (title, field) in [("Command", "command"), ("Args", "args")] {
        if !items(&container[field]).is_empty() {
            out.push_str(&format!("{title}:\n"));
            items(&container[field]).iter().for_each(|word| out.push_str(&format!("  {}\n", text(word))));
        }
    }
    if let Some(status) = status {
        out.push_str(&state("State", &status["state"]));
        if status["lastState"].as_object().is_some_and(|last| !last.is_empty()) {
            out.push_str(&state("Last State", &status["lastState"]));
        }
        let ready = if status["ready"] == true { "True" } else { "False" };
        out.push_str(&format!("Ready:\t{ready}\nRestart Count:\t{}\n", shown(&status["restartCount"])));
    }
    for (title, field) in [("Limits", "limits"), ("Requests", "requests")] {
        let amounts = container["resources"][field].as_object().filter(|amounts| !amounts.is_empty());
        if let Some(amounts) = amounts {
            out.push_str(&format!("{title}:\n"));
            amounts.iter().for_each(|(name, value)| out.push_str(&format!("  {name}:\t{}\n", shown(value))));
        }
    }
    out.push_str(&environment(&container["env"]));
    match items(&container["volumeMounts"]) {
        [] => out.push_str("Mounts:\t<none>\n"),
        mounts => {
            out.push_str("Mounts:\n");
            for mount in mounts {
                let mode = if mount["readOnly"] == true { "ro" } else { "rw" };
                let (path, name) = (text(&mount["mountPath"]), text(&mount["name"]));
                out.push_str(&format!("  {path} from {name} ({mode})\n"));
            }
        }
    }
    out
}

fn ports(container: &Value) -> String {
    let each = |field: &str| {
        let port = |port: &Value| {
            let number = port[field].as_i64().unwrap_or_default();
            format!("{number}/{}", port["protocol"].as_str().unwrap_or("TCP"))
        };
        items(&container["ports"]).iter().map(port).collect::<Vec<_>>().join(", ")
    };
    let s = if items(&container["ports"]).len() > 1 { "s" } else { "" };
    let (own, host) = (each("containerPort"), each("hostPort"));
    format!("Port{s}:\t{}\nHost Port{s}:\t{}\n", none_if_empty(&own), none_if_empty(&host))
}

fn environment(env: &Value) -> String {
    if items(env).is_empty() {
        return "Environment:\t<none>\n".into();
    }
    let mut out = "Environment:\n".to_owned();
    for variable in items(env) {
        let from = &variable["valueFrom"];
        let value = match from.as_object().and_then(|from| from.iter().next()) {
            None => shown(&variable["value"]),
            Some((kind, of)) if kind == "fieldRef" => {
                format!(" ({}:{})", text(&of["apiVersion"]), text(&of["fieldPath"]))
            }
            Some((kind, of)) => {
                let kind = if kind == "secretKeyRef" { "secret" } else { "config map" };
                let optional = of["optional"] == true;
                let (key, name) = (text(&of["key"]), text(&of["name"]));
                format!("<set to the key '{key}' in {kind} '{name}'>\tOptional: {optional}")
            }
        };
        out.push_str(&format!("  {}:\t{value}\n", text(&variable["name"])));
    }
    out
}

fn state(title: &str, state: &Value) -> String {
    let Some((name, of)) = state.as_object().and_then(|state| state.iter().next()) else {
        return format!("{title}:\tWaiting\n");
    };
    let mut out = format!("{title}:\t{}{}\n", name[..1].to_uppercase(), &name[1..]);
    for (title, field) in [("Reason", "reason"), ("Message", "message"), ("Exit Code", "exitCode")] {
        if !of[field].is_null() {
            out.push_str(&format!("  {title}:\t{}\n", shown(&of[field])));
        }
    }
    for (title, field) in [("Started", "startedAt"), ("Finished", "finishedAt")] {
        if !of[field].is_null() {
            out.push_str(&format!("  {title}:\t{}\n", date(&of[field])));
        }
    }
    out
}
