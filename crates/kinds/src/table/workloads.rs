//! Pods, and what makes them.

use super::{PROXIED, PROXY, row};
use crate::strategies as rules;
use crate::{Kind, NameRule, Part, Verb, columns};

const APPS: &str = "apps";

const POD_FIELDS: &[&str] = &[
    "spec.hostNetwork",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.schedulerName",
    "spec.serviceAccountName",
    "status.nominatedNodeName",
    "status.phase",
    "status.podIP",
    "status.podIPs",
];

const ATTACH: &[(&str, &str)] = &[
    ("container", "string"),
    ("stderr", "boolean"),
    ("stdin", "boolean"),
    ("stdout", "boolean"),
    ("tty", "boolean"),
];

const EXEC: &[(&str, &str)] = &[
    ("command", "string"),
    ("container", "string"),
    ("stderr", "boolean"),
    ("stdin", "boolean"),
    ("stdout", "boolean"),
    ("tty", "boolean"),
];

const LOG: &[(&str, &str)] = &[
    ("container", "string"),
    ("follow", "boolean"),
    ("insecureSkipTLSVerifyBackend", "boolean"),
    ("limitBytes", "integer"),
    ("previous", "boolean"),
    ("sinceSeconds", "integer"),
    ("sinceTime", "string"),
    ("tailLines", "integer"),
    ("timestamps", "boolean"),
];

const PORT_FORWARD: &[(&str, &str)] = &[("ports", "integer")];

/// Pods, and what makes them.
pub(super) fn rows() -> Vec<Kind> {
    vec![
        row("", "v1", "Pod", "pods")
            .short(&["po"])
            .all()
            .graceful()
            .generation()
            .status()
            .connect("attach", "PodAttachOptions", &[Verb::Create, Verb::Get], ATTACH)
            .call("binding", "v1", "Binding")
            .part(&Part::EPHEMERAL_CONTAINERS)
            .call("eviction", "policy/v1", "Eviction")
            .connect("exec", "PodExecOptions", &[Verb::Create, Verb::Get], EXEC)
            .connect("log", "Pod", &[Verb::Get], LOG)
            .connect("portforward", "PodPortForwardOptions", &[Verb::Create, Verb::Get], PORT_FORWARD)
            .connect("proxy", "PodProxyOptions", PROXIED, PROXY)
            .part(&Part::RESIZE)
            .selectable(POD_FIELDS)
            .renamed(&[("status.podIPs", "status.podIP")])
            .returns_deleted()
            .columns(columns::POD)
            .reads(columns::POD_READS)
            .strategy(&rules::Pod),
        row("", "v1", "Binding", "bindings").talk().strategy(&rules::Binding),
        row("", "v1", "PodTemplate", "podtemplates")
            .create_on_update()
            .generation()
            .returns_deleted()
            .columns(columns::POD_TEMPLATE)
            .strategy(&rules::PodTemplate),
        row(APPS, "v1", "Deployment", "deployments")
            .short(&["deploy"])
            .all()
            .generation()
            .status()
            .scale("spec.replicas", "status.replicas", "spec.selector")
            .columns(columns::DEPLOYMENT)
            .strategy(&rules::Deployment),
        row(APPS, "v1", "ReplicaSet", "replicasets")
            .short(&["rs"])
            .all()
            .generation()
            .status()
            .scale("spec.replicas", "status.replicas", "spec.selector")
            .selectable(&["status.replicas"])
            .columns(columns::REPLICA_SET)
            .strategy(&rules::ReplicaSet),
        row(APPS, "v1", "DaemonSet", "daemonsets")
            .short(&["ds"])
            .all()
            .generation()
            .status()
            .columns(columns::DAEMON_SET)
            .strategy(&rules::DaemonSet),
        row(APPS, "v1", "StatefulSet", "statefulsets")
            .short(&["sts"])
            .all()
            .generation()
            .named(NameRule::Label)
            .status()
            .scale("spec.replicas", "status.replicas", "spec.selector")
            .columns(columns::STATEFUL_SET)
            .strategy(&rules::StatefulSet),
        row("", "v1", "ReplicationController", "replicationcontrollers")
            .short(&["rc"])
            .all()
            .orphans(false)
            .generation()
            .status()
            .scale("spec.replicas", "status.replicas", "spec.selector")
            .selectable(&["status.replicas"])
            .columns(columns::REPLICATION_CONTROLLER)
            .strategy(&rules::ReplicationController),
        row(APPS, "v1", "ControllerRevision", "controllerrevisions")
            .columns(columns::CONTROLLER_REVISION)
            .strategy(&rules::ControllerRevision),
    ]
}
