//! The API server as a whole, in process on the memory store.

mod fixtures;
mod forms;
mod rows;
mod semantics;
mod streams;

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
        let dir = TempDir::new().expect("temporary directory");
        let kinds = Arc::new(kinds::built_in());
        let options = Options {
            data_dir: dir.path().to_owned(),
            listen: ([127, 0, 0, 1], 0).into(),
            services: ServiceRange::default(),
            pods,
            shared: None,
        };
        let server =
            Server::start(Arc::new(store::Memory::new()), kinds.clone(), options).await.expect("starts");
        let client = server.client(Identity::admin());
        Self { server, client, kinds, dir }
    }

    fn kind(&self, group: &str, kind: &str) -> &Arc<Kind> {
        self.kinds.kind(group, kind).expect("a row of the table")
    }
}
