//! The command line.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ipnet::{IpNet, Ipv4Net};
use jiff::SignedDuration;

/// A container orchestrator that speaks the Kubernetes API.
#[derive(Parser)]
#[command(name = "berth", version = apiserver::VERSION, about)]
pub(crate) struct Cli {
    /// What to log: a level, or directives as `warn,apiserver=debug`.
    #[arg(long, global = true, env = "BERTH_LOG", default_value = "info", value_parser = crate::telemetry::check)]
    pub(crate) log: String,
    /// How to log.
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    #[command(flatten)]
    pub(crate) global: ctl::Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// How log lines are written.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Run everything in one process: API server, controllers and scheduler.
    Server(ServerArgs),
    /// Run the API server alone.
    Apiserver(ServerArgs),
    /// Run the scheduler against an API server.
    Scheduler(PartArgs),
    /// Run the controllers against an API server.
    Controllers(PartArgs),
    /// Run a node against an API server.
    Agent(AgentArgs),
    /// Remove from this machine what a node left: containers, files, links, rules, control groups.
    Reset(NodeArgs),
    /// Work with the images of this machine.
    Image(ImageArgs),
    /// Look after the files of the embedded store.
    Store(StoreArgs),
    /// Work with the tokens by which machines join the cluster.
    Token(TokenArgs),
    #[command(flatten)]
    Ctl(ctl::Verb),
}

#[derive(Args)]
pub(crate) struct PartArgs {
    /// Address of this machine's loopback to serve /metrics on, by plain HTTP.
    #[arg(long, value_name = "ADDR:PORT")]
    pub(crate) metrics_address: Option<SocketAddr>,
}

#[derive(Args)]
pub(crate) struct ServerArgs {
    /// Where the cluster's data, certificates and admin.kubeconfig are kept.
    #[arg(long, default_value = "/var/lib/berth")]
    pub(crate) data_dir: PathBuf,
    /// Address to serve HTTPS on.
    #[arg(long, default_value = "127.0.0.1:6443")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) store: StoreFlags,
    #[command(flatten)]
    pub(crate) ranges: RangeFlags,
    /// Do not run a node on this machine.
    #[arg(long)]
    pub(crate) no_agent: bool,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
}

/// Which addresses the cluster uses for itself. They must be nobody else's on the nodes' networks.
#[derive(Args, Clone)]
pub(crate) struct RangeFlags {
    /// Addresses of pods; each node gets a block of them.
    #[arg(long, value_name = "CIDR", default_value = "10.244.0.0/16")]
    pub(crate) cluster_cidr: Ipv4Net,
    /// The prefix length of a node's block.
    #[arg(long, value_name = "BITS", default_value_t = 24)]
    pub(crate) node_cidr_mask_size: u8,
    /// Addresses of services: one block, or one of IPv4 and one of IPv6, the default family's first. Nodes lead IPv4
    /// alone to a service's pods.
    #[arg(long, value_name = "CIDR[,CIDR]", value_delimiter = ',', default_value = "10.96.0.0/12")]
    pub(crate) service_cidr: Vec<IpNet>,
}

/// Which store the cluster's data is in.
#[derive(Args)]
pub(crate) struct StoreFlags {
    /// The etcd to keep the cluster's data in: etcd://HOST:PORT[,HOST:PORT…][/PREFIX]; files in --data-dir where it is
    /// not given.
    #[arg(long, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Certificate of the authority that etcd's certificates are of, PEM: speaks TLS with etcd.
    #[arg(long, value_name = "FILE", requires = "store")]
    pub(crate) store_cafile: Option<PathBuf>,
    /// Our certificate for etcd, PEM.
    #[arg(long, value_name = "FILE", requires = "store_cafile", requires = "store_keyfile")]
    pub(crate) store_certfile: Option<PathBuf>,
    /// The key of our certificate for etcd, PEM.
    #[arg(long, value_name = "FILE", requires = "store_certfile")]
    pub(crate) store_keyfile: Option<PathBuf>,
    /// Our name where etcd asks for one.
    #[arg(long, value_name = "NAME", requires = "store", requires = "store_password_file")]
    pub(crate) store_user: Option<String>,
    /// Holds our password for etcd.
    #[arg(long, value_name = "FILE", requires = "store_user")]
    pub(crate) store_password_file: Option<PathBuf>,
}

/// How the node of this machine is to be.
#[derive(Args)]
pub(crate) struct NodeArgs {
    /// The node's name; the host's where it is not given.
    #[arg(long)]
    pub(crate) node_name: Option<String>,
    /// The address at which the cluster reaches the node; that of the default route where it is not given.
    #[arg(long)]
    pub(crate) node_ip: Option<IpAddr>,
    /// Port of the node's own server, for logs and commands.
    #[arg(long, default_value_t = 10250)]
    pub(crate) node_port: u16,
    /// Socket of containerd.
    #[arg(long, default_value = "/run/containerd/containerd.sock")]
    pub(crate) containerd: PathBuf,
    /// The namespace of containerd in which the node's containers are.
    #[arg(long, default_value = "k8s.io")]
    pub(crate) containerd_namespace: String,
    /// How registries are reached: holds HOST[:PORT]/hosts.toml for each, as containerd's certs.d.
    #[arg(long, default_value = "/etc/containerd/certs.d")]
    pub(crate) registry_config: PathBuf,
    /// Percentage of the disk that, when used, makes images go that nobody uses.
    #[arg(long, value_name = "PERCENT", default_value_t = 85, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) image_gc_high_threshold: u8,
    /// Percentage of the disk down to which they go.
    #[arg(long, value_name = "PERCENT", default_value_t = 80, value_parser = clap::value_parser!(u8).range(0..=100))]
    pub(crate) image_gc_low_threshold: u8,
    /// Seconds between two looks at the disk.
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) image_gc_period: u64,
    /// Seconds for which an image that nobody uses stays at least.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub(crate) image_gc_min_age: u32,
    /// Where the pods' files are kept.
    #[arg(long, default_value = "/var/lib/berth/node")]
    pub(crate) node_dir: PathBuf,
    /// Where namespaces and pipes are kept; must not survive a reboot.
    #[arg(long, default_value = "/run/berth")]
    pub(crate) run_dir: PathBuf,
    /// Where the containers' logs are written.
    #[arg(long, default_value = "/var/log/pods")]
    pub(crate) log_dir: PathBuf,
    /// Addresses of the node's pods; those that the cluster assigns where it is not given.
    #[arg(long, value_name = "CIDR")]
    pub(crate) pod_cidr: Option<Ipv4Net>,
    /// The control group below which those of the pods are.
    #[arg(long, default_value = "/")]
    pub(crate) cgroup_root: String,
}

#[derive(Args)]
pub(crate) struct ImageArgs {
    /// Socket of containerd.
    #[arg(long, global = true, default_value = "/run/containerd/containerd.sock")]
    pub(crate) containerd: PathBuf,
    /// The namespace of containerd in which the node's containers are.
    #[arg(long, global = true, default_value = "k8s.io")]
    pub(crate) containerd_namespace: String,
    /// Where pipes are kept.
    #[arg(long, global = true, default_value = "/run/berth")]
    pub(crate) run_dir: PathBuf,
    /// How registries are reached: holds HOST[:PORT]/hosts.toml for each, as containerd's certs.d.
    #[arg(long, global = true, default_value = "/etc/containerd/certs.d")]
    pub(crate) registry_config: PathBuf,
    #[command(subcommand)]
    pub(crate) verb: ImageVerb,
}

#[derive(Subcommand)]
pub(crate) enum ImageVerb {
    /// Load an OCI or Docker archive.
    Import {
        /// A tar file, as `docker save` or `skopeo copy … oci-archive:` write it; may be compressed by gzip.
        file: PathBuf,
    },
    /// Show the images.
    #[command(visible_alias = "ls")]
    List,
    /// Fetch an image from its registry, or find that it is up to date.
    Pull {
        /// The image, as web, registry.example/team/web:1 or web@sha256:….
        image: String,
        /// Name and password for its registry.
        #[arg(long, value_name = "NAME:PASSWORD", env = "BERTH_REGISTRY_CREDS", hide_env_values = true)]
        creds: Option<String>,
    },
    /// Remove images; those that containers use stay until these are gone.
    #[command(visible_alias = "rm")]
    Remove {
        /// Names, digests or ids.
        #[arg(required = true)]
        images: Vec<String>,
    },
}

#[derive(Args)]
pub(crate) struct StoreArgs {
    /// Where the cluster's data is kept: the server's --data-dir.
    #[arg(long, global = true, default_value = "/var/lib/berth")]
    pub(crate) data_dir: PathBuf,
    #[command(subcommand)]
    pub(crate) verb: StoreVerb,
}

#[derive(Subcommand)]
pub(crate) enum StoreVerb {
    /// Read all files, as a start would, and say what they hold. The server may run meanwhile.
    Check,
    /// Write all data, as of now, to a file. The server may run meanwhile.
    Snapshot {
        /// A file that does not exist yet.
        file: PathBuf,
    },
    /// Make the store what a snapshot holds. The server must not run.
    Restore {
        /// A file that `snapshot` wrote.
        file: PathBuf,
        /// Replace the store that is there, which the snapshot must be one of.
        #[arg(long)]
        replace: bool,
    },
    /// Reduce the files to the live data. The server must not run, and does the same by itself.
    Compact,
    /// Go back to what was written before the damage; damaged files are kept. The server must not run.
    Repair,
}

#[derive(Args)]
pub(crate) struct TokenArgs {
    #[command(subcommand)]
    pub(crate) verb: TokenVerb,
}

#[derive(Subcommand)]
pub(crate) enum TokenVerb {
    /// Make a token and print it: `berth agent --server URL --token TOKEN` on another machine makes that a node.
    Create {
        /// How long it is good for, as 30m or 24h; 0s: until it is deleted.
        #[arg(long, default_value = "24h", value_parser = parse_ttl)]
        ttl: SignedDuration,
        /// How many machines may join by it; as many as like where it is not given.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
        uses: Option<u32>,
        /// What it is for.
        #[arg(long, default_value = "")]
        description: String,
        /// Print the whole command for the other machine.
        #[arg(long)]
        print_join_command: bool,
    },
    /// Show the tokens, without their secrets.
    #[command(visible_alias = "ls")]
    List,
    /// Make tokens void.
    #[command(visible_alias = "rm")]
    Delete {
        /// Tokens, or their ids.
        #[arg(required = true)]
        tokens: Vec<String>,
    },
}

fn parse_ttl(text: &str) -> Result<SignedDuration, String> {
    let parsed: SignedDuration = text.parse().map_err(|_| format!("invalid duration {text:?}"))?;
    if parsed.is_negative() { Err("must not be negative".to_owned()) } else { Ok(parsed) }
}

#[derive(Args)]
pub(crate) struct AgentArgs {
    /// The API server to join, https://HOST:PORT; instead of --kubeconfig.
    #[arg(long, value_name = "URL", conflicts_with = "kubeconfig")]
    pub(crate) server: Option<String>,
    /// The token to join by, which is needed once.
    #[arg(long, requires = "server", env = "BERTH_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// What runs the containers.
    #[arg(long, value_enum, default_value = "containerd")]
    pub(crate) runtime: Runtime,
    #[command(flatten)]
    pub(crate) node: NodeArgs,
    /// How many nodes to play.
    #[arg(long, default_value_t = 1)]
    pub(crate) fake_nodes: usize,
    /// What the nodes' names begin with.
    #[arg(long, default_value = "fake-")]
    pub(crate) fake_prefix: String,
    /// Milliseconds that a container takes to start.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(i64).range(0..))]
    pub(crate) fake_start_ms: i64,
    /// Milliseconds that a container takes to stop.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(i64).range(0..))]
    pub(crate) fake_stop_ms: i64,
}

/// What runs the containers of an agent's pods.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Runtime {
    /// Containers by containerd, on this machine.
    Containerd,
    /// Nothing runs: pods go through their phases on timers.
    Fake,
}
