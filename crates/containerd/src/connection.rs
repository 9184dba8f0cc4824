//! The connection to containerd.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use containerd_client::services::v1::{
    containers_client::ContainersClient, content_client::ContentClient, diff_client::DiffClient,
    events_client::EventsClient, images_client::ImagesClient, leases_client::LeasesClient,
    snapshots::snapshots_client::SnapshotsClient, tasks_client::TasksClient, version_client::VersionClient,
};
use hyper_util::rt::TokioIo;
use parking_lot::Mutex;
use tokio::net::UnixStream;
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tower::service_fn;

use crate::error::Error;
use crate::image::Details;
use crate::lease::CreateLease;
use crate::log::Followed;

const CONNECT: Duration = Duration::from_secs(5);
/// Bound of an ordinary call. Creating a task includes the runtime's work.
const CALL: Duration = Duration::from_secs(120);

/// Where containerd is and how it is used.
#[derive(Clone, Debug)]
pub struct Options {
    /// Its socket.
    pub socket: PathBuf,
    /// Its namespace, as `k8s.io`.
    pub namespace: String,
    /// Its snapshotter, as `overlayfs`.
    pub snapshotter: String,
    /// Directory for the fifos of containers' input and output; made when needed. Must outlive this process, or
    /// running containers lose their logs.
    pub fifo_dir: PathBuf,
}

/// containerd. Clones share one connection, which is made when needed and again after containerd restarts.
#[derive(Clone)]
pub struct Containerd {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub options: Options,
    channel: Channel,
    namespace: MetadataValue<Ascii>,
    /// What images' content says, by digest of the target.
    pub details: Mutex<HashMap<String, Arc<Details>>>,
    /// The containers whose output this process follows or followed.
    pub followed: Mutex<HashMap<String, Followed>>,
    pub lease: tokio::sync::Mutex<Option<CreateLease>>,
    /// Held by whoever pulls the image of this name.
    pub pulling: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
}

impl Containerd {
    /// Prepares the connection, without making it. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the namespace is no valid name.
    pub fn new(options: Options) -> Result<Self, Error> {
        let namespace = options
            .namespace
            .parse()
            .map_err(|_| Error::Spec(format!("invalid namespace {:?}", options.namespace)))?;
        let socket = options.socket.clone();
        let connector = service_fn(move |_| {
            let socket = socket.clone();
            async move {
                let named =
                    |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", socket.display()));
                UnixStream::connect(&socket).await.map(TokioIo::new).map_err(named)
            }
        });
        let channel = Endpoint::from_static("http://containerd")
            .connect_timeout(CONNECT)
            .connect_with_connector_lazy(connector);
        let inner = Inner {
            options,
            channel,
            namespace,
            details: Mutex::default(),
            followed: Mutex::default(),
            lease: tokio::sync::Mutex::default(),
            pulling: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// containerd's version, as `1.6.20~ds1`.
    ///
    /// # Errors
    /// When containerd does not answer.
    pub async fn version(&self) -> Result<String, Error> {
        let answer = VersionClient::new(self.channel()).version(self.request(())).await;
        Ok(answer.map_err(|status| Error::rpc("version", status))?.into_inner().version)
    }

    pub(crate) fn channel(&self) -> Channel {
        self.inner.channel.clone()
    }

    /// A request of the namespace, bounded in time.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = self.unbounded(message);
        request.set_timeout(CALL);
        request
    }

    /// A request of the namespace that may take for ever.
    pub(crate) fn unbounded<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        request.metadata_mut().insert("containerd-namespace", self.inner.namespace.clone());
        request
    }

    pub(crate) fn snapshotter(&self) -> String {
        self.inner.options.snapshotter.clone()
    }

    pub(crate) fn containers(&self) -> ContainersClient<Channel> {
        ContainersClient::new(self.channel())
    }

    pub(crate) fn content(&self) -> ContentClient<Channel> {
        ContentClient::new(self.channel())
    }

    pub(crate) fn diff(&self) -> DiffClient<Channel> {
        DiffClient::new(self.channel())
    }

    pub(crate) fn event_service(&self) -> EventsClient<Channel> {
        EventsClient::new(self.channel())
    }

    pub(crate) fn image_service(&self) -> ImagesClient<Channel> {
        ImagesClient::new(self.channel()).max_decoding_message_size(LISTS)
    }

    pub(crate) fn leases(&self) -> LeasesClient<Channel> {
        LeasesClient::new(self.channel())
    }

    pub(crate) fn snapshots(&self) -> SnapshotsClient<Channel> {
        SnapshotsClient::new(self.channel())
    }

    pub(crate) fn tasks(&self) -> TasksClient<Channel> {
        TasksClient::new(self.channel()).max_decoding_message_size(LISTS)
    }
}

/// containerd's own bound of a message.
const LISTS: usize = 16 << 20;
