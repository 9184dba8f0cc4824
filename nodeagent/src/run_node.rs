//! A node of real containers: what it needs of its host, what it tells the API, and what runs it.

use std::collections::HashMap;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use cache::{Change, Follow, Informers, Source, ViewKind};
use client::Client;
use client::events::Recorder;
use containerd::{Containerd, Registries};
use drive::WorkQueue;
use futures::StreamExt;
use ipnet::Ipv4Net;
use kinds::{Kind, Kinds};
use network::{Dataplane, Dns, DnsOptions, Nftables, PodNetwork, PodNetworkOptions, Services};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::sync::{Notify, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::agent::Agent;
use crate::block;
use crate::census::HostCensus;
use crate::cgroups::{CgroupError, Cgroups, Hierarchies, NodeResources};
use crate::container_runtime::{ContainerRuntime, Dirs, ImageCollection, Surroundings};
use crate::facts::FactsError;
use crate::known::Pods;
use crate::measures;
use crate::neighbours;
use crate::node;
use crate::notes;
use crate::overlap;
use crate::registrar::Registrar;
use crate::report::Host;
use crate::run::MissingKind;
use crate::runtime::Runtime;
use crate::services::{self, ServiceView, SliceView};

/// The device that has the node's own address among its pods.
const DEVICE: &str = "berth0";
/// nftables tables of the pod network and of the services.
const POD_TABLE: &str = "berth-pods";
const SERVICE_TABLE: &str = "berth-services";
/// How root file systems are made of layers.
const SNAPSHOTTER: &str = "overlayfs";
/// The domain of the cluster's names.
const DOMAIN: &str = "cluster.local";
/// The most pods that are worked on at a time.
const WORKERS: usize = 16;
/// How long an agent that begins waits for the services; every cluster has one.
const SERVICES: Duration = Duration::from_secs(5);
/// How long work on pods that is under way may take to finish when the agent stops.
const FINISH: Duration = Duration::from_secs(10);
/// Events that wait to be written.
const NOTES: usize = 1024;
/// How often users are told how far a pull has come.
const PROGRESS: Duration = Duration::from_secs(15);
/// When something that failed is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// How a node is to be.
#[derive(Clone, Debug)]
pub struct NodeOptions {
    /// Its name; the host's where none.
    pub name: Option<String>,
    /// The address at which the cluster reaches it; that of the default route where none.
    pub address: Option<IpAddr>,
    /// Port of its own server.
    pub port: u16,
    /// Socket of containerd.
    pub containerd: PathBuf,
    /// The namespace of containerd in which its containers are.
    pub namespace: String,
    /// How registries are reached: holds `HOST[:PORT]/hosts.toml`, as containerd's `certs.d`.
    pub registries: PathBuf,
    /// When images are removed for want of room.
    pub images: ImageCollection,
    /// Where the pods' files are.
    pub dir: PathBuf,
    /// Where namespaces, pipes and addresses are recorded; must not survive a reboot.
    pub run_dir: PathBuf,
    /// Where logs are written.
    pub log_dir: PathBuf,
    /// Addresses of its pods; the first is the node's own among them. Those that the cluster assigns where none.
    pub pods: Option<Ipv4Net>,
    /// The control group below which those of the pods are.
    pub cgroup_root: String,
    /// The version that it reports.
    pub version: String,
    /// The certificate of the cluster's CA, in PEM: who may use the node's server.
    pub ca: String,
}

/// Why a node cannot run.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The table of kinds lacks what the agent reads or writes.
    #[error(transparent)]
    Kind(#[from] MissingKind),
    /// The host's name cannot be read.
    #[error("cannot read the host's name: name the node")]
    Name(#[source] std::io::Error),
    /// The pod network cannot be made.
    #[error("the pod network cannot be made")]
    Network(#[from] network::Error),
    /// The options for containerd are not good.
    #[error("containerd cannot be used")]
    Containerd(#[from] containerd::Error),
    /// The host cannot be looked at.
    #[error("the host cannot be looked at")]
    Facts(#[from] FactsError),
    /// Control groups cannot be used.
    #[error("control groups cannot be used")]
    Cgroups(#[from] CgroupError),
    /// The node's server cannot listen.
    #[error("the node's server cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The node's server cannot have a certificate.
    #[error("the node's server has no certificate")]
    Certificate(#[from] streaming::Error),
    /// What pods would be found at is somewhere else.
    #[error(
        "the addresses of the node's pods, {0}, overlap with the machine's route {1}: choose others by --cluster-cidr of the server, or --pod-cidr"
    )]
    Overlap(Ipv4Net, String),
    /// What services would be found at is somewhere else.
    #[error(
        "the addresses of services, {0}, overlap with the machine's route {1}: choose others by --service-cidr of the server"
    )]
    ServicesOverlap(Ipv4Net, String),
    /// What a pod left cannot be removed.
    #[error(transparent)]
    Runtime(#[from] crate::runtime::RuntimeError),
    /// A directory cannot be made or removed.
    #[error("{0}")]
    Directory(PathBuf, #[source] std::io::Error),
}

impl NodeError {
    /// Whether the machine has a network of its own where the cluster's addresses are.
    pub fn is_overlap(&self) -> bool {
        matches!(self, Self::Overlap(..) | Self::ServicesOverlap(..))
    }
}

impl NodeOptions {
    /// The node's name: as given, or the host's in lower case.
    pub fn name(&self) -> Result<String, NodeError> {
        match &self.name {
            Some(name) => Ok(name.clone()),
            None => host_name(),
        }
    }

    fn network(&self, pods: Ipv4Net) -> PodNetworkOptions {
        PodNetworkOptions {
            device: DEVICE.to_owned(),
            cidr: pods,
            state_dir: self.run_dir.join("addresses"),
            table: POD_TABLE.to_owned(),
        }
    }

    fn engine(&self) -> Result<Containerd, NodeError> {
        engine(&self.containerd, &self.namespace, &self.run_dir)
    }

    fn cgroups(&self) -> Result<Cgroups, NodeError> {
        Ok(Cgroups::new(Hierarchies::find(Path::new("/"))?, &self.cgroup_root)?)
    }

    fn dirs(&self) -> Dirs {
        Dirs { node: self.dir.clone(), run: self.run_dir.clone(), logs: self.log_dir.clone() }
    }
}

/// The host's name, as nodes are called by it: in lower case.
pub fn host_name() -> Result<String, NodeError> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").map_err(NodeError::Name)?;
    Ok(name.trim().to_lowercase())
}

/// containerd, as nodes use it.
pub fn engine(socket: &Path, namespace: &str, run_dir: &Path) -> Result<Containerd, NodeError> {
    let options = containerd::Options {
        socket: socket.to_owned(),
        namespace: namespace.to_owned(),
        snapshotter: SNAPSHOTTER.to_owned(),
        fifo_dir: run_dir.join("fifos"),
    };
    Ok(Containerd::new(options)?)
}

/// Runs a node until `shutdown`. Its containers stay: the next agent finds them again, untouched.
///
/// A runtime that does not answer makes the node not ready, and ends nothing.
pub async fn run_node(
    client: Client,
    source: Arc<dyn Source>,
    kinds: Arc<Kinds>,
    options: NodeOptions,
    shutdown: impl Future<Output = ()> + Send,
) -> Result<(), NodeError> {
    let kind = |group, plural| kinds.resource(group, plural).cloned().ok_or(MissingKind(plural));
    let (pods, nodes, leases) =
        (kind("", "pods")?, kind("", "nodes")?, kind("coordination.k8s.io", "leases")?);
    let events = kind("", "events")?;
    for dir in [&options.dir, &options.run_dir, &options.log_dir] {
        std::fs::create_dir_all(dir).map_err(|e| NodeError::Directory(dir.clone(), e))?;
    }
    let name: Arc<str> = options.name()?.into();
    let engine = options.engine()?;
    let census = HostCensus::new(&name, options.address, &options.dir, &options.version, engine.clone())?;
    let census = Arc::new(census);
    let listen = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), options.port);
    let listener = TcpListener::bind(listen).await.map_err(|e| NodeError::Listen(listen, e))?;
    let mut names = census.addresses();
    names.push(name.to_string());
    let (tls, fingerprint) = streaming::tls(&options.ca, &names)?;
    census.serves(listener.local_addr().map_or(options.port, |local| local.port()), fingerprint);
    let registrar = Arc::new(Registrar::new(client.clone(), nodes.clone(), leases, census.clone()));
    let service_ranges = kind("networking.k8s.io", "servicecidrs")?;
    let recorded = block::recorded(&options.dir);
    tokio::pin!(shutdown);
    let block = tokio::select! {
        () = &mut shutdown => return Ok(()),
        block = async {
            // a node that was one before goes on where the API is away
            if recorded.is_none() {
                overlap::check_services(&client, &service_ranges).await?;
            }
            match options.pods.or(recorded) {
                Some(block) => Ok(block),
                None => block::assigned(&registrar, &census, &name).await,
            }
        } => block?,
    };
    overlap::check_pods(block).await?;
    block::record(&options.dir, block).map_err(|e| NodeError::Directory(options.dir.clone(), e))?;
    census.has_block(block);
    let network = Arc::new(PodNetwork::open(options.network(block)).await?);
    let cgroups = options.cgroups()?;
    let cpu = census.node().allocatable_cpu.milli_value();
    cgroups.set_up(&NodeResources { cpu: Some(cpu), ..NodeResources::default() })?;

    let mut tasks = JoinSet::new();
    let applied = serve_services(&mut tasks, &source, &kinds, block)?;
    tasks.spawn(neighbours::lead(source.clone(), nodes.clone(), name.clone(), network.clone()));
    serve_names(&mut tasks, network.gateway(), applied.clone());

    let surroundings = Surroundings {
        engine,
        network,
        client: client.clone(),
        kinds: kinds.clone(),
        dirs: options.dirs(),
        cgroups,
        services: applied.clone(),
        census: census.clone(),
        domain: DOMAIN.to_owned(),
        registries: Registries { dir: options.registries.clone() },
        progress: PROGRESS,
    };
    let runtime = Arc::new(ContainerRuntime::new(surroundings));
    let (tell, told) = mpsc::channel(NOTES);
    tasks.spawn(notes::record(Recorder::new(client.clone(), events.clone(), "kubelet"), told));
    let agent = Arc::new(Agent {
        runtime: runtime.clone(),
        client: client.clone(),
        kind: pods.clone(),
        queue: WorkQueue::default(),
        hosts: HashMap::from([(name.clone(), Host { ips: census.addresses() })]),
        notes: Some(tell),
        keep_documents: true,
        pods: Mutex::new(Pods::default()),
    });
    let console = Arc::new(crate::console::NodeConsole::new(agent.clone(), runtime.clone()));
    tasks.spawn(streaming::serve(listener, tls, console, std::future::pending()));

    census.ask().await;
    tasks.spawn(ask(census, registrar.clone(), name.clone()));
    tasks.spawn({
        let (registrar, source) = (registrar.clone(), source.clone());
        async move { crate::run::follow_nodes(registrar, source, nodes).await }
    });
    measures::NAME.get_or_create(&measures::Node { node: name.to_string() }).set(1);
    let recorder = Recorder::new(client.clone(), events.clone(), "kubelet");
    let (collector, about) = (Recorder::new(client, events, "kubelet"), node::reference(&name));
    tasks.spawn(async move {
        registrar.tell_start(&recorder, &name).await;
        registrar.run().await;
    });
    tasks.spawn(runtime.clone().collect_images(options.images, collector, about));
    tasks.spawn(runtime.clone().keep());
    tasks.spawn(heed(agent.clone(), runtime.clone()));
    tasks.spawn(remark(agent.clone(), runtime));
    tasks.spawn(follow_pods(agent.clone(), source, pods));
    let (stop, stopped) = watch::channel(false);
    let mut workers = JoinSet::new();
    for _ in 0..WORKERS {
        let (agent, stopped, mut services) = (agent.clone(), stopped.clone(), applied.clone());
        workers.spawn(async move {
            // Containers get the services' addresses, and none ends while the host may still lead to it.
            let led = async { drop(services.wait_for(|services| !services.is_empty()).await) };
            let _in_time = tokio::time::timeout(SERVICES, led).await;
            agent.work(stopped).await;
        });
    }
    tokio::select! {
        () = &mut shutdown => {}
        Some(ended) = tasks.join_next() => tracing::error!(?ended, "a part of the agent ended"),
    }
    // What is half made would be left to the next agent, and a shim half started to nobody.
    stop.send_replace(true);
    if tokio::time::timeout(FINISH, workers.join_all()).await.is_err() {
        tracing::warn!("work on pods was cut short");
    }
    Ok(())
}

/// Removes from the host what a node left: containers, files of pods, links, rules, control groups, logs. Idempotent.
pub async fn reset_node(options: NodeOptions) -> Result<(), NodeError> {
    let engine = options.engine()?;
    crate::container_runtime::reset(&engine, &options.dirs(), &options.cgroups()?).await?;
    // a node that never had a block has no network
    if let Some(block) = options.pods.or_else(|| block::recorded(&options.dir)) {
        PodNetwork::remove(options.network(block)).await?;
        Nftables::new(SERVICE_TABLE, block).remove().await?;
    }
    for dir in [&options.dir, &options.run_dir.join("fifos")] {
        match std::fs::remove_dir_all(dir) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => {
                return Err(NodeError::Directory(dir.clone(), e));
            }
            _ => {}
        }
    }
    Ok(())
}

/// A route of this machine to some of these addresses that is not the node's own doing, in words.
pub async fn route_to(addresses: Ipv4Net) -> Result<Option<String>, NodeError> {
    Ok(PodNetwork::overlap(addresses, DEVICE).await?)
}

/// Follows the services and makes the host lead to them. Returns them as the host has them.
fn serve_services(
    tasks: &mut JoinSet<()>,
    source: &Arc<dyn Source>,
    kinds: &Kinds,
    pods: Ipv4Net,
) -> Result<watch::Receiver<Arc<Services>>, NodeError> {
    let kind = |group, plural| kinds.resource(group, plural).ok_or(MissingKind(plural));
    let informers = Arc::new(Informers::new(source.clone()));
    let changed = Arc::new(Notify::new());
    let notify = changed.clone();
    informers.listen(Arc::new(move |_, _| notify.notify_one()));
    informers.declare(ViewKind::of::<ServiceView>());
    informers.declare(ViewKind::of::<SliceView>());
    informers.follow(ViewKind::of::<ServiceView>(), Follow::all(kind("", "services")?));
    let slices = kind("discovery.k8s.io", "endpointslices")?;
    informers.follow(ViewKind::of::<SliceView>(), Follow::all(slices));
    let (wanted, mut wants) = watch::channel(Arc::<Services>::default());
    let (done, applied) = watch::channel(Arc::<Services>::default());
    tasks.spawn(services::keep(informers, changed, wanted));
    let dataplane = Nftables::new(SERVICE_TABLE, pods);
    tasks.spawn(async move {
        while wants.changed().await.is_ok() {
            let services = wants.borrow_and_update().clone();
            match dataplane.apply(&services).await {
                Ok(()) => drop(done.send_replace(services)),
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "the services are not led to");
                    tokio::time::sleep(RETRY).await;
                    wants.mark_changed();
                }
            }
        }
    });
    Ok(applied)
}

/// Answers for the names of services on the node's own address among its pods.
fn serve_names(tasks: &mut JoinSet<()>, own: IpAddr, services: watch::Receiver<Arc<Services>>) {
    tasks.spawn(async move {
        let upstream = crate::resolv::name_servers(own);
        let options =
            DnsOptions { listen: vec![SocketAddr::new(own, 53)], domain: DOMAIN.to_owned(), upstream };
        loop {
            match Dns::start(options.clone(), services.clone()).await {
                Ok(_serving) => std::future::pending().await,
                Err(error) => {
                    tracing::warn!(error = &error as &dyn std::error::Error, "names are not served");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    });
}

/// Tells at once when the runtime stops to answer, and when it does again.
async fn ask(census: Arc<HostCensus>, registrar: Arc<Registrar>, name: Arc<str>) {
    loop {
        HostCensus::pause().await;
        if census.ask().await {
            registrar.look(&name).await;
        }
    }
}

/// Looks at pods that the runtime says have changed.
async fn heed(agent: Arc<Agent>, runtime: Arc<ContainerRuntime>) {
    let mut changes = runtime.changes();
    while let Some(uid) = changes.next().await {
        agent.queue.touch(uid, Instant::now());
    }
}

/// Tells users what the runtime noticed.
async fn remark(agent: Arc<Agent>, runtime: Arc<ContainerRuntime>) {
    let mut remarks = runtime.remarks();
    while let Some((uid, note)) = remarks.next().await {
        agent.remark(&uid, note);
    }
}

async fn follow_pods(agent: Arc<Agent>, source: Arc<dyn Source>, kind: Arc<Kind>) {
    let node = agent.hosts.keys().next().cloned().unwrap_or_default();
    let mut changes = source.follow(Follow { fields: format!("spec.nodeName={node}"), ..Follow::all(&kind) });
    let mut adopting = JoinSet::new();
    while let Some(change) = changes.next().await {
        let listed = matches!(change, Change::Reset { .. });
        agent.apply(change);
        if listed {
            adopting.abort_all();
            adopting.spawn(adopt(agent.clone()));
        }
    }
}

/// Clears away what is left of pods that are gone, as soon as the runtime tells what it has.
async fn adopt(agent: Arc<Agent>) {
    while let Err(error) = agent.adopt().await {
        tracing::warn!(%error, "what is left of pods that are gone is not known yet");
        tokio::time::sleep(RETRY).await;
    }
}
