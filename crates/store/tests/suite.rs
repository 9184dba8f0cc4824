//! The conformance suite, on each store.

use std::sync::Arc;

use futures::FutureExt;
use store::conformance::{CASES, Factory};
use store::{Embedded, FaultyDisk, Memory, Options, Store};

use crate::etcd_server::Server;
use crate::support::small;

#[tokio::test]
async fn memory() {
    run(&|| async { Arc::new(Memory::new()) as Arc<dyn Store> }.boxed()).await;
}

#[tokio::test]
async fn embedded() {
    run(&|| async { on_faulty_disk(Options::default()) }.boxed()).await;
}

#[tokio::test]
async fn embedded_with_small_segments() {
    run(&|| async { on_faulty_disk(Options { segment_bytes: 300, ..small() }) }.boxed()).await;
}

#[tokio::test]
async fn embedded_in_a_directory() {
    let root = tempfile::tempdir().expect("a directory");
    let root = root.path().to_owned();
    let count = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let factory = move || {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let opened = Embedded::open(root.join(number.to_string()), small());
        async move { Arc::new(opened.expect("open")) as Arc<dyn Store> }.boxed()
    };
    run(&factory).await;
}

#[tokio::test]
async fn etcd() {
    let server = Arc::new(Server::start());
    let count = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let factory = move || {
        let number = count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let server = server.clone();
        async move { Arc::new(server.open_below(&format!("/{number}")).await) as Arc<dyn Store> }.boxed()
    };
    run(&factory).await;
}

fn on_faulty_disk(options: Options) -> Arc<dyn Store> {
    Arc::new(Embedded::open_on(Arc::new(FaultyDisk::new(0)), options).expect("open"))
}

async fn run(factory: Factory<'_>) {
    for case in CASES {
        println!("case {}", case.name);
        (case.run)(factory).await;
    }
}
