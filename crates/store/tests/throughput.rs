//! How many durable commits a second, on the file system of the temporary directory.
//! Run with `cargo test --release -p berth-store -- --ignored --nocapture throughput`.

use std::sync::Arc;
use std::time::Instant;

use store::{Durability, Embedded, Options, Txn};

use crate::support::{done, keys, put};

const COMMITS: usize = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn throughput() {
    for (durability, callers) in [
        (Durability::Durable, 1),
        (Durability::Durable, 64),
        (Durability::Durable, 512),
        (Durability::Volatile, 1),
        (Durability::Volatile, 64),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        let store = Arc::new(Embedded::open(dir.path(), Options::default()).expect("open"));
        let commits = if callers == 1 { COMMITS / 10 } else { COMMITS };
        let begin = Instant::now();
        let tasks: Vec<_> = (0..callers)
            .map(|caller| {
                let store = store.clone();
                tokio::spawn(async move {
                    for round in 0..commits / callers {
                        let key = format!("/objects/{caller}/{}", round % 1000);
                        let txn = put(&key, vec![b'x'; 1024]);
                        done(&*store, Txn { durability, ..txn }).await;
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("the task ends");
        }
        let rate = commits as f64 / begin.elapsed().as_secs_f64();
        println!("{durability:?}, {callers} callers: {rate:.0} commits/s of 1 KiB");
        store.close().await.expect("close");
        let begin = Instant::now();
        let store = Embedded::open(dir.path(), Options::default()).expect("open");
        let count = keys(&store).await.len();
        println!("    opened again with {count} keys in {:?}", begin.elapsed());
    }
}
