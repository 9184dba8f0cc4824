//! What is known of the nodes of this process.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use containerd::Containerd;
use ipnet::Ipv4Net;
use object::{Quantity, Time};
use parking_lot::Mutex;

use crate::facts::{self, FactsError, FactsOptions, Pressures, conditions, measure};
use crate::node::NodeFacts;
use crate::pod_config;

/// The annotation that says which certificate the node's own server shows: SHA-256 of its DER, in hexadecimal.
const SERVING: &str = "berth.dev/serving-sha256";
/// How often the runtime is asked for a sign of life.
const ASK: Duration = Duration::from_secs(3);
/// The most pods of a node, as upstream's default.
const PODS: u32 = 110;

/// Where the registrar learns about nodes.
pub(crate) trait Census: Send + Sync {
    /// All names.
    fn names(&self) -> &[String];

    /// What is known of one of them by now.
    fn facts(&self, name: &str) -> NodeFacts;

    /// Whether how they fare can change, and is told in between.
    fn is_watched(&self) -> bool;
}

/// Nodes that are played: what is known of them never changes.
pub(crate) struct PlayedCensus {
    names: Vec<String>,
    facts: HashMap<String, NodeFacts>,
}

impl PlayedCensus {
    /// These nodes.
    pub(crate) fn new(facts: Vec<NodeFacts>) -> Self {
        let names = facts.iter().map(|facts| facts.name.clone()).collect();
        Self { names, facts: facts.into_iter().map(|facts| (facts.name.clone(), facts)).collect() }
    }
}

impl Census for PlayedCensus {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn facts(&self, name: &str) -> NodeFacts {
        self.facts.get(name).cloned().unwrap_or_default()
    }

    fn is_watched(&self) -> bool {
        false
    }
}

/// The host as a node, by observation.
pub(crate) struct HostCensus {
    names: Vec<String>,
    facts: NodeFacts,
    node: pod_config::Node,
    ips: Vec<IpAddr>,
    data: PathBuf,
    booted: Time,
    engine: Containerd,
    /// What is learnt on the way. Locked for a look-up or an update, never across an await.
    learnt: Mutex<Learnt>,
}

#[derive(Default)]
struct Learnt {
    /// What containerd said of itself when it last answered.
    version: String,
    /// Why it does not answer.
    down: Option<String>,
    pressures: Pressures,
    port: u16,
    fingerprint: String,
    pod_cidr: Option<Ipv4Net>,
}

impl HostCensus {
    /// Looks at the host. `address` is the node's, where it is given; `data` is where pods' files are.
    pub(crate) fn new(
        name: &str,
        address: Option<IpAddr>,
        data: &Path,
        version: &str,
        engine: Containerd,
    ) -> Result<Self, FactsError> {
        let options = FactsOptions {
            root: PathBuf::from("/"),
            data: data.to_owned(),
            name: Some(name.to_owned()),
            ips: address.iter().map(ToString::to_string).collect(),
            pods: PODS,
            version: version.to_owned(),
            runtime: String::new(),
        };
        let facts = facts::observe(&options)?;
        let amount = |of: &BTreeMap<String, String>, resource: &str| -> Quantity {
            of.get(resource).and_then(|text| text.parse().ok()).unwrap_or_default()
        };
        let hostname = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        let node = pod_config::Node {
            name: name.to_owned(),
            hostname: hostname.trim().to_owned(),
            memory: amount(&facts.capacity, "memory").value().max(0) as u64,
            allocatable_cpu: amount(&facts.allocatable, "cpu"),
            allocatable_memory: amount(&facts.allocatable, "memory"),
            allocatable_ephemeral_storage: amount(&facts.allocatable, "ephemeral-storage"),
        };
        let ips = facts.ips.iter().filter_map(|ip| ip.parse().ok()).collect();
        let learnt = Mutex::new(Learnt { down: Some("not asked yet".to_owned()), ..Learnt::default() });
        let (names, data, booted) = (vec![name.to_owned()], data.to_owned(), facts::booted(Path::new("/")));
        Ok(Self { names, facts, node, ips, data, booted, engine, learnt })
    }

    /// Notes where the node's own server listens and which certificate it shows.
    pub(crate) fn serves(&self, port: u16, fingerprint: String) {
        let mut learnt = self.learnt.lock();
        (learnt.port, learnt.fingerprint) = (port, fingerprint);
    }

    /// Notes which addresses the node's pods have.
    pub(crate) fn has_block(&self, block: Ipv4Net) {
        self.learnt.lock().pod_cidr = Some(block);
    }

    /// The node, as containers see it.
    pub(crate) fn node(&self) -> pod_config::Node {
        self.node.clone()
    }

    /// When the machine began.
    pub(crate) fn booted(&self) -> Time {
        self.booted
    }

    /// The node's addresses.
    pub(crate) fn ips(&self) -> Vec<IpAddr> {
        self.ips.clone()
    }

    /// The node's addresses, as text.
    pub(crate) fn addresses(&self) -> Vec<String> {
        self.facts.ips.clone()
    }

    /// Asks the runtime for a sign of life; whether the answer is another than before.
    pub(crate) async fn ask(&self) -> bool {
        let answer = tokio::time::timeout(ASK, self.engine.version()).await;
        let mut learnt = self.learnt.lock();
        let before = learnt.down.is_some();
        match answer {
            Ok(Ok(version)) => {
                learnt.version = version;
                learnt.down = None;
            }
            Ok(Err(error)) => learnt.down = Some(error.to_string()),
            Err(_) => learnt.down = Some("no answer in time".to_owned()),
        }
        before != learnt.down.is_some()
    }

    /// Between two signs of life.
    pub(crate) async fn pause() {
        tokio::time::sleep(ASK).await;
    }
}

impl Census for HostCensus {
    fn names(&self) -> &[String] {
        &self.names
    }

    fn facts(&self, _name: &str) -> NodeFacts {
        let measured = measure(Path::new("/"), &self.data);
        let mut learnt = self.learnt.lock();
        learnt.pressures = learnt.pressures.step(&measured, Time::now());
        let complaints: Vec<String> =
            learnt.down.iter().map(|_| "container runtime is down".to_owned()).collect();
        let runtime = format!("containerd://{}", learnt.version.split('~').next().unwrap_or_default());
        NodeFacts {
            runtime,
            annotations: BTreeMap::from([(SERVING.to_owned(), learnt.fingerprint.clone())]),
            port: learnt.port,
            pod_cidr: learnt.pod_cidr.map(|block| block.to_string()),
            findings: conditions(&learnt.pressures, &complaints),
            ..self.facts.clone()
        }
    }

    fn is_watched(&self) -> bool {
        true
    }
}
