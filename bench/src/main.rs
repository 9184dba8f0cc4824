//! `bench`: runs the benchmarks on this machine and prints a table, each figure beside its reference where one is
//! installed. Every part runs as a process of its own, on loopback, in a directory that is removed afterwards.
//!
//! No figure fails the run: what is slow is read from the table. A benchmark that cannot run does fail it.

mod benchmarks;
mod client;
mod etcd;
mod given;
mod kubeconfig;
mod load;
mod machine;
mod node;
mod pods;
mod process;
mod server;
mod stats;
mod table;
mod usage;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::Parser;
use clap::builder::PossibleValuesParser;
use tokio::signal::unix::{SignalKind, signal};

use benchmarks::{ALL, Benchmark};
use given::Given;

/// Benchmarks of Berth, each beside its reference.
#[derive(Parser)]
#[command(name = "bench")]
struct Cli {
    /// Which benchmarks to run; all when left out.
    #[arg(long, value_delimiter = ',', value_parser = PossibleValuesParser::new(ALL.iter().map(|b| b.name)))]
    only: Vec<String>,
    /// Fewer runs and smaller sizes.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// The largest sizes too.
    #[arg(long)]
    full: bool,
    /// Measure an API server that runs already, any that speaks the Kubernetes API, as the current context of this
    /// file says; all happens in a namespace `berth-bench`, which is removed before and afterwards.
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// The process of that server, where it runs on this machine; without, neither its processor time nor its memory
    /// is known.
    #[arg(long, requires = "kubeconfig")]
    pid: Option<u32>,
    /// The binary to measure; the one beside this program when left out.
    #[arg(long)]
    berth: Option<PathBuf>,
}

/// How much work the figures may cost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Effort {
    Quick,
    Normal,
    Full,
}

/// What every benchmark gets.
struct Setup {
    /// The binary under test.
    berth: PathBuf,
    /// The server to measure in the place of one that is started.
    given: Option<Given>,
    /// The reference store, if installed.
    etcd: Option<PathBuf>,
    /// The reference command line, if installed.
    kubectl: Option<PathBuf>,
    effort: Effort,
}

impl Setup {
    fn new(cli: &Cli) -> anyhow::Result<Setup> {
        let berth = match &cli.berth {
            Some(path) => path.clone(),
            None => std::env::current_exe()?.with_file_name("berth"),
        };
        if !berth.is_file() {
            bail!("{} does not exist: build it, or name another by --berth", berth.display());
        }
        let effort = match (cli.quick, cli.full) {
            (true, _) => Effort::Quick,
            (_, true) => Effort::Full,
            _ => Effort::Normal,
        };
        let given = cli.kubeconfig.clone().map(|kubeconfig| Given { kubeconfig, pid: cli.pid });
        Ok(Setup {
            berth,
            given,
            etcd: machine::installed("etcd"),
            kubectl: machine::installed("kubectl"),
            effort,
        })
    }

    /// One of three values, by effort.
    fn pick<T>(&self, quick: T, normal: T, full: T) -> T {
        match self.effort {
            Effort::Quick => quick,
            Effort::Normal => normal,
            Effort::Full => full,
        }
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return fail(&e.into()),
    };
    match runtime.block_on(until_stopped(&cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => fail(&e),
    }
}

fn fail(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {error:#}");
    ExitCode::FAILURE
}

/// Runs the benchmarks; a signal drops them, and with them their processes and directories.
async fn until_stopped(cli: &Cli) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot wait for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot wait for signals")?;
    tokio::select! {
        done = run(cli) => done,
        _ = terminate.recv() => bail!("terminated"),
        _ = interrupt.recv() => bail!("interrupted"),
    }
}

async fn run(cli: &Cli) -> anyhow::Result<()> {
    let setup = Setup::new(cli)?;
    machine::describe(&setup);
    table::header();
    let mut failed = Vec::new();
    for benchmark in ALL.iter().filter(|b| wanted(b, cli)) {
        table::section(benchmark);
        if let Err(e) = (benchmark.run)(&setup).await {
            table::failure(&e);
            failed.push(benchmark.name);
        }
    }
    if let Some(given) = &setup.given {
        given.remove().await?;
    }
    if !failed.is_empty() {
        bail!("could not be measured: {}", failed.join(", "));
    }
    Ok(())
}

/// Of a server that was given only that is measured which needs none of ours beside it.
fn wanted(benchmark: &Benchmark, cli: &Cli) -> bool {
    let named = cli.only.is_empty() || cli.only.iter().any(|name| name == benchmark.name);
    named && (cli.kubeconfig.is_none() || benchmark.anywhere)
}
