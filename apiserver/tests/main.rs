//! The API server as a whole, in process on the memory store.

mod admission;
mod allocation;
mod bad_input;
mod bootstrap;
mod connection;
mod fixtures;
mod forms;
mod http2;
mod indentation;
mod pages;
mod rows;
mod scenarios;
mod semantics;
mod streams;
mod subresources;
mod warnings;
mod web_sockets;

use std::sync::Arc;

use apiserver::{Identity, Options, PodRange, Server, ServiceRange};
use client::Client;
use kinds::{Kind, Kinds};
use tempfile::TempDir;

/// A server on the memory store, with a client that may do anything.
struct World {
    server: Server,
    client: Client,
    kinds: Arc<Kinds>,
    dir: TempDir,
}

impl World {
    async fn new() -> Self {
        Self::with_pods(PodRange::default()).await
    }

    /// The same with these addresses for pods.
    async fn with_pods(pods: PodRange) -> Self {
        Self::on(Arc::new(store::Memory::new()), pods, ServiceRange::default()).await
    }

    /// The same on this store, with these addresses for services as well.
    async fn on(store: Arc<store::Memory>, pods: PodRange, services: ServiceRange) -> Self {
        let dir = TempDir::new().expect("temporary directory");
        let kinds = Arc::new(kinds::built_in());
        let options = Options {
            data_dir: dir.path().to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            services,
            pods,
            shared: None,
        };
        let server = Server::start(store, kinds.clone(), options).await.expect("starts");
        let client = server.client(Identity::admin());
        Self { server, client, kinds, dir }
    }

    fn kind(&self, group: &str, kind: &str) -> &Arc<Kind> {
        self.kinds.kind(group, kind).expect("a row of the table")
    }
}
