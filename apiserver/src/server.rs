//! Puts the API server together, starts it and stops it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cache::{Source, WatchCache};
use http_body_util::BodyExt;
use kinds::Kinds;
use object::Time;
use parking_lot::RwLock;
use store::Store;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;

use crate::api::Api;
use crate::authn::Authenticator;
use crate::backend::Streams;
use crate::body::BodyError;
use crate::certs::{self, Pki, server_names};
use crate::claims::{PodRange, ServiceRange};
use crate::flow::Flow;
use crate::identity::Identity;
use crate::local::{LocalService, LocalSource};
use crate::node_proxy::NodeProxy;
use crate::objects::Objects;
use crate::peers::{Membership, Peers, Slices};
use crate::token_calls::CachedUids;
use crate::tokens::Signer;
use crate::{bootstrap, expire, feed, kubeconfig, listen, owner, peers, signing, tls};

/// How long the cache may take to fill at start.
const LOAD: Duration = Duration::from_secs(60);

/// Issuer of service account tokens, as pods see the API server.
const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";

/// How the API server is to run.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where certificates and `admin.kubeconfig` are kept.
    pub data_dir: PathBuf,
    /// Address to listen on; port 0 takes any free one.
    pub listen: SocketAddr,
    /// What services draw addresses and ports from.
    pub services: ServiceRange,
    /// What nodes get the addresses of their pods from.
    pub pods: PodRange,
    /// Who this server is among those that may share its store; none where the store is its alone.
    pub shared: Option<String>,
}

/// Why the API server did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] listen::Error),
    /// Certificates cannot be read or made.
    #[error(transparent)]
    Certificates(#[from] certs::Error),
    /// The certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] tls::Error),
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The store was not read in time.
    #[error("the store could not be read within {} seconds", LOAD.as_secs())]
    Load,
    /// The objects that every cluster has could not be created.
    #[error("the first objects of the cluster cannot be created")]
    Bootstrap(#[from] client::Error),
    /// The store is shared, and cannot be used.
    #[error("the store cannot be used")]
    Owner(#[from] owner::Error),
    /// The key that signs service account tokens cannot be used.
    #[error("the key of service account tokens cannot be used")]
    Tokens(#[from] crate::tokens::KeyError),
}

/// A running API server.
pub struct Server {
    api: Arc<Api>,
    address: SocketAddr,
    ca: String,
    stop: watch::Sender<bool>,
    serving: JoinHandle<usize>,
    background: Vec<JoinHandle<()>>,
    /// Among the servers that share the store.
    membership: Option<Membership>,
}

impl Server {
    /// Starts on a store and returns once `/readyz` would answer 200.
    pub async fn start(store: Arc<dyn Store>, kinds: Arc<Kinds>, options: Options) -> Result<Self, Error> {
        let listener = listen::bind(options.listen).await?;
        let address =
            listener.local_addr().map_err(|source| listen::Error::Bind { addr: options.listen, source })?;
        // a server that listens everywhere is asked for by the address that it tells of itself
        let mut listening = vec![address.ip()];
        listening.extend(peers::advertised(address).map(|told| told.ip()));
        let names = server_names(certs::host_name().as_deref(), &listening, options.services.first());
        let pki_dir = options.data_dir.join("pki");
        if options.shared.is_some() {
            owner::check(&*store, &pki_dir).await?;
        }
        let pki = Pki::open(&pki_dir, &names, Time::now())?;
        if options.shared.is_some() {
            owner::claim(&*store, &pki.identity(), &pki_dir).await?;
        }
        let (stop, stopped) = watch::channel(false);
        let api = Arc::new(assemble(&store, kinds, &pki, &options, stop.clone())?);
        let (loaded, load) = oneshot::channel();
        let mut background = vec![tokio::spawn(feed::run(api.clone(), store, loaded))];
        tokio::time::timeout(LOAD, load).await.map_err(|_| Error::Load)?.map_err(|_| Error::Load)?;
        if let Err(status) = api.repair_claims().await {
            tracing::warn!("claims are not repaired: {}", status.message);
        }
        bootstrap::run(&api, address.port()).await?;
        background.push(tokio::spawn(bootstrap::keep_service(api.clone(), address.port())));
        background.push(tokio::spawn(expire::run(api.clone())));
        let signer: Arc<dyn Source> = Arc::new(LocalSource::new(api.clone(), Identity::admin()));
        let client = LocalService::new(api.clone(), Identity::admin()).client();
        background.push(tokio::spawn(signing::run(api.clone(), client, signer, pki.signing()?)));
        let mut membership = None;
        if let Some(address) = peers::advertised(address) {
            let client = LocalService::new(api.clone(), Identity::admin()).client();
            match options.shared {
                None => {
                    let (slices, own) = (Slices::new(client, &api.kinds), [address].into());
                    slices.reconcile(&own).await?;
                    background.push(tokio::spawn(slices.keep(own)));
                }
                Some(identity) => {
                    let mut peers = Peers::new(client, &api.kinds, identity, address);
                    peers.turn().await?;
                    membership = Some(peers.follow());
                }
            }
        }

        let shown = tls::Shown::new(&pki.server.with_authority(&pki.ca))?;
        let config = tls::server_config(&pki.ca, shown.clone())?;
        let serving = tokio::spawn(serve(api.clone(), listener, config, stopped));
        let kubeconfig = options.data_dir.join("admin.kubeconfig");
        write_kubeconfig(&kubeconfig, address, &pki)?;
        let renewing = api.clone();
        background.push(tokio::spawn(certs::renew(pki_dir, names, move |pki| {
            let written = write_kubeconfig(&kubeconfig, address, &pki);
            let shown = shown
                .replace(&pki.server.with_authority(&pki.ca))
                .and(renewing.nodes.renew(&pki.kubelet_client));
            if let Err(error) = shown.map_err(Error::from).and(written) {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "a renewed certificate cannot be used"
                );
            }
        })));
        api.ready.store(true, Ordering::Release);
        Ok(Self { api, address, ca: pki.ca, stop, serving, background, membership })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The certificate of the cluster's CA, in PEM.
    pub fn ca(&self) -> &str {
        &self.ca
    }

    /// Notes that a part of the control plane lives as long as this server does, and so needs no Lease. `lease` is the
    /// name of the one that it would hold.
    pub fn hosts(&self, lease: &'static str) {
        self.api.inside.write().push(lease);
    }

    /// A client in process that acts as `identity`.
    pub fn client(&self, identity: Identity) -> client::Client {
        LocalService::new(self.api.clone(), identity).client()
    }

    /// A source in process that sees what `identity` may see.
    pub fn source(&self, identity: Identity) -> Arc<dyn Source> {
        Arc::new(LocalSource::new(self.api.clone(), identity))
    }

    /// Stops accepting, ends watches, lets requests under way finish, and returns.
    pub async fn stop(self) {
        if let Some(membership) = self.membership {
            membership.leave().await;
        }
        self.stop.send_replace(true);
        match self.serving.await {
            Ok(0) => {}
            Ok(cut) => tracing::warn!(connections = cut, "connections were cut at the deadline"),
            Err(e) => tracing::error!("the listener failed: {e}"),
        }
        for task in self.background {
            task.abort();
        }
    }
}

fn assemble(
    store: &Arc<dyn Store>,
    kinds: Arc<Kinds>,
    pki: &Pki,
    options: &Options,
    stopping: watch::Sender<bool>,
) -> Result<Api, Error> {
    let signer = Arc::new(Signer::new(&pki.service_account_key, ISSUER)?);
    let cache = Arc::new(WatchCache::new(cache::Options::default()));
    let streams = Streams::new(stopping.subscribe());
    Ok(Api {
        kinds,
        objects: Objects::new(store.clone()),
        cache: cache.clone(),
        rules: RwLock::default(),
        flow: Flow::new(&crate::flow::Limits::default()),
        authenticator: Authenticator::new(signer.clone(), Arc::new(CachedUids(cache))),
        signer,
        services: options.services.clone(),
        pods: options.pods.clone(),
        nodes: NodeProxy::new(&pki.kubelet_client, streams.clone())?,
        streams,
        inside: RwLock::default(),
        ready: AtomicBool::new(false),
        stopping,
        documents: crate::discovery::Documents::default(),
    })
}

/// Serves until it is told to stop; returns how many connections had to be cut.
async fn serve(
    api: Arc<Api>,
    listener: TcpListener,
    config: Arc<rustls::ServerConfig>,
    mut stopped: watch::Receiver<bool>,
) -> usize {
    let handler = move |request: hyper::Request<hyper::body::Incoming>, peer: listen::Peer| {
        let api = api.clone();
        async move { api.handle(request.map(|body| body.map_err(BodyError::new).boxed_unsync()), &peer).await }
    };
    let stop = async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    listen::serve(listener, config, listen::Limits::default(), handler, stop).await
}

fn write_kubeconfig(path: &Path, address: SocketAddr, pki: &Pki) -> Result<(), Error> {
    let text = kubeconfig::render(&kubeconfig::server_url(address), &pki.ca, "kubernetes-admin", &pki.admin);
    kubeconfig::write(path, &text).map_err(|source| Error::Write { path: path.to_owned(), source })
}
