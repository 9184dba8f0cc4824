//! The list of benchmarks. Each is a file that measures, and prints rows as it goes.

mod command_line;
mod containers;
mod copy;
mod disk;
mod latency;
mod list;
mod memory;
mod merge;
mod on_etcd;
mod pull;
mod requests;
mod rollout;
mod start;
mod watch;

use futures::future::LocalBoxFuture;

use crate::Setup;

/// One benchmark.
pub(crate) struct Benchmark {
    /// What `--only` calls it.
    pub(crate) name: &'static str,
    /// What it measures, in one line.
    pub(crate) about: &'static str,
    /// Whether it needs no more than an API server.
    pub(crate) anywhere: bool,
    /// Measures and prints.
    pub(crate) run: for<'a> fn(&'a Setup) -> LocalBoxFuture<'a, anyhow::Result<()>>,
}

/// All benchmarks, in the order they run.
pub(crate) const ALL: &[Benchmark] = &[
    Benchmark {
        name: "start",
        about: "from exec until the server is ready",
        anywhere: false,
        run: |setup| Box::pin(start::run(setup)),
    },
    Benchmark {
        name: "memory",
        about: "resident memory, and processor time when idle",
        anywhere: true,
        run: |setup| Box::pin(memory::run(setup)),
    },
    Benchmark {
        name: "requests",
        about: "creates and gets of ConfigMaps of 1 KiB over HTTPS with a client certificate",
        anywhere: true,
        run: |setup| Box::pin(requests::run(setup)),
    },
    Benchmark {
        name: "etcd",
        about: "creates and gets of ConfigMaps of 1 KiB with the data in an etcd",
        anywhere: false,
        run: |setup| Box::pin(on_etcd::run(setup)),
    },
    Benchmark {
        name: "list",
        about: "lists of many pods",
        anywhere: true,
        run: |setup| Box::pin(list::run(setup)),
    },
    Benchmark {
        name: "merge",
        about: "a strategic merge, in process",
        anywhere: true,
        run: |setup| Box::pin(merge::run(setup)),
    },
    Benchmark {
        name: "watch",
        about: "what is written once, delivered to many watchers",
        anywhere: true,
        run: |setup| Box::pin(watch::run(setup)),
    },
    Benchmark {
        name: "disk",
        about: "what an idle cluster writes",
        anywhere: false,
        run: |setup| Box::pin(disk::run(setup)),
    },
    Benchmark {
        name: "rollout",
        about: "a Deployment from 0 to many pods, on played nodes",
        anywhere: false,
        run: |setup| Box::pin(rollout::run(setup)),
    },
    Benchmark {
        name: "latency",
        about: "from the creation of a single pod to Running, on a played node",
        anywhere: false,
        run: |setup| Box::pin(latency::run(setup)),
    },
    Benchmark {
        name: "pods",
        about: "pods of real containers on a node of their own, from creation to Running; memory; services",
        anywhere: false,
        run: |setup| Box::pin(containers::run(setup)),
    },
    Benchmark {
        name: "pull",
        about: "an image from a registry on this machine",
        anywhere: false,
        run: |setup| Box::pin(pull::run(setup)),
    },
    Benchmark {
        name: "copy",
        about: "200 MB into a container and out of it, and through a forwarded port",
        anywhere: false,
        run: |setup| Box::pin(copy::run(setup)),
    },
    Benchmark {
        name: "cli",
        about: "the command line, from exec to exit",
        anywhere: false,
        run: |setup| Box::pin(command_line::run(setup)),
    },
];
