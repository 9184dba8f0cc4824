//! Which parts run together, and how they are stopped.

use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, ensure};
use apiserver::{Identity, Options, Server};
use cache::Source;
use client::Client;
use drive::Leadership;
use jiff::SignedDuration;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::cli::{AgentArgs, Command, NodeArgs, Runtime, ServerArgs};
use crate::stores::Opened;

/// How long parts may take to stop.
const STOP: Duration = Duration::from_secs(15);

const CONTROLLERS: &str = "system:kube-controller-manager";
const SCHEDULER: &str = "system:kube-scheduler";

const CONTROLLERS_LEASE: &str = "kube-controller-manager";
const SCHEDULER_LEASE: &str = "kube-scheduler";

/// Runs what the command line asks for until it is done or told to stop.
pub(crate) async fn run(command: Command, global: ctl::Global) -> anyhow::Result<ExitCode> {
    match command {
        Command::Ctl(verb) => return Ok(ctl::run(verb, global).await?),
        Command::Server(args) => server(args, true).await?,
        Command::Apiserver(args) => server(args, false).await?,
        Command::Controllers(args) => {
            crate::metrics_page::serve(args.metrics_address).await?;
            let (client, source) = connect(&global, "berth-controllers").await?;
            let leadership = leadership(CONTROLLERS_LEASE, Some(&identity()?));
            controllers::run(client, source, Arc::new(kinds::built_in()), leadership, stop_signal()?).await;
        }
        Command::Scheduler(args) => {
            crate::metrics_page::serve(args.metrics_address).await?;
            let (client, source) = connect(&global, "berth-scheduler").await?;
            let leadership = leadership(SCHEDULER_LEASE, Some(&identity()?));
            let options = scheduler::Options { leadership, ..scheduler::Options::default() };
            let stop = until(stop_signal()?);
            scheduler::run(client, source, Arc::new(kinds::built_in()), options, stop).await?;
        }
        Command::Agent(args) => agent(args, &global).await?,
        Command::Reset(args) => nodeagent::reset_node(node_options(args, String::new())?).await?,
        Command::Image(args) => crate::images::run(args).await?,
        Command::Store(args) => crate::store_files::run(&args)?,
        Command::Token(args) => {
            let config = global.file().context("--kubeconfig FILE is needed: how to reach the API server")?;
            crate::tokens::run(args, &config).await?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The API server, with controllers and scheduler in its process or alone.
async fn server(args: ServerArgs, all: bool) -> anyhow::Result<()> {
    let dir = args.data_dir.clone();
    std::fs::create_dir_all(&dir).with_context(|| format!("cannot create {}", dir.display()))?;
    let (pods, services) = crate::ranges::read(&args.ranges)?;
    if all && !args.no_agent {
        crate::ranges::check_routes(&pods, &services).await?;
    }
    let opened = Opened::open(&args.store, &dir).await?;
    let kinds = Arc::new(kinds::built_in());
    let options = Options {
        data_dir: dir.clone(),
        listen: args.listen,
        services,
        pods,
        shared: opened.shared().map(str::to_owned),
    };
    let mut stopped = stop_signal()?;
    let server = Server::start(opened.store(), kinds.clone(), options).await?;
    let mut parts = JoinSet::<anyhow::Result<()>>::new();
    if all {
        if opened.shared().is_none() {
            for lease in [CONTROLLERS_LEASE, SCHEDULER_LEASE] {
                server.hosts(lease);
            }
        }
        let ((client, source), stop) = (parts_of(&server, CONTROLLERS), stopped.clone());
        let published = controllers::publish_root_ca(&client, &kinds, server.ca()).await;
        published.context("cannot publish the CA")?;
        let (table, leader) = (kinds.clone(), leadership(CONTROLLERS_LEASE, opened.shared()));
        parts.spawn(async move {
            controllers::run(client, source, table, leader, stop).await;
            Ok(())
        });
        let ((client, source), stop) = (parts_of(&server, SCHEDULER), until(stopped.clone()));
        let leadership = leadership(SCHEDULER_LEASE, opened.shared());
        let (table, options) =
            (kinds.clone(), scheduler::Options { leadership, ..scheduler::Options::default() });
        parts.spawn(async move { Ok(scheduler::run(client, source, table, options, stop).await?) });
        if !args.no_agent {
            let options = node_options(args.node, server.ca().to_owned())?;
            let identity = Identity::node(&options.name()?);
            let (client, source) = (server.client(identity.clone()), server.source(identity));
            let stop = until(stopped.clone());
            parts.spawn(async move { Ok(nodeagent::run_node(client, source, kinds, options, stop).await?) });
        }
    }
    println!(
        "berth is ready: https://{} (kubeconfig {})",
        server.address(),
        dir.join("admin.kubeconfig").display()
    );
    tell_manager(NotifyState::Ready);
    // Parts end when they are told to stop: one that ends before takes the server down, rather than have it limp.
    let broken = tokio::select! {
        biased;
        _ = stopped.wait_for(|stop| *stop) => None,
        Some(ended) = parts.join_next() => Some(ended),
    };
    // A part that was told to stop may be done before this task has heard of it.
    let broken = broken.filter(|_| !*stopped.borrow());
    tracing::info!("stopping");
    tell_manager(NotifyState::Stopping);
    if broken.is_some() {
        parts.abort_all();
    }
    join(parts).await;
    server.stop().await;
    opened.close().await?;
    match broken {
        None => Ok(()),
        Some(ended) => ended?.and(Err(anyhow::anyhow!("a part ended by itself"))),
    }
}

/// Tells who started us as a service, such as systemd, if anybody did.
fn tell_manager(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::warn!(%error, "the service manager is not told");
    }
}

fn parts_of(server: &Server, user: &str) -> (Client, Arc<dyn Source>) {
    let identity = Identity::component(user);
    (server.client(identity.clone()), server.source(identity))
}

/// Who does a component's work: whoever holds its lease, as upstream names it; this process where it is alone.
fn leadership(lease: &str, identity: Option<&str>) -> Leadership {
    identity.map_or(Leadership::Held, |identity| Leadership::Lease {
        namespace: "kube-system".to_owned(),
        name: lease.to_owned(),
        identity: identity.to_owned(),
    })
}

/// Who we are among candidates for a lease: no two processes have the same.
pub(crate) fn identity() -> anyhow::Result<String> {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").context("cannot read the host's name")?;
    let unique =
        std::fs::read_to_string("/proc/sys/kernel/random/uuid").context("cannot draw a random id")?;
    Ok(format!("{}_{}", host.trim(), unique.trim()))
}

async fn agent(args: AgentArgs, global: &ctl::Global) -> anyhow::Result<()> {
    let kinds = Arc::new(kinds::built_in());
    let mut stopped = stop_signal()?;
    let joined = match &args.server {
        None => None,
        Some(server) => {
            let name = node_name(&args.node)?;
            let joining = crate::join::join(server, args.token.as_deref(), &args.node.node_dir, &name);
            Some(tokio::select! {
                joined = joining => joined?,
                _ = stopped.wait_for(|stop| *stop) => return Ok(()),
            })
        }
    };
    let kubeconfig = joined.as_ref().map(|joined| joined.kubeconfig.clone());
    let login = kubeconfig.map(|path| ctl::Global { kubeconfig: Some(path), ..ctl::Global::default() });
    let global = login.as_ref().unwrap_or(global);
    let (client, source) = connect(global, "berth-agent").await?;
    let stop = until(stopped);
    match args.runtime {
        Runtime::Containerd => {
            let options = node_options(args.node, authority(global)?)?;
            let ran = nodeagent::run_node(client, source, kinds, options, stop).await;
            if let (Err(error), Some(joined)) = (&ran, &joined)
                && error.is_overlap()
            {
                joined.undo()?;
            }
            ran?;
        }
        Runtime::Fake => {
            let options = nodeagent::FakeOptions {
                nodes: args.fake_nodes,
                prefix: args.fake_prefix,
                delays: nodeagent::Delays {
                    ready: SignedDuration::from_millis(args.fake_start_ms),
                    stop: SignedDuration::from_millis(args.fake_stop_ms),
                    ..nodeagent::Delays::default()
                },
                version: apiserver::VERSION.to_owned(),
                ..nodeagent::FakeOptions::default()
            };
            nodeagent::run_fake(client, source, kinds, options, stop).await?;
        }
    }
    Ok(())
}

/// The node's name: as given, or the host's.
fn node_name(args: &NodeArgs) -> anyhow::Result<String> {
    match &args.node_name {
        Some(name) => Ok(name.clone()),
        None => Ok(nodeagent::host_name()?),
    }
}

fn node_options(args: NodeArgs, ca: String) -> anyhow::Result<nodeagent::NodeOptions> {
    let (high, low) = (args.image_gc_high_threshold, args.image_gc_low_threshold);
    ensure!(low <= high, "--image-gc-low-threshold {low} must not be above --image-gc-high-threshold {high}");
    Ok(nodeagent::NodeOptions {
        name: args.node_name,
        address: args.node_ip,
        port: args.node_port,
        containerd: args.containerd,
        namespace: args.containerd_namespace,
        registries: args.registry_config,
        images: nodeagent::ImageCollection {
            high,
            low,
            period: Duration::from_secs(args.image_gc_period),
            min_age: SignedDuration::from_secs(args.image_gc_min_age.into()),
        },
        dir: args.node_dir,
        run_dir: args.run_dir,
        log_dir: args.log_dir,
        pods: args.pod_cidr,
        cgroup_root: args.cgroup_root,
        version: apiserver::VERSION.to_owned(),
        ca,
    })
}

/// The certificate of the cluster's CA, in PEM, as the kubeconfig's current context has it.
fn authority(global: &ctl::Global) -> anyhow::Result<String> {
    let path =
        global.kubeconfig.as_ref().context("--kubeconfig FILE is needed: how to reach the API server")?;
    let found = client::authority(path).with_context(|| format!("cannot use {}", path.display()))?;
    found.with_context(|| format!("{} names no CA certificate", path.display()))
}

/// The way to an API server afar.
async fn connect(global: &ctl::Global, name: &str) -> anyhow::Result<(Client, Arc<dyn Source>)> {
    let path =
        global.kubeconfig.as_ref().context("--kubeconfig FILE is needed: how to reach the API server")?;
    let agent = format!("{name}/{}", apiserver::VERSION);
    let client = Client::from_kubeconfig(path, &agent)
        .await
        .with_context(|| format!("cannot use {}", path.display()))?;
    let source = Arc::new(client::RemoteSource::new(client.clone()));
    Ok((client, source))
}

/// Becomes true at the first SIGTERM or SIGINT.
fn stop_signal() -> anyhow::Result<watch::Receiver<bool>> {
    let (sender, receiver) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        sender.send_replace(true);
        // Held so that receivers never see the channel closed.
        std::future::pending::<()>().await;
        drop(sender);
    });
    Ok(receiver)
}

/// A future that is done when it is time to stop.
type Stop = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

fn until(mut stopped: watch::Receiver<bool>) -> Stop {
    Box::pin(async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    })
}

async fn join(mut parts: JoinSet<anyhow::Result<()>>) {
    let all = async {
        while let Some(ended) = parts.join_next().await {
            match ended {
                Ok(Ok(())) => {}
                Err(e) if e.is_cancelled() => {}
                Ok(Err(e)) => tracing::error!("a part failed: {}", crate::told(&e)),
                Err(e) => tracing::error!("a part failed: {e}"),
            }
        }
    };
    if tokio::time::timeout(STOP, all).await.is_err() {
        tracing::warn!("parts did not stop in time");
    }
}
