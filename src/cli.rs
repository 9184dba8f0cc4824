//! The command line.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// A container orchestrator that speaks the Kubernetes API.
#[derive(Parser)]
#[command(name = "berth", version = apiserver::VERSION, about)]
pub(crate) struct Cli {
    /// What to log: a level, or directives as `warn,apiserver=debug`.
    #[arg(long, global = true, env = "BERTH_LOG", default_value = "info")]
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
    Scheduler,
    /// Run the controllers against an API server.
    Controllers,
    /// Run nodes against an API server.
    Agent(AgentArgs),
    #[command(flatten)]
    Ctl(ctl::Verb),
}

#[derive(Args)]
pub(crate) struct ServerArgs {
    /// Where the cluster's data, certificates and admin.kubeconfig are kept.
    #[arg(long, default_value = "/var/lib/berth")]
    pub(crate) data_dir: PathBuf,
    /// Address to serve HTTPS on.
    #[arg(long, default_value = "127.0.0.1:6443")]
    pub(crate) listen: SocketAddr,
    /// Do not run a node on this machine.
    #[arg(long)]
    pub(crate) no_agent: bool,
}

#[derive(Args)]
pub(crate) struct AgentArgs {
    /// What runs the containers.
    #[arg(long, value_enum)]
    pub(crate) runtime: Runtime,
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
    /// Nothing runs: pods go through their phases on timers.
    Fake,
}
