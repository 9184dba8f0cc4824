//! The API server for parts of its own process: the same pipeline without a socket, and the watch cache without
//! encoding, both authorized as the part's own identity.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use cache::{Change, Document, Filter, Follow, ListQuery, Source, WatchItem, WatchStart};
use futures::StreamExt;
use futures::stream::{self, BoxStream};
use http::{Request, Response};
use http_body_util::BodyExt;
use object::{FieldSelector, LabelSelector, Status};

use crate::api::Api;
use crate::body::{Body, BodyError};
use crate::identity::Identity;
use crate::listen::Peer;
use crate::request::RequestInfo;

/// Pause before a refused or failed follow is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// The API server as a service in process.
#[derive(Clone)]
pub struct LocalService {
    api: Arc<Api>,
    peer: Peer,
}

impl LocalService {
    /// A service whose requests come from `identity`.
    pub fn new(api: Arc<Api>, identity: Identity) -> Self {
        let addr = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        Self { api, peer: Peer { addr, identity: Some(Arc::new(identity)) } }
    }

    /// A client over this service.
    pub fn client(self) -> client::Client {
        client::Client::from_kube(kube::Client::new(self, "default"))
    }
}

impl tower::Service<Request<kube::client::Body>> for LocalService {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<kube::client::Body>) -> Self::Future {
        let (api, peer) = (self.api.clone(), self.peer.clone());
        let request = request.map(|body| body.map_err(BodyError::new).boxed_unsync());
        Box::pin(async move { Ok(api.handle(request, &peer).await) })
    }
}

/// The watch cache as a source of changes.
pub struct LocalSource {
    api: Arc<Api>,
    identity: Identity,
}

impl LocalSource {
    /// A source that sees what `identity` may list and watch.
    pub fn new(api: Arc<Api>, identity: Identity) -> Self {
        Self { api, identity }
    }
}

impl Source for LocalSource {
    fn follow(&self, what: Follow) -> BoxStream<'static, Change> {
        let state = Following { api: self.api.clone(), identity: self.identity.clone(), what, watcher: None };
        stream::unfold(state, |mut state| async move {
            let changes = state.next().await;
            Some((stream::iter(changes), state))
        })
        .flatten()
        .boxed()
    }
}

struct Following {
    api: Arc<Api>,
    identity: Identity,
    what: Follow,
    watcher: Option<cache::Watcher>,
}

impl Following {
    async fn next(&mut self) -> Vec<Change> {
        loop {
            match &mut self.watcher {
                None => match self.start() {
                    Ok(change) => return vec![change],
                    Err(status) => {
                        tracing::warn!(kind = %self.what.kind.resource(), "cannot follow: {status}");
                        tokio::time::sleep(PAUSE).await;
                    }
                },
                Some(watcher) => match watcher.next().await {
                    Some(items) => return items.into_iter().filter_map(change_of).collect(),
                    None => self.watcher = None,
                },
            }
        }
    }

    fn start(&mut self) -> Result<Change, Status> {
        for verb in ["list", "watch"] {
            let info = RequestInfo {
                verb,
                is_resource: true,
                group: self.what.kind.group.clone(),
                version: self.what.kind.version.clone(),
                resource: self.what.kind.plural.clone(),
                namespace: self.what.namespace.clone(),
                ..RequestInfo::default()
            };
            self.api.authorize(&self.identity, &info)?;
        }
        let filter = Filter {
            namespace: self.what.namespace.clone(),
            labels: self
                .what
                .labels
                .parse::<LabelSelector>()
                .map_err(|e| Status::bad_request(e.to_string()))?,
            fields: self
                .what
                .fields
                .parse::<FieldSelector>()
                .map_err(|e| Status::bad_request(e.to_string()))?,
        };
        let query = ListQuery { filter: filter.clone(), limit: 0, after: None, at: None };
        let expired = |_| Status::expired("the cache moved on");
        let list = self.api.cache.list(&self.what.kind, &query).map_err(expired)?;
        let start = WatchStart::After(list.revision);
        self.watcher = Some(self.api.cache.watch(&self.what.kind, filter, start).map_err(expired)?);
        let objects = list.items.iter().map(|entry| document_of(entry)).collect();
        Ok(Change::Reset { objects, revision: list.revision })
    }
}

fn document_of(entry: &cache::Entry) -> Document {
    Document { key: entry.key.clone(), bytes: entry.document(), revision: entry.revision }
}

fn change_of(item: WatchItem) -> Option<Change> {
    match item {
        WatchItem::Added(entry) | WatchItem::Modified(entry) => Some(Change::Put(document_of(&entry))),
        WatchItem::Deleted { entry, revision } => Some(Change::Gone { key: entry.key.clone(), revision }),
        WatchItem::Bookmark(revision) | WatchItem::InitialEventsEnd(revision) => {
            Some(Change::Progress(revision))
        }
    }
}
