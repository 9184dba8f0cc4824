//! From exec until ready: on an empty directory, with all certificates to make, and again on the same directory.

use crate::Setup;
use crate::etcd::Etcd;
use crate::server::{Server, scratch};
use crate::stats::{Spread, millis};
use crate::table::{Row, Unit};

/// Milliseconds of each run.
#[derive(Default)]
struct Times {
    announced: Vec<f64>,
    answered: Vec<f64>,
}

impl Times {
    fn add(&mut self, server: &Server) {
        self.announced.push(millis(server.announced));
        self.answered.push(millis(server.answered));
    }
}

pub(crate) async fn run(setup: &Setup) -> anyhow::Result<()> {
    let (mut fresh, mut again, mut etcds) = (Times::default(), Times::default(), Vec::new());
    for _ in 0..setup.pick(3, 10, 10) {
        let dir = scratch()?;
        for times in [&mut fresh, &mut again] {
            let server = Server::start_in(setup, dir.path()).await?;
            times.add(&server);
            server.stop().await?;
        }
        if let Some(etcd) = Etcd::start(setup).await? {
            etcds.push(millis(etcd.answered));
        }
    }
    let etcd = Spread::of(etcds);
    let reference = (etcd.runs > 0).then_some(etcd.median);
    let print = |what: &str, times: Vec<f64>, conditions: &str| {
        Row::spread(what, &Spread::of(times), Unit::Milliseconds)
            .beside("etcd", reference)
            .conditions(conditions)
            .print();
    };
    print("exec to the line with ready, fresh", fresh.announced, "new CA and store");
    print("exec to /readyz 200 by HTTPS, fresh", fresh.answered, "tried every ms, a new TLS connection each");
    print("exec to the line with ready, again", again.announced, "same directory, after SIGTERM");
    print("exec to /readyz 200 by HTTPS, again", again.answered, "");
    if reference.is_some() {
        println!("  etcd: exec to /health true by plain HTTP, empty directory; {}", etcd.describe());
    }
    Ok(())
}
