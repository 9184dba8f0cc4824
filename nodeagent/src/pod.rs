//! Pods as the node agent sees them: what is desired, and the status last reported.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use object::{Key, Time, Value};
use serde::Deserialize;

use crate::probes::{PortDoc, Probe, ProbeDoc, ProbeKind};
use crate::status::Status;

/// Annotations with this prefix steer the fake runtime.
pub const FAKE_PREFIX: &str = "fake.berth.dev/";

/// Seconds that containers get to end where the pod does not say.
const DEFAULT_GRACE: i64 = 30;

/// A pod bound to a node.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pod {
    /// Namespace and name.
    pub key: Key,
    /// UID.
    pub uid: Arc<str>,
    /// Revision of the document that this was read from.
    pub revision: u64,
    /// Generation of the spec.
    pub generation: i64,
    /// The node.
    pub node: Arc<str>,
    /// Annotations with [`FAKE_PREFIX`], without it.
    pub hints: BTreeMap<String, String>,
    /// Set once deletion was asked for.
    pub deletion: Option<Deletion>,
    /// What shall run; shared among pods that ask for the same.
    pub spec: Arc<Spec>,
    /// What was last reported.
    pub status: Status,
    /// The served document, for runtimes that need more of it than is here; empty where none does.
    pub document: Bytes,
}

/// A deletion that was asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Deletion {
    /// When the pod should be gone.
    pub deadline: Time,
    /// Seconds that containers get to end.
    pub grace: i64,
}

/// What shall run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Spec {
    /// Init containers, in order.
    pub init: Vec<Container>,
    /// Containers.
    pub containers: Vec<Container>,
    /// What happens when a container ends.
    pub restart: Restart,
    /// Whether the pod has the node's network.
    pub host_network: bool,
    /// Seconds that containers get when they are told to end.
    pub grace: i64,
    /// Seconds after which the pod fails.
    pub deadline: Option<i64>,
    /// Types of conditions that readiness waits for.
    pub gates: Vec<String>,
    /// Quality of service class.
    pub qos: &'static str,
    /// Names of the Secrets with credentials for registries.
    pub pull_secrets: Vec<String>,
}

/// A container that shall run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Image.
    pub image: String,
    /// When its image is pulled.
    pub pull: PullPolicy,
    /// Its probes, at most one of a kind.
    pub probes: Vec<Probe>,
    /// What happens when it ends, where it differs from the pod's.
    pub restart: Option<Restart>,
}

impl Container {
    /// Whether an init container runs along with the containers.
    pub fn is_sidecar(&self) -> bool {
        self.restart == Some(Restart::Always)
    }
}

/// When an image is pulled. The API server writes the default, which depends on the image's tag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub enum PullPolicy {
    /// Before every start.
    Always,
    /// If it is not there.
    #[default]
    IfNotPresent,
    /// Not at all: it must be there.
    Never,
}

/// What happens when a container ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize)]
pub enum Restart {
    /// It is started again.
    #[default]
    Always,
    /// It is started again if it failed.
    OnFailure,
    /// It stays ended.
    Never,
}

impl Restart {
    /// Whether a container that ended with this code is started again.
    pub fn again(self, exit_code: i32) -> bool {
        match self {
            Self::Always => true,
            Self::OnFailure => exit_code != 0,
            Self::Never => false,
        }
    }
}

impl Pod {
    /// Reads a served document.
    pub fn decode(document: &[u8], revision: u64) -> Result<Self, serde_json::Error> {
        let PodDoc { metadata, spec, status } = serde_json::from_slice(document)?;
        let deletion = metadata.deletion_timestamp.map(|deadline| Deletion {
            deadline,
            grace: metadata.deletion_grace_period_seconds.unwrap_or(0),
        });
        let hints = metadata.annotations.into_iter();
        Ok(Self {
            key: Key::new(metadata.namespace, metadata.name),
            uid: metadata.uid.into(),
            revision,
            generation: metadata.generation,
            node: spec.node_name.as_str().into(),
            hints: hints.filter_map(|(k, v)| Some((k.strip_prefix(FAKE_PREFIX)?.to_owned(), v))).collect(),
            deletion,
            spec: Arc::new(spec.into()),
            status,
            document: Bytes::new(),
        })
    }

    /// Reads a document that a write was answered with.
    pub fn from_value(document: &Value) -> Result<Self, serde_json::Error> {
        let revision = document["metadata"]["resourceVersion"].as_str().and_then(|v| v.parse().ok());
        let bytes = Bytes::from(serde_json::to_vec(document)?);
        Ok(Self { document: bytes.clone(), ..Self::decode(&bytes, revision.unwrap_or(0))? })
    }

    /// The container or init container of this name.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.spec.init.iter().chain(&self.spec.containers).find(|c| c.name == name)
    }

    /// What happens when this container ends.
    pub fn restart_of(&self, container: &Container) -> Restart {
        container.restart.unwrap_or(self.spec.restart)
    }
}

#[derive(Deserialize)]
struct PodDoc {
    metadata: MetaDoc,
    #[serde(default)]
    spec: SpecDoc,
    #[serde(default)]
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct MetaDoc {
    name: String,
    namespace: String,
    uid: String,
    generation: i64,
    annotations: BTreeMap<String, String>,
    deletion_timestamp: Option<Time>,
    deletion_grace_period_seconds: Option<i64>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct SpecDoc {
    node_name: String,
    restart_policy: Restart,
    init_containers: Vec<ContainerDoc>,
    containers: Vec<ContainerDoc>,
    host_network: bool,
    termination_grace_period_seconds: Option<i64>,
    active_deadline_seconds: Option<i64>,
    readiness_gates: Vec<GateDoc>,
    image_pull_secrets: Vec<SecretDoc>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SecretDoc {
    name: String,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct ContainerDoc {
    name: String,
    image: String,
    image_pull_policy: PullPolicy,
    restart_policy: Option<Restart>,
    resources: ResourcesDoc,
    ports: Vec<PortDoc>,
    startup_probe: Option<ProbeDoc>,
    readiness_probe: Option<ProbeDoc>,
    liveness_probe: Option<ProbeDoc>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourcesDoc {
    limits: BTreeMap<String, Value>,
    requests: BTreeMap<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct GateDoc {
    condition_type: String,
}

impl From<SpecDoc> for Spec {
    fn from(doc: SpecDoc) -> Self {
        let qos = qos(doc.containers.iter().chain(&doc.init_containers));
        let containers = |docs: Vec<ContainerDoc>| docs.into_iter().map(Container::from).collect();
        Self {
            qos,
            init: containers(doc.init_containers),
            containers: containers(doc.containers),
            restart: doc.restart_policy,
            host_network: doc.host_network,
            grace: doc.termination_grace_period_seconds.map_or(DEFAULT_GRACE, bounded_grace),
            deadline: doc.active_deadline_seconds,
            pull_secrets: doc.image_pull_secrets.into_iter().map(|secret| secret.name).collect(),
            gates: doc.readiness_gates.into_iter().map(|gate| gate.condition_type).collect(),
        }
    }
}

impl From<ContainerDoc> for Container {
    fn from(doc: ContainerDoc) -> Self {
        let probes = [
            (ProbeKind::Startup, doc.startup_probe),
            (ProbeKind::Readiness, doc.readiness_probe),
            (ProbeKind::Liveness, doc.liveness_probe),
        ];
        let probes = probes.into_iter().filter_map(|(kind, probe)| Some(probe?.probe(kind, &doc.ports)));
        Self {
            probes: probes.collect(),
            name: doc.name,
            image: doc.image,
            pull: doc.image_pull_policy,
            restart: doc.restart_policy,
        }
    }
}

/// Seconds of grace that can be added to any time.
pub(crate) fn bounded_grace(seconds: i64) -> i64 {
    seconds.clamp(0, i64::from(u32::MAX))
}

/// The class where the API server has not set it. Amounts are compared as written.
fn qos<'a>(containers: impl Iterator<Item = &'a ContainerDoc> + Clone) -> &'static str {
    const COUNTED: [&str; 2] = ["cpu", "memory"];
    let names = |amounts: &BTreeMap<String, Value>| COUNTED.iter().any(|name| amounts.contains_key(*name));
    let exact = |c: &ContainerDoc| {
        COUNTED.iter().all(|&name| {
            let limit = c.resources.limits.get(name);
            limit.is_some() && c.resources.requests.get(name).is_none_or(|request| Some(request) == limit)
        })
    };
    if !containers.clone().any(|c| names(&c.resources.limits) || names(&c.resources.requests)) {
        "BestEffort"
    } else if containers.clone().all(exact) {
        "Guaranteed"
    } else {
        "Burstable"
    }
}
