//! The built-in kinds, one row each.

use crate::kind::plain;
use crate::schema::schema;
use crate::strategies as rules;
use crate::{Column, Kind, Kinds, NameRule, Scope, Strategy, Subresource, Verb, columns};

const APPS: &str = "apps";
const AUTHENTICATION: &str = "authentication.k8s.io";
const AUTHORIZATION: &str = "authorization.k8s.io";
const RBAC: &str = "rbac.authorization.k8s.io";

const EVENT_FIELDS: &[&str] = &[
    "involvedObject.apiVersion",
    "involvedObject.fieldPath",
    "involvedObject.kind",
    "involvedObject.name",
    "involvedObject.namespace",
    "involvedObject.resourceVersion",
    "involvedObject.uid",
    "reason",
    "reportingComponent",
    "source",
    "type",
];
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
const PROXY: &[(&str, &str)] = &[("path", "string")];
/// What may be asked of what is behind a proxy: anything.
const PROXIED: &[Verb] = &[Verb::Create, Verb::Delete, Verb::Get, Verb::Patch, Verb::Update];

/// The table of the built-in kinds.
pub fn built_in() -> Kinds {
    Kinds::new([core(), workloads(), network(), policies(), access(), questions()].into_iter().flatten())
}

/// The core group, but for what runs or connects pods.
fn core() -> Vec<Kind> {
    vec![
        row("", "v1", "Namespace", "namespaces")
            .short(&["ns"])
            .cluster()
            .without(Verb::DeleteCollection)
            .status()
            .finalize()
            .named(NameRule::Label)
            .selectable(&["status.phase"])
            .columns(columns::NAMESPACE)
            .strategy(&rules::Namespace),
        row("", "v1", "Node", "nodes")
            .short(&["no"])
            .cluster()
            .status()
            .status_on_create()
            .connect("proxy", "NodeProxyOptions", PROXIED, PROXY)
            .selectable(&["spec.unschedulable"])
            .columns(columns::NODE)
            .strategy(&rules::Node),
        row("", "v1", "ConfigMap", "configmaps")
            .short(&["cm"])
            .columns(columns::CONFIG_MAP)
            .strategy(&rules::ConfigMap),
        row("", "v1", "Secret", "secrets")
            .selectable(&["type"])
            .columns(columns::SECRET)
            .strategy(&rules::Secret),
        row("", "v1", "ServiceAccount", "serviceaccounts")
            .short(&["sa"])
            .needs_resource_version()
            .call("token", "authentication.k8s.io/v1", "TokenRequest")
            .columns(columns::SERVICE_ACCOUNT),
        row("", "v1", "Event", "events")
            .short(&["ev"])
            .create_on_update()
            .volatile()
            .expires_after(3600)
            .selectable(EVENT_FIELDS)
            .columns(columns::EVENT)
            .strategy(&rules::Event),
        row("", "v1", "LimitRange", "limitranges")
            .short(&["limits"])
            .create_on_update()
            .strategy(&rules::LimitRange),
        row("", "v1", "ResourceQuota", "resourcequotas")
            .short(&["quota"])
            .status()
            .columns(columns::RESOURCE_QUOTA)
            .strategy(&rules::ResourceQuota),
        row("", "v1", "PersistentVolume", "persistentvolumes")
            .short(&["pv"])
            .cluster()
            .status()
            .columns(columns::PERSISTENT_VOLUME)
            .strategy(&rules::PersistentVolume),
        row("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims")
            .short(&["pvc"])
            .status()
            .columns(columns::PERSISTENT_VOLUME_CLAIM)
            .strategy(&rules::PersistentVolumeClaim),
    ]
}

/// Pods, and what makes them.
fn workloads() -> Vec<Kind> {
    vec![
        row("", "v1", "Pod", "pods")
            .short(&["po"])
            .all()
            .graceful()
            .generation()
            .status()
            .connect("attach", "PodAttachOptions", &[Verb::Create, Verb::Get], ATTACH)
            .call("binding", "v1", "Binding")
            .connect("exec", "PodExecOptions", &[Verb::Create, Verb::Get], EXEC)
            .connect("log", "Pod", &[Verb::Get], LOG)
            .connect("portforward", "PodPortForwardOptions", &[Verb::Create, Verb::Get], PORT_FORWARD)
            .connect("proxy", "PodProxyOptions", PROXIED, PROXY)
            .selectable(POD_FIELDS)
            .columns(columns::POD)
            .reads(columns::POD_READS)
            .strategy(&rules::Pod),
        row("", "v1", "Binding", "bindings").talk().strategy(&rules::Binding),
        row("", "v1", "PodTemplate", "podtemplates")
            .create_on_update()
            .generation()
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
        row(APPS, "v1", "ControllerRevision", "controllerrevisions")
            .columns(columns::CONTROLLER_REVISION)
            .strategy(&rules::ControllerRevision),
    ]
}

/// Services and their endpoints.
fn network() -> Vec<Kind> {
    vec![
        row("", "v1", "Service", "services")
            .short(&["svc"])
            .all()
            .create_on_update()
            .named(NameRule::Label1035)
            .status()
            .connect("proxy", "ServiceProxyOptions", PROXIED, PROXY)
            .selectable(&["spec.clusterIP", "spec.type"])
            .columns(columns::SERVICE)
            .strategy(&rules::Service),
        row("", "v1", "Endpoints", "endpoints")
            .short(&["ep"])
            .create_on_update()
            .columns(columns::ENDPOINTS)
            .strategy(&rules::Endpoints),
        row("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices")
            .generation()
            .columns(columns::ENDPOINT_SLICE)
            .strategy(&rules::EndpointSlice),
    ]
}

/// Classes, leases and budgets.
fn policies() -> Vec<Kind> {
    vec![
        row("coordination.k8s.io", "v1", "Lease", "leases")
            .create_on_update()
            .needs_resource_version()
            .volatile()
            .columns(columns::LEASE)
            .strategy(&rules::Lease),
        row("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets")
            .short(&["pdb"])
            .generation()
            .needs_resource_version()
            .status()
            .columns(columns::POD_DISRUPTION_BUDGET)
            .strategy(&rules::PodDisruptionBudget),
        row("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses")
            .short(&["pc"])
            .cluster()
            .create_on_update()
            .columns(columns::PRIORITY_CLASS)
            .strategy(&rules::PriorityClass),
        row("storage.k8s.io", "v1", "StorageClass", "storageclasses")
            .short(&["sc"])
            .cluster()
            .columns(columns::STORAGE_CLASS)
            .strategy(&rules::StorageClass),
        row("node.k8s.io", "v1", "RuntimeClass", "runtimeclasses")
            .cluster()
            .needs_resource_version()
            .columns(columns::RUNTIME_CLASS)
            .strategy(&rules::RuntimeClass),
    ]
}

/// Roles and their bindings.
fn access() -> Vec<Kind> {
    let role = |kind, plural| row(RBAC, "v1", kind, plural).create_on_update().named(NameRule::PathSegment);
    vec![
        row("certificates.k8s.io", "v1", "CertificateSigningRequest", "certificatesigningrequests")
            .short(&["csr"])
            .cluster()
            .status()
            .approval()
            .expires_after(86_400)
            .selectable(&["spec.signerName"])
            .columns(columns::SIGNING_REQUEST)
            .strategy(&rules::CertificateSigningRequest),
        role("Role", "roles").strategy(&rules::Role),
        role("RoleBinding", "rolebindings")
            .columns(columns::BINDING)
            .strategy(&rules::RoleBinding { roles: &["Role", "ClusterRole"] }),
        role("ClusterRole", "clusterroles").cluster().strategy(&rules::ClusterRole),
        role("ClusterRoleBinding", "clusterrolebindings")
            .cluster()
            .columns(columns::BINDING)
            .strategy(&rules::RoleBinding { roles: &["ClusterRole"] }),
    ]
}

/// What is answered and not stored: who am I, may I.
fn questions() -> Vec<Kind> {
    let access = |kind, plural| row(AUTHORIZATION, "v1", kind, plural).talk();
    let identity = |kind, plural| row(AUTHENTICATION, "v1", kind, plural).talk().cluster();
    vec![
        access("SelfSubjectAccessReview", "selfsubjectaccessreviews")
            .cluster()
            .strategy(&rules::SelfSubjectAccessReview),
        access("SubjectAccessReview", "subjectaccessreviews").cluster().strategy(&rules::SubjectAccessReview),
        access("LocalSubjectAccessReview", "localsubjectaccessreviews")
            .strategy(&rules::LocalSubjectAccessReview),
        access("SelfSubjectRulesReview", "selfsubjectrulesreviews").cluster(),
        identity("SelfSubjectReview", "selfsubjectreviews"),
        identity("TokenReview", "tokenreviews"),
    ]
}

/// A plain, namespaced, stored kind; the methods below say what is different. Its schema is that of the kind
/// in the package that the first label of its group names.
fn row(group: &str, version: &str, kind: &str, plural: &str) -> Kind {
    let package = match group.split('.').next() {
        Some("") | None => "core",
        Some(package) => package,
    };
    let schema = schema(&format!("io.k8s.api.{package}.{version}.{kind}"));
    plain(group, version, kind, plural, schema).columns(columns::PLAIN)
}

impl Kind {
    fn short(mut self, names: &[&str]) -> Self {
        self.short = owned(names);
        self
    }

    /// Member of the category `all`.
    fn all(mut self) -> Self {
        self.categories.push("all".to_owned());
        self
    }

    fn cluster(mut self) -> Self {
        self.scope = Scope::Cluster;
        self
    }

    fn without(mut self, verb: Verb) -> Self {
        self.verbs.retain(|&v| v != verb);
        self
    }

    /// Only answered, never stored.
    fn talk(mut self) -> Self {
        self.policy.talk = true;
        self.verbs = vec![Verb::Create];
        self
    }

    fn status(mut self) -> Self {
        self.subresources.push(Subresource::Status);
        self
    }

    fn scale(mut self, spec: &'static str, status: &'static str, selector: &'static str) -> Self {
        self.subresources.push(Subresource::Scale { spec, status, selector });
        self
    }

    fn finalize(mut self) -> Self {
        self.subresources.push(Subresource::Finalize);
        self
    }

    fn approval(mut self) -> Self {
        self.subresources.push(Subresource::Approval);
        self
    }

    fn call(mut self, name: &'static str, api_version: &'static str, kind: &'static str) -> Self {
        self.subresources.push(Subresource::Call { name, api_version, kind });
        self
    }

    fn connect(
        mut self,
        name: &'static str,
        kind: &'static str,
        verbs: &'static [Verb],
        options: &'static [(&'static str, &'static str)],
    ) -> Self {
        self.subresources.push(Subresource::Connect { name, kind, verbs, options });
        self
    }

    fn columns(mut self, columns: &[Column]) -> Self {
        self.columns = columns.to_vec();
        self
    }

    fn reads(mut self, paths: &'static [&'static str]) -> Self {
        self.reads = paths;
        self
    }

    fn selectable(mut self, paths: &[&str]) -> Self {
        self.selectable = owned(paths);
        self
    }

    fn named(mut self, rule: NameRule) -> Self {
        self.policy.name = rule;
        self
    }

    fn create_on_update(mut self) -> Self {
        self.policy.create_on_update = true;
        self
    }

    fn needs_resource_version(mut self) -> Self {
        self.policy.needs_resource_version = true;
        self
    }

    fn graceful(mut self) -> Self {
        self.policy.graceful = true;
        self
    }

    fn generation(mut self) -> Self {
        self.policy.generation = true;
        self
    }

    fn status_on_create(mut self) -> Self {
        self.policy.status_on_create = true;
        self
    }

    fn volatile(mut self) -> Self {
        self.policy.volatile = true;
        self
    }

    fn expires_after(mut self, seconds: u32) -> Self {
        self.policy.ttl_seconds = Some(seconds);
        self
    }

    fn strategy(mut self, strategy: &'static dyn Strategy) -> Self {
        self.strategy = strategy;
        self
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[cfg(test)]
mod tests;
